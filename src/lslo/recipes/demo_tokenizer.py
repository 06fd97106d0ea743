"""The tokenizer of the demo's base model: an M2M100 tokenizer around a SentencePiece model of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import sentencepiece
from transformers import M2M100Tokenizer

from lslo.base_model.file_names import SENTENCEPIECE_MODEL
from lslo.errors import one_line

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")


def write_tokenizer(folder: Path, sentences: Sequence[str], alphabet: str, pieces: int) -> M2M100Tokenizer:
    """Trains a SentencePiece model and writes the folder of an M2M100 tokenizer with it.

    Args:
        folder: The folder, which is made if it does not exist.
        sentences: The sentences that the pieces are learned from.
        alphabet: Characters that get a piece whether or not `sentences` have them.
        pieces: The number of pieces.

    Returns:
        The tokenizer.

    Raises:
        ValueError: The sentences do not give this number of pieces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / SENTENCEPIECE_MODEL
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
    vocabulary = _vocabulary(model)
    (folder / "vocab.json").write_text(
        json.dumps({piece: index for index, piece in enumerate(vocabulary)}, ensure_ascii=False, indent=0)
        + "\n",
        encoding="utf-8",
    )
    files = {"vocab_file": str(folder / "vocab.json"), "spm_file": str(model)}
    # M2M100Tokenizer knows its language tokens, but takes them for special ones only where they are named.
    language_tokens = list(M2M100Tokenizer(**files).lang_token_to_id)
    tokenizer = M2M100Tokenizer(**files, additional_special_tokens=language_tokens)
    tokenizer.save_pretrained(folder)
    return tokenizer


def _vocabulary(model: Path) -> list[str]:
    """Returns the special tokens in fairseq's order, then the pieces of a SentencePiece model."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    control = {"<s>", "</s>", "<unk>"}
    names = [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
    return [*SPECIAL_TOKENS, *(name for name in names if name not in control)]
