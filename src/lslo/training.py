"""Training of any setting: the recipe of Section 5, read from top to bottom in `train`."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import M2M100ForConditionalGeneration

from lslo.batching import Batch, TokenizedCorpus, collate, group_into_updates, plan_batches
from lslo.checkpoints import CheckpointStore
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
    """

    epochs: int
    learning_rate: float
    tokens_per_batch: int
    tokens_per_update: int
    warmup_updates: int = 1
    label_smoothing: float = 0.2
    dropout: float = 0.1
    seed: int = 1

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


def smoothed_cross_entropy(logits: Tensor, target: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """fairseq's label-smoothed cross-entropy and the plain one, both summed over tokens.

    logits: [tokens, V]; target: [tokens]. With eps_i = eps/(V−1) the loss is (1 − eps − eps_i)·nll +
    eps_i·Σ_v(−log p_v); PyTorch's label smoothing gives the same for eps·V/(V−1), but not nll beside it.
    """
    log_probabilities = F.log_softmax(logits, dim=-1)
    likelihood = -log_probabilities.gather(1, target.unsqueeze(1)).sum()
    share = epsilon / (logits.shape[-1] - 1)
    return (1 - epsilon - share) * likelihood - share * log_probabilities.sum(), likelihood.detach()


def batch_loss(
    model: M2M100ForConditionalGeneration, batch: Batch, epsilon: float, router: Router | None
) -> tuple[Tensor, Tensor]:
    """Loss of a batch summed over its target tokens, smoothed and plain (Equation 1)."""

    def hidden_states() -> Tensor:
        return model.model(
            input_ids=batch.source,
            attention_mask=batch.source_mask,
            decoder_input_ids=batch.decoder_input,
            use_cache=False,
        ).last_hidden_state

    if router is None:
        hidden = hidden_states()
    else:
        with router.route(batch.source_language, batch.target_language):
            hidden = hidden_states()
    kept = batch.target.ne(batch.pad)
    return smoothed_cross_entropy(model.lm_head(hidden[kept]), batch.target[kept], epsilon)


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
) -> None:
    """Train the parameters of `model` that require a gradient, in place.

    examples_of_epoch: the examples [n, 3] of an epoch (counted from 1). router: of the model's LSLo modules.
    metrics: a JSON line an update. checkpoints: where to resume from, and to save after each epoch.
    after_epoch: called with the epoch's number when it is done. progress: the terminal on which to draw a
    progress bar. The same seed on the same machine with the
    same number of threads gives the same bits. Raises FloatingPointError when the loss is not finite.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=recipe.learning_rate, betas=(0.9, 0.98), eps=1e-8, fused=True)
    set_dropout(model, recipe.dropout)
    model.train()
    log = MetricsLog(metrics)
    first_epoch, update = 1, 0
    state = checkpoints.load() if checkpoints else None
    if state:
        first_epoch, update = _restore(state, parameters, optimizer, pruners)
        log.lines = state["metrics"]
        log.write()
        logger.info("continuing after epoch %d", first_epoch - 1)

    for epoch in range(first_epoch, recipe.epochs + 1):
        for pruner in pruners:
            pruner.start_epoch(epoch)
        # Each epoch has its own random state, so that one resumed after a kill is the one it would have been.
        generator = np.random.default_rng([recipe.seed, epoch])
        torch.manual_seed(int(generator.integers(2**62)))
        batches = plan_batches(corpus, examples_of_epoch(epoch), recipe.tokens_per_batch, generator)
        updates = group_into_updates(batches, recipe.batches_per_update)
        for group in progress_bar(updates, f"epoch {epoch}/{recipe.epochs}", "update", progress):
            started = time.perf_counter()
            rate = inverse_square_root(update, recipe.learning_rate, recipe.warmup_updates)
            for parameter_group in optimizer.param_groups:
                parameter_group["lr"] = rate
            optimizer.zero_grad()
            batches_of_update = [collate(corpus, examples) for examples in group]
            target_tokens = sum(batch.target_tokens for batch in batches_of_update)
            total, total_likelihood = 0.0, 0.0
            for batch in batches_of_update:
                loss, likelihood = batch_loss(model, batch, recipe.label_smoothing, router)
                # Divided by the tokens of the whole update, not of the batch: every token weighs the same.
                (loss / target_tokens).backward()
                total += loss.item()
                total_likelihood += likelihood.item()
            if not math.isfinite(total):
                raise FloatingPointError(
                    f"epoch {epoch}, update {update + 1}: the loss is {total}; training stopped"
                )
            for pruner in pruners:
                pruner.mask_gradients()
            optimizer.step()
            for pruner in pruners:
                pruner.mask_weights()
            update += 1
            log.add(
                epoch=epoch,
                update=update,
                loss=total / target_tokens,
                negative_log_likelihood=total_likelihood / target_tokens,
                learning_rate=rate,
                target_tokens=target_tokens,
                tokens_per_second=target_tokens / (time.perf_counter() - started),
                pruned_ratio=max((pruner.schedule.ratio_at(epoch) for pruner in pruners), default=0.0),
            )
        logger.info("epoch %d/%d: %d updates, loss %.4f", epoch, recipe.epochs, len(updates), log.mean(epoch))
        if after_epoch:
            after_epoch(epoch)
        if checkpoints:
            checkpoints.save(_state(epoch, update, parameters, optimizer, pruners, log))
        log.write()
    model.eval()


class MetricsLog:
    """The JSON lines of a training run, kept in memory and written as a whole at the end of each epoch."""

    def __init__(self, path: Path | None):
        self.path = path
        self.lines: list[str] = []

    def add(self, **values: float) -> None:
        """One line."""
        rounded = {
            key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in values.items()
        }
        self.lines.append(json.dumps(rounded))

    def mean(self, epoch: int, key: str = "loss") -> float:
        """Mean of a value over the updates of an epoch."""
        values = [line[key] for line in map(json.loads, self.lines) if line["epoch"] == epoch]
        return sum(values) / len(values)

    def write(self) -> None:
        """Write all lines so far."""
        if self.path:
            self.path.write_text("".join(line + "\n" for line in self.lines))


def _state(
    epoch: int,
    update: int,
    parameters: Sequence[nn.Parameter],
    optimizer: torch.optim.Optimizer,
    pruners: Sequence[GradualPruner],
    log: MetricsLog,
) -> dict:
    return {
        "epoch": epoch,
        "update": update,
        "parameters": [parameter.data for parameter in parameters],
        "optimizer": optimizer.state_dict(),
        "masks": [pruner.masks for pruner in pruners],
        "metrics": log.lines,
    }


def _restore(
    state: dict,
    parameters: Sequence[nn.Parameter],
    optimizer: torch.optim.Optimizer,
    pruners: Sequence[GradualPruner],
) -> tuple[int, int]:
    """Put a saved state back in place; returns the epoch to train next and the updates done."""
    for parameter, saved in zip(parameters, state["parameters"], strict=True):
        parameter.data.copy_(saved)
    optimizer.load_state_dict(state["optimizer"])
    for pruner, masks in zip(pruners, state["masks"], strict=True):
        for mask, saved in zip(pruner.masks, masks, strict=True):
            mask.copy_(saved)
    return state["epoch"] + 1, state["update"]
