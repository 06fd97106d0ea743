"""The hyperparameters of training and beam search (Section 5)."""

from __future__ import annotations

from dataclasses import dataclass

# Of weights and products.
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Recipe:
    """The recipe of a training (Section 5).

    Attributes:
        epochs: The number of epochs.
        learning_rate: The peak of the inverse square root schedule.
        tokens_per_batch: The size of a batch; n pairs whose longest side has m tokens count n·m.
        tokens_per_update: The size of an update, which sums the gradients of tokens_per_update /
            tokens_per_batch batches.
        warmup_updates: Updates over which the learning rate rises to its peak.
        label_smoothing: fairseq's epsilon.
        dropout: The dropout of hidden states and attention.
        seed: The seed of A matrices, batches and dropout.
        precision: `float32`, or `bfloat16` or `float16` for the frozen base model's weights and products.
            Full fine-tuning keeps float32 weights and computes in the lower precision. With float16 the loss
            is scaled, and an update whose gradients overflow is skipped.
        checkpoint_minutes: Minutes between two saved states within an epoch; a state is saved at the end of
            every epoch anyway.
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
        """The number of batches whose gradients are summed into one update."""
        return max(1, round(self.tokens_per_update / self.tokens_per_batch))


@dataclass(frozen=True)
class Decoding:
    """The hyperparameters of beam search (Section 5).

    Attributes:
        beam: Hypotheses that are kept.
        length_penalty: The exponent of the length by which a score is divided.
        maximum_length: The most tokens before `</s>`, the language token included (fairseq's `--max-len-b`).
        tokens_per_batch: The most tokens of a batch: rows (sentences × beam) times the longest source.
        precision: `float32`, `bfloat16` or `float16`, of weights and products; log-probabilities are float32.
    """

    beam: int = 5
    length_penalty: float = 1.0
    maximum_length: int = 200
    tokens_per_batch: int = 16000
    precision: str = "float32"
