"""The gradients of an update: of its batches one after the other, or side by side where that is faster."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.experiment.hyperparameters import Recipe
from lslo.running.fork_pool import ForkPool, suitable_processes
from lslo.training.batches import collate
from lslo.training.gradients import accumulate_gradients

# Where there are more processes than batches, a batch is divided into parts of about so many tokens at least:
# what smaller ones cost is more than another process gains.
LEAST_TOKENS = 500
# A target token costs so many source tokens: the decoder attends twice and has the output projection.
COST_OF_TARGET = 2
# Numbers of a tensor in shared memory begin at multiples of so many bytes, a cache line.
ALIGNMENT = 64


@dataclass(frozen=True)
class _Part:
    """Examples [n, 3] of a batch (its place in the update), the whole or a part. seed: of its dropout."""

    batch: int
    examples: np.ndarray
    seed: Sequence[int]


@dataclass(frozen=True)
class _Share:
    """What one process has to do of an update. slot: where it puts the sum of the gradients."""

    parts: Sequence[_Part]
    target_tokens: int
    slot: int


class UpdateGradients:
    """Adds the gradients of batches to those of the parameters, each of which every batch must use.

    Unless a subclass's `add_gradients` uses only some: parameters that no batch used keep no gradient.

    router: of the model's LSLo modules. scaler: multiplies the gradients of float16. processes: that compute
    at the same time, copies of this one that read the parameters from memory they share with it; within
    `running` only. Each needs the size of the parameters twice, for its gradients and for where it puts
    them, and the parameters are there once more than training needs anyway.
    """

    def __init__(
        self,
        model: M2M100ForConditionalGeneration,
        parameters: Sequence[nn.Parameter],
        corpus: TokenizedCorpus,
        recipe: Recipe,
        router: Router | None = None,
        scaler: torch.amp.GradScaler | None = None,
        processes: int = 1,
    ):
        self.model = model
        self.parameters = parameters
        self.corpus = corpus
        self.recipe = recipe
        self.router = router
        self.scaler = scaler
        self.processes = processes
        self._copies: ForkPool | None = None
        self._slots: list[list[Tensor]] = []

    @contextmanager
    def running(self) -> Iterator[UpdateGradients]:
        """Within the context there are processes to compute with, if there are to be several.

        They are copies of this one as it is at the first update: what else than the parameters' values
        changes in it later, they do not see.
        """
        if self.processes == 1:
            yield self
            return
        shared = shared_like(self.parameters)
        for parameter, values in zip(self.parameters, shared, strict=True):
            parameter.data = values.copy_(parameter.data)
        self._slots = [shared_like(self.parameters) for _ in range(self.processes)]
        try:
            with ForkPool(self._fill_slot, self.processes) as self._copies:
                yield self
        finally:
            self._copies, self._slots = None, []
            for parameter in self.parameters:
                parameter.data = parameter.data.clone()

    def accumulate(
        self, batches: Sequence[np.ndarray], target_tokens: int, seeds: Sequence[Sequence[int]]
    ) -> list[tuple[float, float]]:
        """Add the gradients of loss / target_tokens; returns the loss and plain cross-entropy of each batch.

        batches: of examples [n, 3]. target_tokens: of the whole update. seeds: of each batch's dropout, as
        `numpy.random.SeedSequence` takes them; a part of a batch adds its place, so that the same number of
        processes gives the same bits, and another one other dropout where batches are divided. Raises
        MemoryError where a process was killed, and RuntimeError if there are to be several and are none.
        """
        if self.processes > 1 and self._copies is None:
            raise RuntimeError("accumulate is called within `running` where there are several processes")
        if self._copies is None:
            return [
                self._add(_Part(number, examples, seed), target_tokens)
                for number, (examples, seed) in enumerate(zip(batches, seeds, strict=True))
            ]
        parts = []
        for number, (examples, seed) in enumerate(zip(batches, seeds, strict=True)):
            pieces = self._divided(examples, len(batches))
            for place, piece in enumerate(pieces):
                # A batch that stays whole has the dropout that it has in one process.
                parts.append(_Part(number, piece, (*seed, place) if len(pieces) > 1 else seed))
        shares = [_Share(own, target_tokens, slot) for slot, own in enumerate(self._dealt(parts)) if own]
        calls = [self._copies.call(share) for share in shares]
        losses = np.zeros((len(batches), 2))
        for share, call in zip(shares, calls, strict=True):
            found, used = self._copies.result(call)
            for part, of_part in zip(share.parts, found, strict=True):
                losses[part.batch] += of_part
            for index in used:
                parameter, gradient = self.parameters[index], self._slots[share.slot][index]
                if parameter.grad is None:
                    parameter.grad = gradient.clone()
                else:
                    parameter.grad.add_(gradient)
        return [(loss, likelihood) for loss, likelihood in losses.tolist()]

    def _divided(self, examples: np.ndarray, batches: int) -> list[np.ndarray]:
        """A batch in parts, so that all processes have something to do, a language in as few as may be."""
        tokens = len(examples) * int(self._lengths(examples).max())
        parts = min(-(-self.processes // batches), _most_parts(tokens), len(examples))
        return np.array_split(examples[examples[:, 1].argsort(kind="stable")], parts)

    def _dealt(self, parts: Sequence[_Part]) -> list[list[_Part]]:
        """The parts of each process: the costliest first, always to the one that has least to do."""
        dealt: list[list[_Part]] = [[] for _ in range(self.processes)]
        loads = [0] * self.processes
        for part in sorted(parts, key=self._cost, reverse=True):
            process = loads.index(min(loads))
            dealt[process].append(part)
            loads[process] += self._cost(part)
        return dealt

    def _cost(self, part: _Part) -> int:
        """Padded tokens, a target token for several."""
        source, target = self._lengths(part.examples).max(axis=0).tolist()
        return len(part.examples) * (source + COST_OF_TARGET * target)

    def _lengths(self, examples: np.ndarray) -> np.ndarray:
        """Tokens of source and target: [n, 2]."""
        return self.corpus.lengths[examples[:, :2], examples[:, 2:]]

    def _add(self, part: _Part, target_tokens: int) -> tuple[float, float]:
        """Add the gradients of a part in this process."""
        # A seed a batch, so that dropout does not depend on what was computed before.
        torch.manual_seed(int(np.random.SeedSequence(part.seed).generate_state(1, np.uint64)[0]))
        return self.add_gradients(part.examples, target_tokens)

    def add_gradients(self, examples: np.ndarray, target_tokens: int) -> tuple[float, float]:
        """Add the gradients of loss / target_tokens over examples [n, 3]; returns their loss and plain
        cross-entropy, summed over tokens."""
        batch = collate(self.corpus, examples).to(self.model.device)
        return accumulate_gradients(
            self.model, self.parameters, batch, target_tokens, self.recipe, self.router, self.scaler
        )

    def _fill_slot(self, share: _Share) -> tuple[list[tuple[float, float]], list[int]]:
        """In a copy of the process: put the gradients of its share into its slot; returns the losses of each
        part, and which parameters have gradients."""
        for parameter in self.parameters:
            parameter.grad = None
        losses = [self._add(part, share.target_tokens) for part in share.parts]
        used = [index for index, parameter in enumerate(self.parameters) if parameter.grad is not None]
        for index in used:
            self._slots[share.slot][index].copy_(self.parameters[index].grad)
        return losses, used


def gradient_processes(model: M2M100ForConditionalGeneration, recipe: Recipe) -> int:
    """How many processes should compute the gradients of an update: no more than it can be divided among."""
    # The scale of float16's gradients changes in one process only.
    if recipe.precision == "float16":
        return 1
    parts = recipe.batches_per_update * _most_parts(recipe.tokens_per_batch)
    return min(suitable_processes(model), parts)


def _most_parts(tokens: int) -> int:
    """Into how many parts a batch of so many padded tokens may be divided."""
    return max(1, round(tokens / LEAST_TOKENS))


def shared_like(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Zeros of the tensors' shapes and types, in memory that copies of this process share with it."""
    sizes = [-(-tensor.nbytes // ALIGNMENT) * ALIGNMENT for tensor in tensors]
    starts = np.cumsum([0, *sizes]).tolist()
    # Not /dev/shm, which is small in containers.
    memory = mmap.mmap(-1, max(starts[-1], 1))
    return [
        torch.frombuffer(memory, dtype=tensor.dtype, count=tensor.numel(), offset=start).view(tensor.shape)
        if tensor.numel()
        else torch.zeros_like(tensor)
        for tensor, start in zip(tensors, starts, strict=False)
    ]
