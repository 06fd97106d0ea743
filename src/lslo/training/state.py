"""The state of a training, saved so that a killed one goes on to the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from lslo.running.process_group import ProcessGroup
from lslo.training.checkpoints import CheckpointStore
from lslo.training.metrics import MetricsLog
from lslo.training.pruning import GradualPruner


@dataclass
class Position:
    """The progress of a training.

    Attributes:
        epoch: The current epoch, from 1.
        done: The updates of this epoch that are done, skipped ones included.
        update: The updates of all epochs that changed the parameters.
        processes: The number of processes that compute an update together; None before training begins.
    """

    epoch: int = 1
    done: int = 0
    update: int = 0
    processes: int | None = None


@dataclass(frozen=True)
class TrainingState:
    """Everything that changes in training except its position, and the saving of all of it.

    Attributes:
        parameters: The trained parameters.
        optimizer: The optimizer, with its moments.
        scaler: The loss scaler of float16.
        pruners: The pruners, with their masks.
        log: The metrics of all updates so far.
        process_group: The processes that train together; only the first one writes.
        checkpoints: The store of saved states; None saves nothing.
    """

    parameters: Sequence[nn.Parameter]
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    pruners: Sequence[GradualPruner]
    log: MetricsLog
    process_group: ProcessGroup
    checkpoints: CheckpointStore | None

    @property
    def what_is_kept(self) -> str:
        """Half a sentence that tells whoever stops the training whether its state is saved."""
        if self.checkpoints is None:
            return "nothing of it was saved"
        return "its state is saved, and the same job goes on from there"

    def save(self, position: Position) -> None:
        """Has the first process save its state; the others have the same, and wait until it is on disk."""
        if self.checkpoints is None:
            return
        if self.process_group.leads:
            self.checkpoints.save(
                {
                    "epoch": position.epoch,
                    "done": position.done,
                    "update": position.update,
                    "processes": position.processes,
                    "parameters": [parameter.data for parameter in self.parameters],
                    "optimizer": self.optimizer.state_dict(),
                    "loss_scale": self.scaler.state_dict(),
                    "masks": [pruner.masks for pruner in self.pruners],
                    "metrics": self.log.lines,
                }
            )
        self.process_group.wait()

    def restore(self) -> Position:
        """Puts the saved state back in place, if there is one, and returns the position to go on from."""
        state = self.checkpoints.load() if self.checkpoints else None
        if state is None:
            return Position()
        for parameter, saved in zip(self.parameters, state["parameters"], strict=True):
            parameter.data.copy_(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["loss_scale"])
        for pruner, masks in zip(self.pruners, state["masks"], strict=True):
            for mask, saved in zip(pruner.masks, masks, strict=True):
                mask.copy_(saved)
        self.log.lines = state["metrics"]
        return Position(state["epoch"], state["done"], state["update"], state["processes"])
