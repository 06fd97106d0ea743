"""The optimizer's part of an update: Adam, its learning rate, and a step that pruning masks."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence

import torch
from torch import nn

from lslo.training.pruning import GradualPruner

logger = logging.getLogger(__name__)

# fairseq's: where gradients overflow even at a smaller loss scale, the training has diverged.
SMALLEST_LOSS_SCALE = 1e-4


def adam(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Adam:
    """Returns the Adam optimizer of the recipe."""
    return torch.optim.Adam(parameters, lr=learning_rate, betas=(0.9, 0.98), eps=1e-8, fused=True)


def inverse_square_root(updates: int, peak: float, warmup_updates: int) -> float:
    """Returns the learning rate after a number of updates, as fairseq's `inverse_sqrt` from 0.

    It grows linearly from 0 to the peak during the warm-up; then it is peak · sqrt(warmup_updates / updates).
    """
    if updates < warmup_updates:
        return peak * updates / warmup_updates
    return peak * math.sqrt(warmup_updates / max(updates, 1))


def take_step(
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    pruners: Sequence[GradualPruner],
    where: str,
) -> bool:
    """Updates the parameters and keeps pruned weights at zero.

    Args:
        optimizer: The optimizer of the parameters.
        scaler: The loss scaler; enabled for float16 only.
        pruners: The pruners whose masks apply.
        where: The epoch and the update, for messages.

    Returns:
        Whether the parameters were updated. An overflow of float16 leaves them as they are, as in fairseq.

    Raises:
        FloatingPointError: The gradients are not finite for any other reason.
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
