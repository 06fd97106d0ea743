"""Training of any setting: the recipe of Section 5, read from top to bottom in `train`."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.errors import Stopped
from lslo.experiment.hyperparameters import Recipe
from lslo.running.process_group import ProcessGroup
from lslo.running.progress import Progress
from lslo.running.signals import StopSignals
from lslo.training.batches import group_into_updates, plan_batches
from lslo.training.checkpoints import CheckpointStore
from lslo.training.metrics import MetricsLog
from lslo.training.parallel_gradients import UpdateGradients, gradient_processes
from lslo.training.pruning import GradualPruner
from lslo.training.state import TrainingState

logger = logging.getLogger(__name__)


def set_dropout(model: M2M100ForConditionalGeneration, dropout: float) -> None:
    """Set the dropout of hidden states and attention, and switch off layer drop, which the recipe lacks."""
    for module in model.modules():
        if hasattr(module, "dropout") and isinstance(module.dropout, float | int):
            module.dropout = dropout
        if hasattr(module, "layerdrop"):
            module.layerdrop = 0.0


def train(
    model: M2M100ForConditionalGeneration,
    corpus: TokenizedCorpus,
    examples_of_epoch: Callable[[int], np.ndarray],
    recipe: Recipe,
    *,
    router: Router | None = None,
    pruners: Sequence[GradualPruner] = (),
    metrics: Path | None = None,
    checkpoints: CheckpointStore | None = None,
    after_epoch: Callable[[int], None] | None = None,
    progress: TextIO | None = None,
    process_group: ProcessGroup | None = None,
) -> None:
    """Train the parameters of `model` that require a gradient, in place.

    examples_of_epoch: the examples [n, 3] of an epoch (counted from 1). router: of the model's LSLo modules.
    metrics: a JSON line an update. checkpoints: where to resume from, and to save to. after_epoch: called
    with the epoch's number when it is done. progress: the terminal on which to draw a progress bar.
    process_group: the processes that train together, the model of each on its device; only the first writes.

    On a CPU a small model's updates are computed by copies of this process, one for each of PyTorch's
    threads (`UpdateGradients`). The same seed, number of processes and threads give the same bits on the same
    machine, killed and resumed or not. Raises MemoryError where a copy is killed, FloatingPointError when the
    loss or a gradient is not finite, and Stopped, once the state is saved, after SIGTERM or SIGINT.
    """
    process_group = process_group or ProcessGroup()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=recipe.learning_rate, betas=(0.9, 0.98), eps=1e-8, fused=True)
    scaler = torch.amp.GradScaler(process_group.device.type, enabled=recipe.precision == "float16")
    set_dropout(model, recipe.dropout)
    model.train()
    log = MetricsLog(metrics if process_group.leads else None)
    state = TrainingState(parameters, optimizer, scaler, pruners, log, process_group, checkpoints)
    position = state.restore()
    if (position.epoch > 1 or position.done) and process_group.leads:
        log.write()
        logger.info("continuing after epoch %d, update %d", position.epoch - 1, position.update)
    # Where torchrun started several processes, each has its share of the machine already.
    processes = gradient_processes(model, recipe) if process_group.size == 1 else 1
    gradients = UpdateGradients(model, parameters, corpus, recipe, router, scaler, processes)
    together = max(process_group.size, processes)
    if position.processes not in (None, together) and process_group.leads:
        logger.warning(
            "its state is of %d process(es) and it goes on in %d: its dropout is another than without the "
            "interruption",
            position.processes,
            together,
        )
    position.processes = together
    if process_group.leads:
        logger.info(
            "%d parameters to train, in %s, by %d process(es), the first on %s",
            sum(parameter.numel() for parameter in parameters),
            recipe.precision,
            together,
            process_group.device_name,
        )
    saved = time.monotonic()

    with StopSignals() as stop, gradients.running():
        for epoch in range(position.epoch, recipe.epochs + 1):
            # Random numbers come of the seed, the epoch and the update: a training that was killed goes on as
            # it would have.
            generator = np.random.default_rng([recipe.seed, epoch])
            batches = plan_batches(corpus, examples_of_epoch(epoch), recipe.tokens_per_batch, generator)
            updates = group_into_updates(batches, recipe.batches_per_update)
            if not position.done:
                for pruner in pruners:
                    pruner.start_epoch(epoch)
            ratio = max((pruner.schedule.ratio_at(epoch) for pruner in pruners), default=0.0)
            bar = Progress(
                f"epoch {epoch}/{recipe.epochs}",
                "update",
                progress,
                shown=process_group.leads,
                total=len(updates),
                done=position.done,
                later=len(updates) * (recipe.epochs - epoch),
            )
            for number, group in enumerate(updates[position.done :], start=position.done + 1):
                started = time.perf_counter()
                where = f"epoch {epoch}, update {position.update + 1}"
                rate = inverse_square_root(position.update, recipe.learning_rate, recipe.warmup_updates)
                for parameter_group in optimizer.param_groups:
                    parameter_group["lr"] = rate
                optimizer.zero_grad()
                tokens = corpus.target_tokens(group)
                seeds = [(recipe.seed, epoch, number, place) for place in range(len(group))]
                own = process_group.own(group)
                parts = gradients.accumulate(own, tokens, process_group.own(seeds))
                for examples, (loss, _) in zip(own, parts, strict=True):
                    if not math.isfinite(loss):
                        raise FloatingPointError(
                            f"{where}: the loss is {loss}, training stopped; "
                            f"the batch's lines: {corpus.describe(examples)}"
                        )
                losses = [math.fsum(column) for column in zip((0, 0), *parts, strict=True)]
                due = time.monotonic() - saved > 60 * recipe.checkpoint_minutes
                # One process that is asked to stop, or finds a state due, speaks for all.
                loss, likelihood, asked, due = process_group.sum([*losses, stop.asked is not None, due])
                process_group.sum_gradients(parameters)
                if take_step(optimizer, scaler, pruners, where):
                    position.update += 1
                    log.add(
                        epoch=epoch,
                        update=position.update,
                        loss=loss / tokens,
                        negative_log_likelihood=likelihood / tokens,
                        learning_rate=rate,
                        target_tokens=tokens,
                        tokens_per_second=tokens / (time.perf_counter() - started),
                        pruned_ratio=ratio,
                    )
                bar.step(tokens=tokens, loss=loss / tokens)
                if asked or (due and number < len(updates)):
                    position.epoch, position.done = epoch, number
                    state.save(position)
                    saved = time.monotonic()
                if asked:
                    raise Stopped(
                        f"stopped by {stop.asked or 'a signal'} at epoch {epoch}, update {number} of "
                        f"{len(updates)}; {state.what_is_kept}"
                    )
            bar.close()
            if process_group.leads:
                mean = log.mean(epoch)
                logger.info("epoch %d/%d: %d updates, loss %.4f", epoch, recipe.epochs, len(updates), mean)
                if after_epoch:
                    after_epoch(epoch)
            position.epoch, position.done = epoch + 1, 0
            state.save(position)
            saved = time.monotonic()
            log.write()
    process_group.wait()
    model.eval()


def inverse_square_root(updates: int, peak: float, warmup_updates: int) -> float:
    """Learning rate after `updates` updates, as fairseq's `inverse_sqrt` with no initial learning rate:
    linear from 0 to the peak during the warm-up, then peak · sqrt(warmup_updates / updates)."""
    if updates < warmup_updates:
        return peak * updates / warmup_updates
    return peak * math.sqrt(warmup_updates / max(updates, 1))


# fairseq's: where gradients overflow even with so small a scale, the training has diverged.
SMALLEST_LOSS_SCALE = 1e-4


def take_step(
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    pruners: Sequence[GradualPruner],
    where: str,
) -> bool:
    """Update the parameters; False where float16 overflowed, which leaves them as they are, as in fairseq.

    Raises FloatingPointError where gradients are not finite for any other reason.
    """
    scaler.unscale_(optimizer)
    gradients = [parameter.grad for group in optimizer.param_groups for parameter in group["params"]]
    finite = bool(torch.nn.utils.get_total_norm(gradients).isfinite())
    scale = scaler.get_scale()
    if not finite and (not scaler.is_enabled() or scale < SMALLEST_LOSS_SCALE):
        raise FloatingPointError(f"{where}: the gradients are not finite; training stopped")
    for pruner in pruners:
        pruner.mask_gradients()
    scaler.step(optimizer)
    scaler.update()
    if not finite:
        logger.warning(
            "%s: float16 overflow at a loss scale of %g, update skipped; the scale is now %g",
            where,
            scale,
            scaler.get_scale(),
        )
    for pruner in pruners:
        pruner.mask_weights()
    return finite
