"""The recipe of a training (Section 5) and its learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How to train.

    tokens_per_batch: a batch of n pairs, the longest m tokens, counts n·m.
    tokens_per_update: gradients of tokens_per_update / tokens_per_batch batches are summed into an update.
    learning_rate: the peak of the inverse square root schedule. label_smoothing: fairseq's epsilon.
    precision: `float32`, or `bfloat16` or `float16` for the frozen base model's weights and products (full
    fine-tuning keeps float32 weights and computes in the lower precision). With float16 the loss is scaled,
    and an update whose gradients overflow is skipped. checkpoint_minutes: time between two saved states
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
