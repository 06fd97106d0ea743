"""Training of any setting: the recipe of Section 5, read from top to bottom in `train`."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from torch import nn
from transformers import M2M100ForConditionalGeneration

from lslo.batching import Batch, TokenizedCorpus, collate, group_into_updates, plan_batches
from lslo.checkpoints import CheckpointStore
from lslo.distributed import Workers
from lslo.loss import batch_loss
from lslo.metrics import MetricsLog
from lslo.progress import progress_bar
from lslo.pruning import GradualPruner
from lslo.routing import Router

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """How to train.

    tokens_per_batch: a batch of n pairs, the longest m tokens, counts n·m.
    tokens_per_update: gradients of tokens_per_update / tokens_per_batch batches are summed into an update.
    learning_rate: the peak of the inverse square root schedule. label_smoothing: fairseq's epsilon.
    precision: `float32`, or `bfloat16` for the frozen base model's weights and products (full fine-tuning
    keeps float32 weights and computes in bfloat16). checkpoint_minutes: time between two saved states
    within an epoch; one is saved at the end of every epoch anyway.
    """

    epochs: int
    learning_rate: float
    tokens_per_batch: int
    tokens_per_update: int
    warmup_updates: int = 1
    label_smoothing: float = 0.2
    dropout: float = 0.1
    seed: int = 1
    precision: str = "float32"
    checkpoint_minutes: float = 10.0

    @property
    def batches_per_update(self) -> int:
        """Batches whose gradients are summed into one update."""
        return max(1, round(self.tokens_per_update / self.tokens_per_batch))


def inverse_square_root(updates: int, peak: float, warmup_updates: int) -> float:
    """Learning rate after `updates` updates, as fairseq's `inverse_sqrt` with no initial learning rate:
    linear from 0 to the peak during the warm-up, then peak · sqrt(warmup_updates / updates)."""
    if updates < warmup_updates:
        return peak * updates / warmup_updates
    return peak * math.sqrt(warmup_updates / max(updates, 1))


def set_dropout(model: M2M100ForConditionalGeneration, dropout: float) -> None:
    """Set the dropout of hidden states and attention, and switch off layer drop, which the recipe lacks."""
    for module in model.modules():
        if hasattr(module, "dropout") and isinstance(module.dropout, float | int):
            module.dropout = dropout
        if hasattr(module, "layerdrop"):
            module.layerdrop = 0.0


def accumulate_gradients(
    model: M2M100ForConditionalGeneration,
    parameters: Sequence[nn.Parameter],
    batch: Batch,
    target_tokens: int,
    recipe: Recipe,
    router: Router | None,
) -> tuple[float, float]:
    """Add a batch's gradients of loss / target_tokens; returns its loss and plain cross-entropy, summed.

    target_tokens: of the whole update, so that every token weighs the same. A batch that a GPU cannot hold
    is halved, and its halves one after the other give the same gradients.
    """
    try:
        # Full fine-tuning keeps float32 weights; a frozen base model was loaded in low precision instead.
        with torch.autocast(
            batch.source.device.type,
            torch.bfloat16,
            enabled=recipe.precision == "bfloat16" and router is None,
        ):
            loss, likelihood = batch_loss(model, batch, recipe.label_smoothing, router)
        # Not `backward`: when memory ends in the middle of it, part of the gradients would be added already.
        gradients = torch.autograd.grad(loss / target_tokens, parameters)
    except torch.OutOfMemoryError:
        if len(batch) == 1:
            raise
        logger.warning("out of memory with %d sentence pairs in a batch: halving it", len(batch))
        gradients = None
    if gradients is None:
        # Outside `except`, whose traceback would keep the tensors of the failed attempt alive.
        torch.cuda.empty_cache()
        halves = [
            accumulate_gradients(model, parameters, half, target_tokens, recipe, router)
            for half in batch.halves()
        ]
        return sum(loss for loss, _ in halves), sum(likelihood for _, likelihood in halves)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
    return loss.item(), likelihood.item()


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
    workers: Workers | None = None,
) -> None:
    """Train the parameters of `model` that require a gradient, in place.

    examples_of_epoch: the examples [n, 3] of an epoch (counted from 1). router: of the model's LSLo modules.
    metrics: a JSON line an update. checkpoints: where to resume from, and to save to. after_epoch: called
    with the epoch's number when it is done. progress: the terminal on which to draw a progress bar.
    workers: the processes that train together, the model of each on its device; only the first writes.

    The same seed, number of processes and threads give the same bits on the same machine, killed and
    resumed or not. Raises FloatingPointError when the loss is not finite.
    """
    workers = workers or Workers()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=recipe.learning_rate, betas=(0.9, 0.98), eps=1e-8, fused=True)
    set_dropout(model, recipe.dropout)
    model.train()
    log = MetricsLog(metrics if workers.leads else None)
    position = _Position()
    state = checkpoints.load() if checkpoints else None
    if state:
        position = _restore(state, parameters, optimizer, pruners, log)
        log.write()
        logger.info("continuing after epoch %d, update %d", position.epoch - 1, position.update)
    saved = time.monotonic()

    for epoch in range(position.epoch, recipe.epochs + 1):
        # Each epoch has its own random state, so that one resumed after a kill is the one it would have been.
        generator = np.random.default_rng([recipe.seed, epoch])
        torch.manual_seed(int(generator.integers(2**62)) + workers.rank)
        batches = plan_batches(corpus, examples_of_epoch(epoch), recipe.tokens_per_batch, generator)
        updates = group_into_updates(batches, recipe.batches_per_update)
        if position.done:
            workers.set_random_state(position.random_states[workers.rank])
        else:
            for pruner in pruners:
                pruner.start_epoch(epoch)
        bar = progress_bar(f"epoch {epoch}/{recipe.epochs}", "update", progress, total=len(updates))
        bar.update(position.done)
        for number, group in enumerate(updates[position.done :], start=position.done + 1):
            started = time.perf_counter()
            rate = inverse_square_root(position.update, recipe.learning_rate, recipe.warmup_updates)
            for parameter_group in optimizer.param_groups:
                parameter_group["lr"] = rate
            optimizer.zero_grad()
            target_tokens = corpus.target_tokens(group)
            loss, likelihood = 0.0, 0.0
            for examples in workers.own(group):
                batch = collate(corpus, examples).to(workers.device)
                parts = accumulate_gradients(model, parameters, batch, target_tokens, recipe, router)
                loss += parts[0]
                likelihood += parts[1]
            loss, likelihood = workers.sum([loss, likelihood])
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"epoch {epoch}, update {position.update + 1}: the loss is {loss}; training stopped"
                )
            workers.sum_gradients(parameters)
            for pruner in pruners:
                pruner.mask_gradients()
            optimizer.step()
            for pruner in pruners:
                pruner.mask_weights()
            position.update += 1
            bar.update()
            log.add(
                epoch=epoch,
                update=position.update,
                loss=loss / target_tokens,
                negative_log_likelihood=likelihood / target_tokens,
                learning_rate=rate,
                target_tokens=target_tokens,
                tokens_per_second=target_tokens / (time.perf_counter() - started),
                pruned_ratio=max((pruner.schedule.ratio_at(epoch) for pruner in pruners), default=0.0),
            )
            due = time.monotonic() - saved > 60 * recipe.checkpoint_minutes
            if checkpoints and number < len(updates) and any(workers.gather(due)):
                position.epoch, position.done = epoch, number
                _save(checkpoints, position, parameters, optimizer, pruners, log, workers)
                saved = time.monotonic()
        bar.close()
        if workers.leads:
            logger.info(
                "epoch %d/%d: %d updates, loss %.4f", epoch, recipe.epochs, len(updates), log.mean(epoch)
            )
            if after_epoch:
                after_epoch(epoch)
        position.epoch, position.done = epoch + 1, 0
        if checkpoints:
            _save(checkpoints, position, parameters, optimizer, pruners, log, workers)
            saved = time.monotonic()
        log.write()
    workers.wait()
    model.eval()


@dataclass
class _Position:
    """Where a training is: the epoch, its updates that are done, all updates that are done, and each
    process's random state at that moment."""

    epoch: int = 1
    done: int = 0
    update: int = 0
    random_states: Sequence[torch.Tensor] = ()


def _save(
    checkpoints: CheckpointStore,
    position: _Position,
    parameters: Sequence[nn.Parameter],
    optimizer: torch.optim.Optimizer,
    pruners: Sequence[GradualPruner],
    log: MetricsLog,
    workers: Workers,
) -> None:
    """Have the first process save the state of all; the others have the same parameters."""
    random_states = workers.gather(workers.random_state().cpu())
    if workers.leads:
        checkpoints.save(
            {
                "epoch": position.epoch,
                "done": position.done,
                "update": position.update,
                "random_states": random_states,
                "parameters": [parameter.data for parameter in parameters],
                "optimizer": optimizer.state_dict(),
                "masks": [pruner.masks for pruner in pruners],
                "metrics": log.lines,
            }
        )


def _restore(
    state: dict,
    parameters: Sequence[nn.Parameter],
    optimizer: torch.optim.Optimizer,
    pruners: Sequence[GradualPruner],
    log: MetricsLog,
) -> _Position:
    """Put a saved state back in place; returns where training goes on."""
    for parameter, saved in zip(parameters, state["parameters"], strict=True):
        parameter.data.copy_(saved)
    optimizer.load_state_dict(state["optimizer"])
    for pruner, masks in zip(pruners, state["masks"], strict=True):
        for mask, saved in zip(pruner.masks, masks, strict=True):
            mask.copy_(saved)
    log.lines = state["metrics"]
    return _Position(state["epoch"], state["done"], state["update"], state["random_states"])
