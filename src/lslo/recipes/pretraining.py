"""Pretraining of the demo's base model: a small M2M100 with its own tokenizer, trained on the CLDR corpus.

High-resource languages are drawn more often than medium-resource ones, those more often than
very-low-resource ones, and the corpus withholds most entities from the last (see docs/embedded_corpus.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

from lslo.base_model.file_names import MODEL_WEIGHTS, SENTENCEPIECE_MODEL
from lslo.base_model.loading import load_base_model
from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.cldr.corpus import CldrCorpus, corpus_fingerprint, tokenizer_alphabet
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.experiment.cldr_corpus import cldr_corpus
from lslo.experiment.config_text_and_model import CldrPhrases, Pretraining
from lslo.experiment.hyperparameters import Decoding
from lslo.experiment.languages import all_directions
from lslo.files.checksums import files_fingerprint
from lslo.recipes.demo_tokenizer import write_tokenizer
from lslo.scoring.class_means import class_means
from lslo.scoring.directions import score_directions
from lslo.scoring.spbleu_tokenizer import SpbleuTokenizer
from lslo.training.batches import TrainingExamples
from lslo.training.trainer import Trainer, TrainingRecords
from lslo.translation.translate import translate

# The SentencePiece model is trained on this many sentences of each language: the same number of each, so that
# the pieces do not favour the high-resource languages, as those of M2M-124 do not.
SENTENCES_A_LANGUAGE = 4000
# The name of the tokenizer in the signature of scores: that of the folder in resources/ that it becomes.
TOKENIZER_NAME = "embedded_base_model"


def new_model(
    tokenizer: M2M100Tokenizer, *, layers: int, dimension: int, feed_forward: int, heads: int, seed: int
) -> M2M100ForConditionalGeneration:
    """Makes a model with random weights.

    Args:
        tokenizer: The tokenizer, whose tokens the model has rows for.
        layers: The number of layers of the encoder, and of the decoder.
        dimension: The size of hidden states, d_model.
        feed_forward: The inner size of feed-forward layers.
        heads: The number of attention heads.
        seed: Determines the weights.
    """
    torch.manual_seed(seed)
    configuration = M2M100Config(
        # The language tokens' ids follow the pieces'.
        vocab_size=max(tokenizer.lang_token_to_id.values()) + 1,
        d_model=dimension,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_ffn_dim=feed_forward,
        decoder_ffn_dim=feed_forward,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        max_position_embeddings=256,
        # The embeddings are multiplied by sqrt(d_model), so this gives them unit variance.
        init_std=dimension**-0.5,
    )
    return M2M100ForConditionalGeneration(configuration)


def sample_examples(
    corpus: TokenizedCorpus, weights: Mapping[str, float], number: int, generator: np.random.Generator
) -> np.ndarray:
    """Draws random pretraining examples.

    A direction is drawn in proportion to weights[source] · weights[target], then one of the rows that
    both languages have.

    Args:
        corpus: The sentences; a language may lack rows.
        weights: The weight of each language.
        number: The number of examples.
        generator: The source of all random choices.

    Returns:
        Source language, target language (indices) and row of each example, [number, 3].
    """
    weight = np.array([weights[language] for language in corpus.languages], dtype=np.float64)
    probability = np.outer(weight, weight)
    np.fill_diagonal(probability, 0)
    flat = generator.choice(probability.size, size=number, p=probability.ravel() / probability.sum())
    source, target = np.divmod(flat, len(weight))
    row = np.empty(number, dtype=np.int64)
    for direction in np.unique(flat):
        has_both = np.flatnonzero(
            (corpus.lengths[direction // len(weight)] > 0) & (corpus.lengths[direction % len(weight)] > 0)
        )
        chosen = flat == direction
        row[chosen] = has_both[generator.integers(len(has_both), size=int(chosen.sum()))]
    return np.column_stack([source, target, row])


@dataclass(frozen=True)
class DemoPretraining:
    """The pretraining of the demo's base model, from nothing to a scored model folder.

    Attributes:
        resource_classes: The class of each language, in the experiment's order.
        cldr: The configuration's section `corpus.embedded`, which describes the CLDR corpus.
        pretraining: The configuration's section `pretraining`.
        decoding: How to translate for the scores in the record.
    """

    resource_classes: Mapping[str, str]
    cldr: CldrPhrases
    pretraining: Pretraining
    decoding: Decoding

    @property
    def languages(self) -> list[str]:
        """The codes of the languages, in the experiment's order."""
        return list(self.resource_classes)

    def run(self, output: Path, metrics: Path, progress: TextIO | None = None) -> None:
        """Trains, and writes the base model's folder (float16 weights) with `record.json`.

        Args:
            output: The folder of the base model.
            metrics: The file that gets a JSON line for each update.
            progress: The terminal on which to draw progress bars.
        """
        corpus = cldr_corpus(self.cldr, self.resource_classes)
        tokenizer = write_tokenizer(
            output,
            _tokenizer_sentences(corpus, self.languages),
            tokenizer_alphabet(corpus),
            self.pretraining.pieces,
        )
        model = new_model(
            tokenizer,
            layers=self.pretraining.layers,
            dimension=self.pretraining.dimension,
            feed_forward=self.pretraining.feed_forward,
            heads=self.pretraining.heads,
            seed=self.pretraining.seed,
        )
        examples = self._examples(corpus, Tokenizer(output))
        records = TrainingRecords(metrics=metrics, progress=progress)
        Trainer(model, examples, self.pretraining.recipe, records=records).run()
        model.to(torch.float16).save_pretrained(output)
        lines = [json.loads(line) for line in metrics.read_text().splitlines()]
        record = {
            "corpus_fingerprint": corpus_fingerprint(corpus),
            "model_fingerprint": files_fingerprint([output / MODEL_WEIGHTS]),
            "embedded": self.cldr.model_dump(),
            "pretraining": self.pretraining.model_dump(),
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "updates": lines[-1]["update"],
            "target_tokens": sum(line["target_tokens"] for line in lines),
            "loss_of_epoch": _loss_of_epoch(lines),
            "scores": self._scores(output, corpus, progress),
        }
        (output / "record.json").write_text(json.dumps(record, indent=1) + "\n")

    def _examples(self, corpus: CldrCorpus, tokenizer: Tokenizer) -> TrainingExamples:
        """Returns other random examples of the pretraining split in each epoch."""
        rows = {
            language: [phrase.sentences.get(language) for phrase in corpus.pretrain]
            for language in self.languages
        }
        tokens = TokenizedCorpus.of(rows, tokenizer)
        weight_of_class = self.pretraining.language_weights
        weights = {language: weight_of_class[name] for language, name in self.resource_classes.items()}

        def of_epoch(epoch: int) -> np.ndarray:
            generator = np.random.default_rng([self.pretraining.seed, epoch])
            return sample_examples(tokens, weights, self.pretraining.pairs_per_epoch, generator)

        return TrainingExamples(tokens, of_epoch)

    def _scores(self, folder: Path, corpus: CldrCorpus, progress: TextIO | None) -> dict[str, float | str]:
        """Returns spBLEU of each class pair on `devtest`, translated by the float16 weights just saved."""
        references = {
            language: [phrase.sentences[language] for phrase in corpus.devtest] for language in self.languages
        }
        hypotheses = translate(
            load_base_model(folder),
            Tokenizer(folder),
            references,
            all_directions(self.languages),
            self.decoding,
            progress=progress,
        )
        spbleu = SpbleuTokenizer.from_model(folder / SENTENCEPIECE_MODEL, TOKENIZER_NAME)
        scores = score_directions(hypotheses, references, spbleu)
        means = {
            column: round(float(value), 2)
            for column, value in class_means(scores, self.resource_classes).items()
        }
        return {**means, "signature": scores["spbleu_signature"].iloc[0]}


def _tokenizer_sentences(corpus: CldrCorpus, languages: Sequence[str]) -> list[str]:
    """Returns the sentences that the pieces are learned from."""
    sentences = []
    for language in languages:
        having = [phrase.sentences[language] for phrase in corpus.pretrain if language in phrase.sentences]
        sentences += having[:SENTENCES_A_LANGUAGE]
    return sentences


def _loss_of_epoch(lines: Sequence[Mapping[str, float]]) -> list[float]:
    """Returns the mean loss of each epoch, given the metrics of each update."""
    epochs = range(1, lines[-1]["epoch"] + 1)
    losses = [[line["loss"] for line in lines if line["epoch"] == epoch] for epoch in epochs]
    return [round(sum(values) / len(values), 4) for values in losses]
