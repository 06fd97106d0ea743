"""Training of any setting by the recipe of Section 5: `Trainer.run`, its epochs and their updates."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import torch
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.errors import Stopped
from lslo.experiment.hyperparameters import Recipe
from lslo.running.process_group import ProcessGroup
from lslo.running.progress import Progress
from lslo.running.signals import StopSignals
from lslo.training.batches import TrainingExamples
from lslo.training.checkpoints import CheckpointStore
from lslo.training.gradients import ForwardBackward
from lslo.training.metrics import MetricsLog
from lslo.training.optimization import adam, inverse_square_root, take_step
from lslo.training.parallel_gradients import GradientAccumulator, gradient_processes
from lslo.training.pruning import GradualPruner
from lslo.training.state import Position, TrainingState

logger = logging.getLogger(__name__)


def set_dropout(model: M2M100ForConditionalGeneration, dropout: float) -> None:
    """Sets the dropout of hidden states and attention; switches off layer drop, which the recipe lacks."""
    for module in model.modules():
        if hasattr(module, "dropout") and isinstance(module.dropout, float | int):
            module.dropout = dropout
        if hasattr(module, "layerdrop"):
            module.layerdrop = 0.0


@dataclass(frozen=True)
class TrainingRecords:
    """The traces that a training leaves while it runs. Only the first process of a group writes them.

    Attributes:
        metrics: The file that gets a JSON line for each update; None writes none.
        checkpoints: The store that states are saved to and resumed from; None saves nothing.
        after_epoch: A function that is called with the number of each epoch when it is done.
        progress: The terminal on which to draw a progress bar; None draws none.
    """

    metrics: Path | None = None
    checkpoints: CheckpointStore | None = None
    after_epoch: Callable[[int], None] | None = None
    progress: TextIO | None = None


class _UpdateResult(NamedTuple):
    """The outcome of an update, the same in all processes.

    Attributes:
        tokens: The target tokens of the update.
        loss: The smoothed loss for each target token.
        stop: Whether any process was asked to stop.
        save: Whether any process finds that it is time to save the state.
    """

    tokens: int
    loss: float
    stop: bool
    save: bool


class Trainer:
    """Trains the parameters of a model that require a gradient, in place.

    On a CPU a small model's updates are computed by forks of this process, one for each of PyTorch's threads
    (`GradientAccumulator`). The same seed, number of processes and threads give the same bits on the same
    machine, killed and resumed or not.

    Args:
        model: The model, on the device of the process group.
        examples: The sentence pairs of each epoch.
        recipe: The hyperparameters.
        router: The router of the model's LSLo modules; None without them.
        pruners: The pruners of the model's matrices.
        records: The destinations of metrics, states and progress.
        process_group: The processes that train together, each with the model on its own device.
    """

    def __init__(
        self,
        model: M2M100ForConditionalGeneration,
        examples: TrainingExamples,
        recipe: Recipe,
        *,
        router: Router | None = None,
        pruners: Sequence[GradualPruner] = (),
        records: TrainingRecords | None = None,
        process_group: ProcessGroup | None = None,
    ):
        self.model = model
        self.examples = examples
        self.recipe = recipe
        self.pruners = pruners
        self.records = records = records or TrainingRecords()
        self.process_group = process_group = process_group or ProcessGroup()
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = adam(self.parameters, recipe.learning_rate)
        self.scaler = torch.amp.GradScaler(process_group.device.type, enabled=recipe.precision == "float16")
        # Where torchrun started several processes, each has its share of the machine already.
        forks = gradient_processes(model, recipe) if process_group.size == 1 else 1
        self.gradients = GradientAccumulator(
            ForwardBackward(model, self.parameters, examples.corpus, recipe, router, self.scaler),
            self.parameters,
            examples.corpus,
            forks,
        )
        self.log = MetricsLog(records.metrics if process_group.leads else None)
        self.state = TrainingState(
            self.parameters,
            self.optimizer,
            self.scaler,
            pruners,
            self.log,
            process_group,
            records.checkpoints,
        )
        self.position = Position()
        self.stop_signals = StopSignals()
        self._saved_at = time.monotonic()

    def run(self) -> None:
        """Trains for the epochs of the recipe; a saved state's finished epochs are not repeated.

        Raises:
            MemoryError: A forked process was killed.
            FloatingPointError: The loss or a gradient is not finite.
            Stopped: SIGTERM or SIGINT came; the state is saved.
        """
        set_dropout(self.model, self.recipe.dropout)
        self.model.train()
        self._resume()
        self._saved_at = time.monotonic()
        with self.stop_signals, self.gradients.running():
            for epoch in range(self.position.epoch, self.recipe.epochs + 1):
                self._epoch(epoch)
        self.process_group.wait()
        self.model.eval()

    def _resume(self) -> None:
        """Puts a saved state back in place, if there is one, and logs what is trained by what."""
        self.position = self.state.restore()
        processes = max(self.process_group.size, self.gradients.processes)
        before, self.position.processes = self.position.processes, processes
        if not self.process_group.leads:
            return
        if self.position.epoch > 1 or self.position.done:
            self.log.write()
            logger.info("continuing after epoch %d, update %d", self.position.epoch - 1, self.position.update)
        if before not in (None, processes):
            logger.warning(
                "its state is of %d process(es) and it goes on in %d: its dropout differs from that of a "
                "training without interruption",
                before,
                processes,
            )
        logger.info(
            "%d parameters to train, in %s, by %d process(es), the first on %s",
            sum(parameter.numel() for parameter in self.parameters),
            self.recipe.precision,
            processes,
            self.process_group.device_name,
        )

    def _epoch(self, epoch: int) -> None:
        """Makes the remaining updates of an epoch, and saves the state."""
        updates = self.examples.updates(epoch, self.recipe)
        if not self.position.done:
            for pruner in self.pruners:
                pruner.start_epoch(epoch)
        bar = Progress(
            f"epoch {epoch}/{self.recipe.epochs}",
            "update",
            self.records.progress,
            shown=self.process_group.leads,
            total=len(updates),
            done=self.position.done,
            later=len(updates) * (self.recipe.epochs - epoch),
        )
        done = self.position.done
        for number, batches in enumerate(updates[done:], start=done + 1):
            result = self._update(epoch, number, batches)
            bar.step(tokens=result.tokens, loss=result.loss)
            if result.stop or (result.save and number < len(updates)):
                self._save(epoch, number)
            if result.stop:
                raise Stopped(
                    f"stopped by {self.stop_signals.asked or 'a signal'} at epoch {epoch}, update {number} "
                    f"of {len(updates)}; {self.state.what_is_kept}"
                )
        bar.close()
        if self.process_group.leads:
            mean = self.log.mean_loss(epoch)
            logger.info("epoch %d/%d: %d updates, loss %.4f", epoch, self.recipe.epochs, len(updates), mean)
            if self.records.after_epoch:
                self.records.after_epoch(epoch)
        self._save(epoch + 1, 0)
        self.log.write()

    def _update(self, epoch: int, number: int, batches: Sequence[np.ndarray]) -> _UpdateResult:
        """Makes one update of the parameters.

        Args:
            epoch: The number of the epoch, from 1.
            number: The number of the update within the epoch, from 1.
            batches: The examples [n, 3] of each batch.
        """
        started = time.perf_counter()
        where = f"epoch {epoch}, update {self.position.update + 1}"
        rate = inverse_square_root(
            self.position.update, self.recipe.learning_rate, self.recipe.warmup_updates
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        tokens = self.examples.corpus.target_tokens(batches)
        seeds = [(self.recipe.seed, epoch, number, place) for place in range(len(batches))]
        losses = self._forward_backward(batches, tokens, seeds, where)
        # One process that is asked to stop, or finds that a state is due, speaks for all.
        asked = self.stop_signals.asked is not None
        due = time.monotonic() - self._saved_at > 60 * self.recipe.checkpoint_minutes
        loss, nll, asked, due = self.process_group.sum([*losses, asked, due])
        self.process_group.sum_gradients(self.parameters)
        if take_step(self.optimizer, self.scaler, self.pruners, where):
            self.position.update += 1
            self.log.add(
                epoch=epoch,
                update=self.position.update,
                loss=loss / tokens,
                negative_log_likelihood=nll / tokens,
                learning_rate=rate,
                target_tokens=tokens,
                tokens_per_second=tokens / (time.perf_counter() - started),
                pruned_ratio=max((one.schedule.ratio_at(epoch) for one in self.pruners), default=0.0),
            )
        return _UpdateResult(tokens, loss / tokens, bool(asked), bool(due))

    def _forward_backward(
        self, batches: Sequence[np.ndarray], tokens: int, seeds: Sequence[Sequence[int]], where: str
    ) -> tuple[float, float]:
        """Accumulates the gradients of this process's share of the batches.

        Args:
            batches: The examples [n, 3] of each batch of the update.
            tokens: The target tokens of all of them.
            seeds: The seed of each batch's dropout.
            where: The epoch and the update, for messages.

        Returns:
            The loss and the negative log-likelihood, both summed over the target tokens of the share.
        """
        own = self.process_group.own(batches)
        losses = self.gradients.accumulate(own, tokens, self.process_group.own(seeds))
        for examples, (loss, _) in zip(own, losses, strict=True):
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"{where}: the loss is {loss}, training stopped; "
                    f"the batch's lines: {self.examples.corpus.describe(examples)}"
                )
        return math.fsum(loss for loss, _ in losses), math.fsum(nll for _, nll in losses)

    def _save(self, epoch: int, done: int) -> None:
        """Saves the state, with the position after `done` updates of an epoch."""
        self.position.epoch, self.position.done = epoch, done
        self.state.save(self.position)
        self._saved_at = time.monotonic()
