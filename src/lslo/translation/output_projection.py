"""The best next tokens of each hypothesis: the output projection, without all log-probabilities.

Beam search asks for the 2·beam best of V log-probabilities, exactly. All logits are needed for their
normaliser, but no more than two passes over them: one for the normaliser and the maximum of each block of the
vocabulary, one over the few blocks that can hold the best.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import M2M100ForConditionalGeneration

# Below this vocabulary a plain top-k is as fast as one by blocks.
LARGE_VOCABULARY = 8192
BLOCK = 64
# Logits that are worked on at a time on a CPU: as many as its cache holds.
CACHED_LOGITS = 2**18


@dataclass(frozen=True)
class Continuations:
    """The best next tokens of each hypothesis, and their log-probabilities: [n, hypotheses, candidates]."""

    log_probabilities: Tensor
    tokens: Tensor

    def best(self, scores: Tensor, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """The best of all continuations of each sentence, best first.

        scores: [n, hypotheses], of the hypotheses so far. Returns the scores, the hypotheses that are
        continued and the tokens: [n, number], or fewer where there are no more.
        """
        candidates = self.tokens.shape[-1]
        totals = (scores.unsqueeze(-1) + self.log_probabilities).flatten(1)
        best, flat = totals.topk(min(number, totals.shape[1]), dim=1)
        return best, flat // candidates, self.tokens.flatten(1).gather(1, flat)


class OutputProjection:
    """From decoder states to continuations; padding is none.

    candidates: continuations of each hypothesis.
    """

    def __init__(self, model: M2M100ForConditionalGeneration, candidates: int):
        self.head = model.lm_head
        self.pad = model.config.pad_token_id
        self.vocabulary = model.config.vocab_size
        self.candidates = candidates
        self._buffer: Tensor | None = None

    def log_probability(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """[n], of one token each. hidden: [n, d]; tokens: [n]."""
        log_p = self._logits(hidden).float().log_softmax(dim=-1)
        return log_p.gather(1, tokens.unsqueeze(1)).squeeze(1)

    def continuations(self, hidden: Tensor, only: int | None = None) -> Continuations:
        """hidden: [n, hypotheses, d]. only: the one token that may follow."""
        logits = self._logits(hidden.flatten(0, 1))
        rows = CACHED_LOGITS // self.vocabulary if logits.device.type == "cpu" else len(logits)
        parts = [self._best(part, only) for part in logits.split(max(1, rows))]
        return Continuations(
            *(torch.cat(part).unflatten(0, hidden.shape[:2]) for part in zip(*parts, strict=True))
        )

    def _logits(self, hidden: Tensor) -> Tensor:
        """[rows, V], in memory that the next call overwrites."""
        shape = (len(hidden), self.vocabulary)
        # A fresh matrix of this size costs the operating system as long as the product takes.
        if self._buffer is None or len(self._buffer) < len(hidden):
            self._buffer = hidden.new_empty(shape)
        logits = torch.mm(hidden, self.head.weight.t(), out=self._buffer[: len(hidden)])
        return logits if self.head.bias is None else logits.add_(self.head.bias)

    def _best(self, logits: Tensor, only: int | None) -> tuple[Tensor, Tensor]:
        """Log-probabilities and tokens [rows, candidates] from logits [rows, V], in any order."""
        logits = logits.float()
        whole = self.vocabulary // BLOCK * BLOCK
        blocks = logits[:, :whole].unflatten(1, (-1, BLOCK)).amax(dim=-1) if self._by_blocks else logits
        largest = blocks.amax(dim=-1, keepdim=True)
        if self._by_blocks and whole < self.vocabulary:
            largest = largest.maximum(logits[:, whole:].amax(dim=-1, keepdim=True))
        normaliser = (logits - largest).exp_().sum(dim=-1, keepdim=True).log_().add_(largest)
        if only is not None:
            tokens = torch.full_like(largest, only, dtype=torch.long)
            return logits[:, only : only + 1] - normaliser, tokens
        logits[:, self.pad] = -torch.inf
        if not self._by_blocks:
            values, tokens = logits.topk(self.candidates, dim=1)
            return values - normaliser, tokens
        # The best are in the blocks of the largest maxima, or behind the last whole block. Padding's block
        # may be among them for padding alone, so one more than as many.
        chosen = blocks.topk(self.candidates + 1, dim=1).indices
        inside = torch.arange(BLOCK, device=logits.device)
        places = (chosen.unsqueeze(-1) * BLOCK + inside).flatten(1)
        rest = torch.arange(whole, self.vocabulary, device=logits.device).expand(len(logits), -1)
        places = torch.cat([places, rest], dim=1)
        values, best = logits.gather(1, places).topk(self.candidates, dim=1)
        return values - normaliser, places.gather(1, best)

    @property
    def _by_blocks(self) -> bool:
        return self.vocabulary >= max(LARGE_VOCABULARY, BLOCK * (self.candidates + 2))
