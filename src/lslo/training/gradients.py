"""One update: the gradients of its batches summed, whatever memory holds, and a step that pruning masks."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import nn
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.experiment.hyperparameters import Recipe
from lslo.training.batches import Batch
from lslo.training.loss import batch_loss

logger = logging.getLogger(__name__)


def accumulate_gradients(
    model: M2M100ForConditionalGeneration,
    parameters: Sequence[nn.Parameter],
    batch: Batch,
    target_tokens: int,
    recipe: Recipe,
    router: Router | None,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[float, float]:
    """Add a batch's gradients of loss / target_tokens; returns its loss and plain cross-entropy, summed.

    target_tokens: of the whole update, so that every token weighs the same. scaler: multiplies the gradients
    of float16. A batch that a GPU cannot hold is halved, and its halves one after the other
    give the same gradients.
    """
    try:
        # Full fine-tuning keeps float32 weights; a frozen base model was loaded in low precision instead.
        with torch.autocast(
            batch.source.device.type,
            getattr(torch, recipe.precision),
            enabled=recipe.precision != "float32" and router is None,
        ):
            loss, likelihood = batch_loss(model, batch, recipe.label_smoothing, router)
        # Not `backward`: when memory ends in the middle of it, part of the gradients would be added already.
        objective = loss / target_tokens
        gradients = torch.autograd.grad(scaler.scale(objective) if scaler else objective, parameters)
    except torch.OutOfMemoryError:
        if len(batch) == 1:
            raise
        logger.warning("out of memory with %d sentence pairs in a batch: halving it", len(batch))
        gradients = None
    if gradients is None:
        # Outside `except`, whose traceback would keep the tensors of the failed attempt alive.
        torch.cuda.empty_cache()
        halves = [
            accumulate_gradients(model, parameters, half, target_tokens, recipe, router, scaler)
            for half in batch.halves()
        ]
        return sum(loss for loss, _ in halves), sum(likelihood for _, likelihood in halves)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
    return loss.item(), likelihood.item()
