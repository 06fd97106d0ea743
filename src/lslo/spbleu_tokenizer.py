"""What splits text into the pieces of spBLEU: the FLORES-101 tokenizer, or the base model's own pieces."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import sentencepiece
from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers import tokenizer_spm

# The name that M2M100 and NLLB tokenizers give their SentencePiece model.
SENTENCEPIECE_MODEL = "sentencepiece.bpe.model"


@dataclass(frozen=True)
class SpbleuTokenizer:
    """What splits text into the pieces whose n-grams spBLEU counts.

    Attributes:
        name: the tokenizer as the metric's signature names it (``tok:…``).
        processor: a loaded SentencePiece model, or None for sacrebleu's own tokenizer of that name.
    """

    name: str
    processor: sentencepiece.SentencePieceProcessor | None = field(default=None, compare=False, repr=False)

    @classmethod
    def flores101(cls) -> SpbleuTokenizer:
        """The paper's tokenizer, from the SentencePiece model that sacrebleu keeps in ``$SACREBLEU/models``.

        Raises:
            FileNotFoundError: the model is not there; sacrebleu would download it in the middle of scoring.
        """
        file_name = tokenizer_spm.SPM_MODELS["flores101"]["url"].rsplit("/", 1)[-1]
        path = Path(tokenizer_spm.SACREBLEU_DIR) / "models" / file_name
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: sacrebleu's flores101 model is missing; put it there, or point the environment "
                "variable SACREBLEU to the folder whose models/ has it"
            )
        return cls("flores101")

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
        model = path.read_bytes()
        processor = sentencepiece.SentencePieceProcessor()
        try:
            processor.LoadFromSerializedProto(model)
        except RuntimeError as error:
            raise ValueError(f"{path}: not a SentencePiece model") from error
        # Bars and colons part a signature.
        label = re.sub(r"[^A-Za-z0-9._-]+", "_", label or path.parent.resolve().name)
        return cls(f"spm:{label}-{hashlib.sha256(model).hexdigest()[:12]}", processor)

    def metric(self, references: Sequence[str]) -> BLEU:
        """BLEU with `references` (one a line) tokenised, counted and kept."""
        if self.processor is None:
            return BLEU(tokenize=self.name, references=[references])
        # force: text in pieces looks "already tokenised" to sacrebleu, which would warn about it.
        return BLEU(tokenize="none", force=True, references=[self.pieces(references)])

    def counts(self, metric: BLEU, hypotheses: Sequence[str]) -> np.ndarray:
        """What `metric`, which holds the references, counts in each hypothesis: int32 [sentences, 10]."""
        lines = hypotheses if self.processor is None else self.pieces(hypotheses)
        # The first half of corpus_score; sacrebleu's own significance tests start from it too.
        return np.array(metric._extract_corpus_statistics(lines, None), dtype=np.int32)

    def signature(self, metric: BLEU) -> str:
        """The signature of spBLEU by a `metric` that holds the references."""
        signature = metric.get_signature()
        if self.processor is not None:
            signature.update("tok", self.name)
        return str(signature)

    def pieces(self, lines: Sequence[str]) -> list[str]:
        """Each line as pieces with a space between them, as sacrebleu's SentencePiece tokenizers write it."""
        # rstrip: sacrebleu strips a line before it tokenises it.
        stripped = [line.rstrip() for line in lines]
        return [" ".join(line) for line in self.processor.encode(stripped, out_type=str, num_threads=1)]


def spbleu_tokenizer(name: str, base_model: str | Path) -> SpbleuTokenizer:
    """The tokenizer that a configuration names: ``flores101``, or ``base_model`` for that folder's own."""
    if name == "flores101":
        return SpbleuTokenizer.flores101()
    return SpbleuTokenizer.from_model(Path(base_model) / SENTENCEPIECE_MODEL)
