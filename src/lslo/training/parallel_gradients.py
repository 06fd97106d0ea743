"""The gradients of an update, its batches computed one after the other or divided among forked processes."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import M2M100ForConditionalGeneration

from lslo.corpus.tokenized import TokenizedCorpus
from lslo.experiment.hyperparameters import Recipe
from lslo.running.fork_pool import ForkPool, suitable_processes
from lslo.training.work_division import BatchPart, WorkDivision, most_parts

# The tensors in shared memory begin at multiples of a cache line, in bytes.
ALIGNMENT = 64


@dataclass(frozen=True)
class _Share:
    """One process's share of an update.

    Attributes:
        parts: The batches or parts of batches.
        target_tokens: The target tokens of the whole update.
        slot: The place of the shared memory that takes the sum of the share's gradients.
    """

    parts: Sequence[BatchPart]
    target_tokens: int
    slot: int


class GradientAccumulator:
    """Accumulates the gradients of an update's batches into `parameter.grad`.

    With `ForwardBackward` every batch must reach every parameter. Another `add_gradients` may use some
    parameters only: a parameter that no batch used keeps no gradient.

    Several processes are forks of this one, and exist within the context `running` only. They read the
    parameters from memory that they share with this process. Each needs twice the size of the parameters: for
    its gradients, and for the slot in shared memory that it puts their sum into. The shared parameters
    themselves are one copy more than training in one process needs.

    Args:
        add_gradients: Adds the gradients of a batch to `parameter.grad`, as
            `lslo.training.gradients.ForwardBackward` does. It takes the batch's examples [n, 3] and the
            target tokens of the whole update, and returns the loss and the negative log-likelihood, both
            summed over the batch's target tokens.
        parameters: The trained parameters.
        corpus: The sentences; their lengths decide how work is divided.
        processes: The number of processes that compute at the same time; 1 forks none.
    """

    def __init__(
        self,
        add_gradients: Callable[[np.ndarray, int], tuple[float, float]],
        parameters: Sequence[nn.Parameter],
        corpus: TokenizedCorpus,
        processes: int = 1,
    ):
        self.add_gradients = add_gradients
        self.parameters = parameters
        self.processes = processes
        self._division = WorkDivision(corpus.lengths, processes)
        self._fork_pool: ForkPool | None = None
        self._slots: list[list[Tensor]] = []

    @contextmanager
    def running(self) -> Iterator[GradientAccumulator]:
        """Provides the forked processes within the context, if there are to be several.

        They are forked from this process at the first update. Of what changes in this process later, they
        see the values of the parameters and nothing else.
        """
        if self.processes == 1:
            yield self
            return
        shared = shared_zeros_like(self.parameters)
        for parameter, values in zip(self.parameters, shared, strict=True):
            parameter.data = values.copy_(parameter.data)
        self._slots = [shared_zeros_like(self.parameters) for _ in range(self.processes)]
        try:
            with ForkPool(self._fill_slot, self.processes) as self._fork_pool:
                yield self
        finally:
            self._fork_pool, self._slots = None, []
            for parameter in self.parameters:
                parameter.data = parameter.data.clone()

    def accumulate(
        self, batches: Sequence[np.ndarray], target_tokens: int, seeds: Sequence[Sequence[int]]
    ) -> list[tuple[float, float]]:
        """Accumulates the gradients of loss / target_tokens into `parameter.grad`.

        The same number of processes gives the same bits. Another number gives other dropout, and so other
        gradients, where batches are divided.

        Args:
            batches: The examples [n, 3] of each batch.
            target_tokens: The target tokens of the whole update.
            seeds: The seed of each batch's dropout, as `numpy.random.SeedSequence` takes it.

        Returns:
            The loss and the negative log-likelihood of each batch, both summed over tokens.

        Raises:
            MemoryError: A forked process was killed.
            RuntimeError: There are to be several processes, and `running` was not entered.
        """
        if self.processes == 1:
            parts = [
                BatchPart(number, examples, seed)
                for number, (examples, seed) in enumerate(zip(batches, seeds, strict=True))
            ]
            return [self._add_part(part, target_tokens) for part in parts]
        if self._fork_pool is None:
            raise RuntimeError("accumulate is called within `running` where there are several processes")
        dealt = self._division.deal(self._division.parts(batches, seeds))
        shares = [_Share(parts, target_tokens, slot) for slot, parts in enumerate(dealt) if parts]
        calls = [self._fork_pool.call(share) for share in shares]
        losses = np.zeros((len(batches), 2))
        for share, call in zip(shares, calls, strict=True):
            losses_of_parts, used = self._fork_pool.result(call)
            for part, of_part in zip(share.parts, losses_of_parts, strict=True):
                losses[part.batch] += of_part
            self._add_slot(share.slot, used)
        return [(loss, nll) for loss, nll in losses.tolist()]

    def _add_slot(self, slot: int, used: Sequence[int]) -> None:
        """Adds the gradients in a slot to `parameter.grad`.

        Args:
            slot: The number of the slot.
            used: The indices of the parameters that have a gradient in the slot.
        """
        for index in used:
            parameter, gradient = self.parameters[index], self._slots[slot][index]
            if parameter.grad is None:
                parameter.grad = gradient.clone()
            else:
                parameter.grad.add_(gradient)

    def _add_part(self, part: BatchPart, target_tokens: int) -> tuple[float, float]:
        """Adds the gradients of a part in this process."""
        # Each part has a seed of its own, so that dropout does not depend on what was computed before.
        torch.manual_seed(int(np.random.SeedSequence(part.seed).generate_state(1, np.uint64)[0]))
        return self.add_gradients(part.examples, target_tokens)

    def _fill_slot(self, share: _Share) -> tuple[list[tuple[float, float]], list[int]]:
        """Puts the gradients of a share into its slot; called in a forked process.

        Returns:
            The losses of each part, and the indices of the parameters that have gradients.
        """
        for parameter in self.parameters:
            parameter.grad = None
        losses = [self._add_part(part, share.target_tokens) for part in share.parts]
        used = [index for index, parameter in enumerate(self.parameters) if parameter.grad is not None]
        for index in used:
            self._slots[share.slot][index].copy_(self.parameters[index].grad)
        return losses, used


def gradient_processes(model: M2M100ForConditionalGeneration, recipe: Recipe) -> int:
    """Returns how many processes should compute the gradients of an update.

    They are no more than the parts that an update can be divided into.
    """
    # The loss scale of float16 changes in one process only.
    if recipe.precision == "float16":
        return 1
    parts = recipe.batches_per_update * most_parts(recipe.tokens_per_batch)
    return min(suitable_processes(model), parts)


def shared_zeros_like(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Returns zeros of the tensors' shapes and types, in memory that forks of this process share with it."""
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
