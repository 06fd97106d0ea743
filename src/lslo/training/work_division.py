"""The division of an update's batches among processes that compute side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# A batch is divided into parts of about this many padded tokens at least: smaller parts cost more than
# another process gains.
LEAST_TOKENS = 500
# The cost of a target token, in source tokens: the decoder attends twice and has the output projection.
COST_OF_TARGET = 2


@dataclass(frozen=True)
class BatchPart:
    """A batch of an update, or a part of it.

    Attributes:
        batch: The place of the batch in the update, from 0.
        examples: The sentence pairs of the part, [n, 3].
        seed: The seed of the part's dropout, as `numpy.random.SeedSequence` takes it.
    """

    batch: int
    examples: np.ndarray
    seed: Sequence[int]


def most_parts(tokens: int) -> int:
    """Returns the largest number of parts that a batch of this many padded tokens may be divided into."""
    return max(1, round(tokens / LEAST_TOKENS))


@dataclass(frozen=True)
class WorkDivision:
    """The division of updates among processes.

    Attributes:
        lengths: The number of tokens of each sentence of the corpus, [languages, rows].
        processes: The number of processes.
    """

    lengths: np.ndarray
    processes: int

    def parts(self, batches: Sequence[np.ndarray], seeds: Sequence[Sequence[int]]) -> list[BatchPart]:
        """Divides the batches of an update so that all processes have something to do.

        Args:
            batches: The examples [n, 3] of each batch.
            seeds: The seed of each batch's dropout. A part of a divided batch adds its place to the seed; a
                batch that stays whole has the dropout that it has in one process.

        Returns:
            The parts of all batches, in order.
        """
        parts = []
        for number, (examples, seed) in enumerate(zip(batches, seeds, strict=True)):
            pieces = self.divide(examples, len(batches))
            for place, piece in enumerate(pieces):
                parts.append(BatchPart(number, piece, (*seed, place) if len(pieces) > 1 else seed))
        return parts

    def divide(self, examples: np.ndarray, batches: int) -> list[np.ndarray]:
        """Divides a batch by target language, so that each language is in as few parts as possible.

        Args:
            examples: The sentence pairs of the batch, [n, 3].
            batches: The number of batches of the update.
        """
        tokens = len(examples) * int(self._tokens(examples).max())
        parts = min(-(-self.processes // batches), most_parts(tokens), len(examples))
        return np.array_split(examples[examples[:, 1].argsort(kind="stable")], parts)

    def deal(self, parts: Sequence[BatchPart]) -> list[list[BatchPart]]:
        """Deals the parts out: the costliest first, always to the process that has the least to do.

        Returns:
            The parts of each process; a process may have none.
        """
        dealt: list[list[BatchPart]] = [[] for _ in range(self.processes)]
        loads = [0] * self.processes
        for part in sorted(parts, key=self.cost, reverse=True):
            process = loads.index(min(loads))
            dealt[process].append(part)
            loads[process] += self.cost(part)
        return dealt

    def cost(self, part: BatchPart) -> int:
        """Returns the cost of a part: its padded tokens, each target token counted COST_OF_TARGET times."""
        source, target = self._tokens(part.examples).max(axis=0).tolist()
        return len(part.examples) * (source + COST_OF_TARGET * target)

    def _tokens(self, examples: np.ndarray) -> np.ndarray:
        """Returns the tokens of source and target of each example, [n, 2]."""
        return self.lengths[examples[:, :2], examples[:, 2:]]
