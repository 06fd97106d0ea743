"""Pretrain the embedded base model from nothing and record how it came about."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch

from lslo.base_model.loading import load_base_model
from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.cldr.corpus import build_cldr_corpus, corpus_fingerprint, tokenizer_alphabet
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.experiment.hyperparameters import Decoding, Recipe
from lslo.experiment.languages import all_directions
from lslo.files.checksums import files_fingerprint
from lslo.recipes.pretraining import new_model, sample_examples, write_tokenizer
from lslo.running.script import script_job
from lslo.scoring.class_means import class_means
from lslo.scoring.directions import score_directions
from lslo.scoring.spbleu_tokenizer import SpbleuTokenizer
from lslo.training.trainer import train
from lslo.translation.translate import translate

# Sentences of each language that the SentencePiece model is trained on: the same of each, so that the
# pieces do not favour the high-resource languages, as those of M2M-124 do not.
SENTENCES_A_LANGUAGE = 4000


def main(
    output: Path,
    resource_classes: Mapping[str, str],
    embedded: Mapping[str, Any],
    pretraining: Mapping[str, Any],
    decoding: Decoding,
    metrics: Path,
    progress: TextIO | None = None,
) -> None:
    """Write the base model's folder (float16 weights) with `record.json`.

    embedded, pretraining: sections of the config. decoding: of the scores in the record.
    """
    corpus = build_cldr_corpus(
        resource_classes,
        seed=embedded["seed"],
        sizes=embedded["rows"],
        known_entities=embedded["known_entities"],
        focus_entities=embedded["focus_entities"],
    )
    languages = list(resource_classes)
    pieces = write_tokenizer(
        output, _tokenizer_sentences(corpus, languages), tokenizer_alphabet(corpus), pretraining["pieces"]
    )
    model = new_model(
        pieces, **{key: pretraining[key] for key in ("layers", "dimension", "feed_forward", "heads", "seed")}
    )
    tokenizer = Tokenizer(output)
    tokens = TokenizedCorpus.of(
        {language: [phrase.sentences.get(language) for phrase in corpus.pretrain] for language in languages},
        tokenizer,
    )
    weights = {language: pretraining["language_weights"][name] for language, name in resource_classes.items()}
    recipe = Recipe(
        **{
            key: pretraining[key]
            for key in (
                "epochs",
                "learning_rate",
                "warmup_updates",
                "tokens_per_update",
                "tokens_per_batch",
                "label_smoothing",
                "dropout",
                "seed",
            )
        }
    )

    def examples_of_epoch(epoch: int) -> np.ndarray:
        generator = np.random.default_rng([pretraining["seed"], epoch])
        return sample_examples(tokens, weights, pretraining["pairs_per_epoch"], generator)

    train(model, tokens, examples_of_epoch, recipe, metrics=metrics, progress=progress)
    model.to(torch.float16).save_pretrained(output)
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    record = {
        "corpus_fingerprint": corpus_fingerprint(corpus),
        "model_fingerprint": files_fingerprint([output / "model.safetensors"]),
        "embedded": dict(embedded),
        "pretraining": dict(pretraining),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "updates": lines[-1]["update"],
        "target_tokens": sum(line["target_tokens"] for line in lines),
        "loss_of_epoch": _loss_of_epoch(lines),
        "scores": _scores(output, corpus, resource_classes, decoding, progress),
    }
    (output / "record.json").write_text(json.dumps(record, indent=1) + "\n")


def _tokenizer_sentences(corpus, languages: Sequence[str]) -> list[str]:
    sentences = []
    for language in languages:
        having = [phrase.sentences[language] for phrase in corpus.pretrain if language in phrase.sentences]
        sentences += having[:SENTENCES_A_LANGUAGE]
    return sentences


def _loss_of_epoch(lines: Sequence[Mapping[str, float]]) -> list[float]:
    epochs = range(1, lines[-1]["epoch"] + 1)
    losses = [[line["loss"] for line in lines if line["epoch"] == epoch] for epoch in epochs]
    return [round(sum(values) / len(values), 4) for values in losses]


def _scores(
    folder: Path,
    corpus,
    resource_classes: Mapping[str, str],
    decoding: Decoding,
    progress: TextIO | None,
) -> dict[str, float | str]:
    """SpBLEU of each class pair on `devtest`, as translated by the float16 weights just saved."""
    references = {
        language: [phrase.sentences[language] for phrase in corpus.devtest] for language in resource_classes
    }
    hypotheses = translate(
        load_base_model(folder),
        Tokenizer(folder),
        references,
        all_directions(list(resource_classes)),
        decoding,
        progress=progress,
    )
    # By the name of the folder in resources/ that it becomes.
    spbleu = SpbleuTokenizer.from_model(folder / "sentencepiece.bpe.model", "embedded_base_model")
    scores = score_directions(hypotheses, references, spbleu)
    means = {
        column: round(float(value), 2) for column, value in class_means(scores, resource_classes).items()
    }
    return {**means, "signature": scores["spbleu_signature"].iloc[0]}


if "snakemake" in globals():
    with script_job(snakemake.log[0], snakemake.threads) as terminal:
        main(
            Path(snakemake.output.folder),
            snakemake.params.resource_classes,
            snakemake.params.embedded,
            snakemake.params.pretraining,
            Decoding(**snakemake.params.translation),
            Path(snakemake.output.metrics),
            terminal,
        )
