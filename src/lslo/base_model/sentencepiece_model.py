"""Loading the SentencePiece model of a base model's folder.

This module does not import transformers, whose import takes seconds and which scoring does not need.
"""

from __future__ import annotations

from pathlib import Path

import sentencepiece


def load_sentencepiece(path: Path) -> sentencepiece.SentencePieceProcessor:
    """Loads a SentencePiece model from a file.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is not a SentencePiece model.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such SentencePiece model; take the one that comes with the base model"
        )
    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(path.read_bytes())
    except RuntimeError:
        raise ValueError(f"{path}: not a SentencePiece model; put an intact copy there") from None
    return processor
