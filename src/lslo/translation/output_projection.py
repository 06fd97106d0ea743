"""The best next tokens of each hypothesis, without computing the log-probabilities of the whole vocabulary.

Beam search asks for the 2·beam best of V log-probabilities, exactly. Their normaliser needs all V logits, but
two passes over the logits are enough: one for the normaliser and the maximum of each block of the vocabulary,
one over the few blocks that can hold the best.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import M2M100ForConditionalGeneration

# With fewer tokens in the vocabulary, a plain top-k is as fast as one by blocks.
LARGE_VOCABULARY = 8192
# Tokens of a block of the vocabulary.
BLOCK = 64
# The number of logits that a CPU works on at a time: its cache holds them.
CACHED_LOGITS = 2**18


@dataclass(frozen=True)
class Continuations:
    """The best next tokens of each hypothesis.

    Attributes:
        log_probabilities: The log-probability of each candidate given its hypothesis,
            [n, hypotheses, candidates].
        tokens: The ids of the candidates, [n, hypotheses, candidates].
    """

    log_probabilities: Tensor
    tokens: Tensor

    def best(self, scores: Tensor, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Selects the best continuations of each sentence, among those of all its hypotheses.

        Args:
            scores: The sums of log-probabilities so far, [n, hypotheses].
            number: The number of continuations to select.

        Returns:
            Scores, the hypotheses that are continued, and the tokens: each [n, number], best first, or fewer
            where there are no more.
        """
        candidates = self.tokens.shape[-1]
        totals = (scores.unsqueeze(-1) + self.log_probabilities).flatten(1)
        best, flat = totals.topk(min(number, totals.shape[1]), dim=1)
        return best, flat // candidates, self.tokens.flatten(1).gather(1, flat)


class OutputProjection:
    """The output projection of a model, which turns decoder states into the best next tokens.

    Padding is never among them.

    Attributes:
        head: The linear map from a decoder state to the logits of the vocabulary.
        pad: The id of padding.
        vocabulary: The number V of tokens.
        candidates: The number of next tokens of each hypothesis.
    """

    def __init__(self, model: M2M100ForConditionalGeneration, candidates: int):
        self.head = model.lm_head
        self.pad = model.config.pad_token_id
        self.vocabulary = model.config.vocab_size
        self.candidates = candidates
        self._buffer: Tensor | None = None

    def log_probability(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Computes the log-probability of one token after each decoder state.

        Args:
            hidden: The decoder states, [n, d].
            tokens: The ids of the tokens, [n].

        Returns:
            The log-probabilities [n], in float32.
        """
        log_p = self._logits(hidden).float().log_softmax(dim=-1)
        return log_p.gather(1, tokens.unsqueeze(1)).squeeze(1)

    def continuations(self, hidden: Tensor, only: int | None = None) -> Continuations:
        """Finds the best next tokens of each hypothesis.

        Args:
            hidden: The decoder states, [n, hypotheses, d].
            only: The one token that may follow; None for any but padding.
        """
        logits = self._logits(hidden.flatten(0, 1))
        rows = CACHED_LOGITS // self.vocabulary if logits.device.type == "cpu" else len(logits)
        parts = [self._best(part, only) for part in logits.split(max(1, rows))]
        return Continuations(
            *(torch.cat(part).unflatten(0, hidden.shape[:2]) for part in zip(*parts, strict=True))
        )

    def _logits(self, hidden: Tensor) -> Tensor:
        """Computes logits [rows, V] from states [rows, d], in memory that the next call overwrites."""
        shape = (len(hidden), self.vocabulary)
        # The operating system takes as long to give a fresh matrix of this size as the product takes.
        if self._buffer is None or len(self._buffer) < len(hidden):
            self._buffer = hidden.new_empty(shape)
        logits = torch.mm(hidden, self.head.weight.t(), out=self._buffer[: len(hidden)])
        return logits if self.head.bias is None else logits.add_(self.head.bias)

    def _best(self, logits: Tensor, only: int | None) -> tuple[Tensor, Tensor]:
        """Finds the best next tokens from logits [rows, V], which it changes.

        Returns:
            Log-probabilities and tokens, each [rows, candidates], in any order; [rows, 1] with `only`.
        """
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
        # The best tokens are in the blocks with the largest maxima, or behind the last whole block. One of
        # the chosen blocks may owe its maximum to padding, hence one block more than candidates.
        chosen = blocks.topk(self.candidates + 1, dim=1).indices
        inside = torch.arange(BLOCK, device=logits.device)
        places = (chosen.unsqueeze(-1) * BLOCK + inside).flatten(1)
        rest = torch.arange(whole, self.vocabulary, device=logits.device).expand(len(logits), -1)
        places = torch.cat([places, rest], dim=1)
        values, best = logits.gather(1, places).topk(self.candidates, dim=1)
        return values - normaliser, places.gather(1, best)

    @property
    def _by_blocks(self) -> bool:
        """Whether the vocabulary is large enough for a top-k by blocks."""
        return self.vocabulary >= max(LARGE_VOCABULARY, BLOCK * (self.candidates + 2))
