"""The tokenizers of spBLEU: FLORES-101's, or the SentencePiece model of the base model."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import sentencepiece
from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers import tokenizer_spm

from lslo.base_model.file_names import SENTENCEPIECE_MODEL
from lslo.base_model.sentencepiece_model import load_sentencepiece
from lslo.files.checksums import file_sha256
from lslo.scoring.ngram_matches import Sentences


@dataclass(frozen=True)
class SpbleuTokenizer:
    """A tokenizer that splits text into the pieces whose n-grams spBLEU counts.

    Attributes:
        name: The tokenizer's name in the metric's signature (`tok:…`).
        processor: The loaded SentencePiece model.
    """

    name: str
    processor: sentencepiece.SentencePieceProcessor = field(compare=False, repr=False)

    @classmethod
    def flores101(cls) -> SpbleuTokenizer:
        """Loads the paper's tokenizer from the SentencePiece model in `$SACREBLEU/models`.

        sacrebleu itself would download a missing model in the middle of scoring.

        Raises:
            FileNotFoundError: The model is missing.
            ValueError: The file is not a SentencePiece model.
        """
        file_name = tokenizer_spm.SPM_MODELS["flores101"]["url"].rsplit("/", 1)[-1]
        path = Path(tokenizer_spm.SACREBLEU_DIR) / "models" / file_name
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: sacrebleu's flores101 model is missing; put it there, or point the environment "
                "variable SACREBLEU to the folder whose models/ has it"
            )
        return cls("flores101", load_sentencepiece(path))

    @classmethod
    def from_model(cls, path: str | Path, label: str | None = None) -> SpbleuTokenizer:
        """Loads any SentencePiece model, named `spm:{label}-{first 12 hex digits of its SHA-256}`.

        Args:
            path: The file of the model.
            label: The label in the name. Without one it is the name of the model's folder, which is the
                base model's name.

        Raises:
            FileNotFoundError: The file does not exist.
            ValueError: The file is not a SentencePiece model.
        """
        path = Path(path)
        processor = load_sentencepiece(path)
        # A signature's parts are separated by bars and colons.
        label = re.sub(r"[^A-Za-z0-9._-]+", "_", label or path.parent.resolve().name)
        return cls(f"spm:{label}-{file_sha256(path)[:12]}", processor)

    @property
    def signature(self) -> str:
        """The signature of spBLEU with this tokenizer and one reference for each sentence."""
        signature = BLEU(tokenize="none", force=True, references=[[""]]).get_signature()
        signature.update("tok", self.name)
        return str(signature)

    def pieces(self, lines: Sequence[str]) -> list[str]:
        """Splits each line into pieces joined by spaces, as sacrebleu's SentencePiece tokenizers do."""
        # sacrebleu strips the end of a line before it tokenises the line.
        stripped = [line.rstrip() for line in lines]
        return [" ".join(line) for line in self.processor.encode(stripped, out_type=str, num_threads=1)]

    def numbered_pieces(self, lines: Sequence[str]) -> Sentences:
        """Splits lines into numbered tokens, which are equal exactly where sacrebleu's tokens are equal.

        sacrebleu splits the output of `pieces` at whitespace. Most pieces are one such token, and their ids
        are their numbers. Lines with unknown pieces, or with pieces that contain whitespace, are compared
        by their text. Numbers of different calls do not compare.
        """
        places: dict[str, int] = defaultdict(lambda: len(places))
        which = [places[line.rstrip()] for line in lines]
        texts = list(places)
        # Each distinct line is encoded once, and as numbers: strings take twice the time.
        encoded = self.processor.encode(texts, out_type="numpy", num_threads=1)
        pieces = _sentences(encoded)
        owners = np.repeat(np.arange(len(texts)), pieces.lengths)
        by_text = np.unique(owners[self._compared_by_text[pieces.symbols]]).tolist()
        if by_text:
            numbers = defaultdict(lambda: len(numbers), self._numbers_of_pieces)
            for place, line in zip(by_text, self.pieces([texts[place] for place in by_text]), strict=True):
                encoded[place] = np.array([numbers[piece] for piece in line.split()], np.int32)
        return _sentences([encoded[place] for place in which])

    @cached_property
    def _vocabulary(self) -> list[str]:
        return self.processor.id_to_piece(list(range(self.processor.get_piece_size())))

    @cached_property
    def _compared_by_text(self) -> np.ndarray:
        """The pieces whose ids do not stand for one token: bool `[pieces]`.

        The unknown piece has one id for all texts, and a piece with whitespace is several tokens, or none.
        """
        found = np.array([piece.split() != [piece] for piece in self._vocabulary])
        found[self.processor.unk_id()] = True
        return found

    @cached_property
    def _numbers_of_pieces(self) -> dict[str, int]:
        return {piece: number for number, piece in enumerate(self._vocabulary)}


def spbleu_tokenizer(name: str, base_model: str | Path) -> SpbleuTokenizer:
    """Loads the tokenizer that a configuration names.

    Args:
        name: `flores101`, or `base_model` for the SentencePiece model of the base model.
        base_model: The base model's folder.

    Raises:
        FileNotFoundError: The SentencePiece model is missing.
        ValueError: The file is not a SentencePiece model.
    """
    if name == "flores101":
        return SpbleuTokenizer.flores101()
    return SpbleuTokenizer.from_model(Path(base_model) / SENTENCEPIECE_MODEL)


def _sentences(numbers: Sequence[np.ndarray]) -> Sentences:
    lengths = np.fromiter(map(len, numbers), np.int64, len(numbers))
    return Sentences(np.concatenate([np.zeros(0, np.int32), *numbers]), lengths)
