"""The gradients of one batch: forward and backward through the model, in halves where memory is short."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.experiment.hyperparameters import Recipe
from lslo.training.batches import Batch, collate
from lslo.training.loss import batch_loss

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ForwardBackward:
    """The forward and the backward pass of a batch: adds its gradients to `parameter.grad`.

    Attributes:
        model: The model that is trained.
        parameters: The trained parameters. Every batch must reach every parameter.
        corpus: The sentences.
        recipe: The precision and the label smoothing.
        router: The router of the model's LSLo modules; None without them.
        scaler: The loss scaler of float16; None for no scaling.
    """

    model: M2M100ForConditionalGeneration
    parameters: Sequence[nn.Parameter]
    corpus: TokenizedCorpus
    recipe: Recipe
    router: Router | None = None
    scaler: torch.amp.GradScaler | None = None

    def __call__(self, examples: np.ndarray, target_tokens: int) -> tuple[float, float]:
        """Adds the gradients of a batch's loss / target_tokens to `parameter.grad`.

        A batch that does not fit into a GPU's memory is halved. Its halves, one after the other, give the
        same gradients.

        Args:
            examples: The sentence pairs of the batch, [n, 3].
            target_tokens: The target tokens of the whole update, so that all tokens have the same weight.

        Returns:
            The loss and the negative log-likelihood, both summed over the batch's target tokens.
        """
        waiting = [collate(self.corpus, examples).to(self.model.device)]
        losses = []
        while waiting:
            batch = waiting.pop()
            try:
                losses.append(self._add_gradients(batch, target_tokens))
                continue
            except torch.OutOfMemoryError:
                if len(batch) == 1:
                    raise
                logger.warning("out of memory with %d sentence pairs in a batch: halving it", len(batch))
            # Outside `except`, whose traceback would keep the tensors of the failed attempt alive.
            torch.cuda.empty_cache()
            waiting += reversed(batch.halves())
        return sum(loss for loss, _ in losses), sum(nll for _, nll in losses)

    def _add_gradients(self, batch: Batch, target_tokens: int) -> tuple[float, float]:
        """Adds the gradients of a batch that fits into memory; where it does not fit, adds none."""
        # Full fine-tuning keeps float32 weights; a frozen base model was loaded in low precision instead.
        with torch.autocast(
            batch.source.device.type,
            getattr(torch, self.recipe.precision),
            enabled=self.recipe.precision != "float32" and self.router is None,
        ):
            loss, nll = batch_loss(self.model, batch, self.recipe.label_smoothing, self.router)
        objective = loss / target_tokens
        if self.scaler is not None:
            objective = self.scaler.scale(objective)
        # Not `backward`: where memory ends in the middle of it, some gradients would be added already.
        gradients = torch.autograd.grad(objective, self.parameters)
        # This takes no more memory.
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
        return loss.item(), nll.item()
