"""The group of processes that train together, each on a GPU of its own (or on the CPU, for tests).

torchrun starts them and sets RANK, LOCAL_RANK and WORLD_SIZE. The batches of an update are dealt out to the
processes, and their gradients are summed: an update by N processes is the same as an update by one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class ProcessGroup:
    """The group of processes that this one belongs to; a group of one where torchrun did not start it.

    Attributes:
        rank: The number of this process, from 0.
        size: The number of processes.
        device: The device that this process computes on.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @classmethod
    def join(cls) -> ProcessGroup:
        """Joins the group that torchrun's environment variables describe, a group of one without them."""
        local_rank = int(os.environ.get("LOCAL_RANK", 0))
        device = torch.device("cuda", local_rank) if torch.cuda.is_available() else torch.device("cpu")
        if device.type == "cuda":
            torch.cuda.set_device(device)
        size = int(os.environ.get("WORLD_SIZE", 1))
        if size > 1 and not distributed.is_initialized():
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(int(os.environ.get("RANK", 0)), size, device)

    @property
    def leads(self) -> bool:
        """Whether this process writes files and log lines for all."""
        return self.rank == 0

    @property
    def device_name(self) -> str:
        """The name of the GPU, or `the CPU`."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "the CPU"

    def own(self, batches: Sequence) -> Sequence:
        """Returns this process's share of the batches of an update."""
        return batches[self.rank :: self.size]

    def sum_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replaces every gradient by its sum over the processes; a process without batches adds zeros."""
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        waiting = [distributed.all_reduce(parameter.grad, async_op=True) for parameter in parameters]
        for work in waiting:
            work.wait()

    def sum(self, values: Sequence[float]) -> list[float]:
        """Returns each value summed over the processes."""
        if self.size == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total.tolist()

    def wait(self) -> None:
        """Waits until all processes have called this."""
        if self.size > 1:
            distributed.barrier()
