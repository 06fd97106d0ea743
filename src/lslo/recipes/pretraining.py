"""The embedded base model: a small M2M100 pretrained on the embedded corpus, with its own SentencePiece.

High-resource languages are drawn more often than medium-resource ones, those more often than
very-low-resource ones, and the corpus withholds most entities from the last (see docs/embedded_corpus.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

from lslo.corpus.tokenized import TokenizedCorpus
from lslo.errors import one_line

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")


def write_tokenizer(folder: Path, sentences: Sequence[str], alphabet: str, pieces: int) -> M2M100Tokenizer:
    """Train a SentencePiece model of so many pieces and write the folder of an M2M100 tokenizer with it.

    alphabet: characters that get a piece whether or not `sentences` have them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "sentencepiece.bpe.model"
    try:
        with model.open("wb") as file:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(sentences),
                model_writer=file,
                vocab_size=pieces,
                model_type="bpe",
                character_coverage=1.0,
                required_chars=alphabet,
                num_threads=1,
                minloglevel=1,
            )
    except RuntimeError as error:
        raise ValueError(f"{pieces} pieces cannot be learned from the corpus ({one_line(error)})") from None
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    control = {"<s>", "</s>", "<unk>"}
    names = [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
    vocabulary = [*SPECIAL_TOKENS, *(name for name in names if name not in control)]
    (folder / "vocab.json").write_text(
        json.dumps({piece: index for index, piece in enumerate(vocabulary)}, ensure_ascii=False, indent=0)
        + "\n",
        encoding="utf-8",
    )
    files = {"vocab_file": str(folder / "vocab.json"), "spm_file": str(model)}
    # Named once more: M2M100Tokenizer knows its language tokens, but does not take them for special ones.
    language_tokens = list(M2M100Tokenizer(**files).lang_token_to_id)
    tokenizer = M2M100Tokenizer(**files, additional_special_tokens=language_tokens)
    tokenizer.save_pretrained(folder)
    return tokenizer


def new_model(
    tokenizer: M2M100Tokenizer, *, layers: int, dimension: int, feed_forward: int, heads: int, seed: int
) -> M2M100ForConditionalGeneration:
    """A model with random weights. layers: of the encoder and of the decoder; dimension: d_model."""
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
    """Random pretraining examples [number, 3] of source, target and row.

    A direction is drawn in proportion to weights[source] · weights[target], then one of the rows that
    both languages have.
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
