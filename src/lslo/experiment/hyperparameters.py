"""The recipe of a training (Section 5) and its learning rate."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Decoding:
    """How to search.

    beam: hypotheses kept. length_penalty: the exponent of the length by which a score is divided.
    maximum_length: tokens before `</s>`, the language token included (fairseq's `--max-len-b`).
    tokens_per_batch: rows (sentences × beam) times the longest source that a batch may hold.
    precision: `float32`, `bfloat16` or `float16`, of weights and products; log-probabilities are float32.
    """

    beam: int = 5
    length_penalty: float = 1.0
    maximum_length: int = 200
    tokens_per_batch: int = 16000
    precision: str = "float32"


@dataclass(frozen=True)
class GradualPruningSchedule:
    """Pruning ratio by epoch, 1-based (Equation 6, Table 3).

    ratio: P, the final ratio. start: E, the last epoch without pruning. duration: k, the number of epochs
    over which the ratio grows to P.
    """

    ratio: float
    start: int
    duration: int

    def ratio_at(self, epoch: int) -> float:
        """0 up to epoch E, then P − P(1 − (e − E)/k)³, and P from epoch E + k on."""
        if epoch <= self.start:
            return 0.0
        if epoch >= self.start + self.duration:
            return self.ratio
        return self.ratio - self.ratio * (1 - (epoch - self.start) / self.duration) ** 3
