"""The memory that trainings and scores need, and the states that trainings keep on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lslo.experiment.config import Training
from lslo.planning.devices import Rates
from lslo.planning.model_sizes import BYTES_OF_PRECISION, FLOAT32, ModelSizes, state_bytes
from lslo.planning.planned_training import PlannedTraining
from lslo.planning.sentence_pairs import SentencePairs
from lslo.planning.units import size

# States on the disk while a training runs: two that are kept, and one that is being written.
STATES = 3
# The loss takes the logits in parts of 2²⁶ numbers, each part with its probabilities and gradients.
LOGITS_BYTES = 3 * FLOAT32 * 2**26
# Main memory of Python with PyTorch and Transformers on a CPU, without a model. The demo's trainings had at
# most 582 MB (2;2;8) and 592 MB (Ft-all) resident; this is what exceeds the other terms. The program takes
# none of a GPU's memory.
PROGRAM_BYTES = 4.5e8
# The share of a GPU's memory that a training may need: the estimate is rough.
SAFE_SHARE = 0.9


@dataclass(frozen=True)
class TrainingFootprint:
    """The memory that trainings need, and the states that they keep on the disk.

    Attributes:
        recipe: The configuration's section `training`.
        sizes: The sizes of the base model.
        rates: The device and its speed.
        trainings: The trainings of the plan.
    """

    recipe: Training
    sizes: ModelSizes
    rates: Rates
    trainings: Sequence[PlannedTraining]

    def memory_bytes(self, training: PlannedTraining) -> float:
        """Returns a rough estimate of the memory that a training needs, in bytes.

        It counts weights, gradients, Adam's moments and a batch; on a CPU the program too.
        """
        tokens, precision = self.recipe.tokens_per_batch, self.recipe.precision
        full = training.trained == self.sizes.parameters
        weights = self.sizes.parameters * (FLOAT32 if full else BYTES_OF_PRECISION[precision])
        # Each trained weight has a gradient and two moments. The weights themselves, in float32, come on top
        # unless they are those of the model.
        trained = training.trained * FLOAT32 * (3 if full else 4)
        activations = self.sizes.activation_bytes(tokens, precision)
        logits = min(LOGITS_BYTES, 3 * FLOAT32 * tokens * self.sizes.vocabulary)
        program = PROGRAM_BYTES if self.rates.on_core else 0
        return program + weights + trained + activations + logits

    def memory_verdict(self) -> str | None:
        """Returns whether the largest training fits the GPU, in two sentences; None if that is not known."""
        if self.rates.memory is None or not self.trainings:
            return None
        largest = max(self.trainings, key=self.memory_bytes)
        need = self.memory_bytes(largest)
        gpu = f"the GPU ({self.rates.name}), which has {size(self.rates.memory)}"
        if need < SAFE_SHARE * self.rates.memory:
            verdict = f"It fits {gpu}."
        else:
            verdict = f"It may not fit {gpu}; a batch that does not fit is halved."
        return f"The training that needs the most memory, {largest.name}, needs about {size(need)}. {verdict}"

    def state_bytes(self, training: PlannedTraining) -> float:
        """Returns the bytes of a running training's states: two saved ones, and one that is being written."""
        return STATES * state_bytes(training.trained)

    def largest_state_bytes(self, at_once: int) -> float:
        """Returns the bytes of the states of the `at_once` largest trainings, each seed counted as one."""
        each = [self.state_bytes(training) for training in self.trainings for _ in range(training.seeds)]
        return sum(sorted(each, reverse=True)[:at_once])


def scoring_memory_bytes(pairs: SentencePairs) -> float:
    """Returns the main memory that the scores of a setting need: its translations, and ten counts of each.

    A Python string of FLORES-101 takes 1.4 times the bytes of its UTF-8.
    """
    return pairs.translation_sums.pairs * (1.4 * pairs.bytes_per_translation + 8 + 40)
