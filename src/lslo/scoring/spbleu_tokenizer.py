"""What splits text into the pieces of spBLEU: the FLORES-101 tokenizer, or the base model's own pieces."""

from __future__ import annotations

import hashlib
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

from lslo.scoring.ngram_matches import Sentences

# The name that M2M100 and NLLB tokenizers give their SentencePiece model.
SENTENCEPIECE_MODEL = "sentencepiece.bpe.model"


@dataclass(frozen=True)
class SpbleuTokenizer:
    """What splits text into the pieces whose n-grams spBLEU counts.

    Attributes:
        name: the tokenizer as the metric's signature names it (``tok:…``).
        processor: a loaded SentencePiece model.
    """

    name: str
    processor: sentencepiece.SentencePieceProcessor = field(compare=False, repr=False)

    @classmethod
    def flores101(cls) -> SpbleuTokenizer:
        """The paper's tokenizer, from the SentencePiece model that sacrebleu keeps in ``$SACREBLEU/models``.

        Raises:
            FileNotFoundError: the model is not there; sacrebleu would download it in the middle of scoring.
            ValueError: it is not a SentencePiece model.
        """
        file_name = tokenizer_spm.SPM_MODELS["flores101"]["url"].rsplit("/", 1)[-1]
        path = Path(tokenizer_spm.SACREBLEU_DIR) / "models" / file_name
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: sacrebleu's flores101 model is missing; put it there, or point the environment "
                "variable SACREBLEU to the folder whose models/ has it"
            )
        return cls("flores101", _processor(path))

    @classmethod
    def from_model(cls, path: str | Path, label: str | None = None) -> SpbleuTokenizer:
        """A SentencePiece model of one's own, named ``spm:{label}-{first 12 hex digits of its SHA-256}``.

        Args:
            path: of the model.
            label: the name of its folder, which is the base model's, unless given.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is not a SentencePiece model.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no SentencePiece model to tokenise with for spBLEU")
        processor = _processor(path)
        # Bars and colons part a signature.
        label = re.sub(r"[^A-Za-z0-9._-]+", "_", label or path.parent.resolve().name)
        return cls(f"spm:{label}-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}", processor)

    @property
    def signature(self) -> str:
        """The signature of spBLEU with one reference a sentence."""
        signature = BLEU(tokenize="none", force=True, references=[[""]]).get_signature()
        signature.update("tok", self.name)
        return str(signature)

    def pieces(self, lines: Sequence[str]) -> list[str]:
        """Each line as pieces with a space between them, as sacrebleu's SentencePiece tokenizers write it."""
        # rstrip: sacrebleu strips a line before it tokenises it.
        stripped = [line.rstrip() for line in lines]
        return [" ".join(line) for line in self.processor.encode(stripped, out_type=str, num_threads=1)]

    def numbered_pieces(self, lines: Sequence[str]) -> Sentences:
        """What sacrebleu finds between the spaces of `pieces`, numbered; comparable within one call."""
        places: dict[str, int] = defaultdict(lambda: len(places))
        which = [places[line.rstrip()] for line in lines]
        texts = list(places)
        # Each text once; as numbers, since strings take twice the time.
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
        """bool [pieces]: unknown ones, which have one number for all texts, and those with whitespace."""
        found = np.array([piece.split() != [piece] for piece in self._vocabulary])
        found[self.processor.unk_id()] = True
        return found

    @cached_property
    def _numbers_of_pieces(self) -> dict[str, int]:
        return {piece: number for number, piece in enumerate(self._vocabulary)}


def _sentences(numbers: Sequence[np.ndarray]) -> Sentences:
    lengths = np.fromiter(map(len, numbers), np.int64, len(numbers))
    return Sentences(np.concatenate([np.zeros(0, np.int32), *numbers]), lengths)


def _processor(path: Path) -> sentencepiece.SentencePieceProcessor:
    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(path.read_bytes())
    except RuntimeError as error:
        raise ValueError(f"{path}: not a SentencePiece model") from error
    return processor


def spbleu_tokenizer(name: str, base_model: str | Path) -> SpbleuTokenizer:
    """The tokenizer that a configuration names: ``flores101``, or ``base_model`` for that folder's own."""
    if name == "flores101":
        return SpbleuTokenizer.flores101()
    return SpbleuTokenizer.from_model(Path(base_model) / SENTENCEPIECE_MODEL)
