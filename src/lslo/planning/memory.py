"""The memory of trainings, and what they keep on the disk while they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lslo.experiment.config import Training
from lslo.planning.devices import Rates
from lslo.planning.model_sizes import BYTES_OF_PRECISION, FLOAT32, ModelSizes, state_bytes
from lslo.planning.planned_job import PlannedTraining
from lslo.planning.units import size

# States that are kept of a training, and the one that is being written.
STATES = 3
# The loss takes logits in parts of this many numbers, with their probabilities and gradients.
LOGITS_BYTES = 3 * FLOAT32 * 2**26
# Main memory of Python with PyTorch and Transformers on a CPU, without a model: what the demo's trainings had
# resident at most (2;2;8 582 MB, Ft-all 592 MB) beyond what is reckoned below. A GPU's memory has none of it.
PROGRAM_BYTES = 4.5e8


@dataclass(frozen=True)
class Space:
    """Of the trainings of a plan. recipe: the configuration's section `training`."""

    recipe: Training
    sizes: ModelSizes
    rates: Rates
    trainings: Sequence[PlannedTraining]

    def memory(self, training: PlannedTraining) -> float:
        """Bytes of a training, roughly: weights, gradients, moments, a batch; on a CPU the program too."""
        tokens, precision = self.recipe.tokens_per_batch, self.recipe.precision
        full = training.trained == self.sizes.parameters
        weights = self.sizes.parameters * (FLOAT32 if full else BYTES_OF_PRECISION[precision])
        # Beside the weights that are trained, in float32, a gradient and two moments each.
        trained = training.trained * FLOAT32 * (3 if full else 4)
        activations = self.sizes.activation_bytes(tokens, precision)
        logits = min(LOGITS_BYTES, 3 * FLOAT32 * tokens * self.sizes.vocabulary)
        program = PROGRAM_BYTES if self.rates.on_core else 0
        return program + weights + trained + activations + logits

    def memory_fits(self) -> str | None:
        """A sentence on whether the largest training fits on the device, None if its memory is not known."""
        if self.rates.memory is None or not self.trainings:
            return None
        largest = max(self.trainings, key=self.memory)
        need = self.memory(largest)
        verdict = "fits" if need < 0.9 * self.rates.memory else "may not fit: batches would be halved"
        return (
            f"The largest training, {largest.name}, needs about {size(need)}, and a GPU of the kind "
            f"{self.rates.name} has {size(self.rates.memory)}: it {verdict}."
        )

    def states(self, training: PlannedTraining) -> float:
        """Bytes of a training that runs: two saved states and the one that is being written."""
        return STATES * state_bytes(training.trained)

    def most_states(self, at_once: int) -> float:
        """Bytes of the states of so many trainings that run at once, at most: those of the largest."""
        each = [self.states(training) for training in self.trainings for _ in range(training.seeds)]
        return sum(sorted(each, reverse=True)[:at_once])
