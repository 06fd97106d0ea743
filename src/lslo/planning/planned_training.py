"""The trainings of a run: weight learning, ISE, LSP, and the fine-tuning of each setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lslo.experiment.experiment import Experiment
from lslo.experiment.setting_notation import PRETRAIN, Setting
from lslo.planning.devices import Rates
from lslo.planning.flops import LsloShape, full_training_flops, lslo_training_flops
from lslo.planning.model_sizes import FLOAT32, ModelSizes
from lslo.planning.sentence_pairs import SentencePairs
from lslo.planning.token_counts import PairSums

WEIGHT_LEARNING = "weight learning"


@dataclass(frozen=True)
class PlannedTraining:
    """A training with the work, time and disk space that are planned for one seed.

    Attributes:
        name: The setting, `weight learning`, `ISE` or `LSP`.
        trained: Number of trained parameters.
        bytes: Size of the adapter or model that the training leaves; 0 for weight learning, ISE and LSP.
        sums: Sums over the sentence pairs of all epochs.
        flops: Floating-point operations.
        seconds: Time on one device.
        seeds: The number of seeds that the training runs with.
    """

    name: str
    trained: int
    bytes: float
    sums: PairSums
    flops: float
    seconds: float
    seeds: int = 1


def analysis_name(analysis: str) -> str:
    """Returns the name of the training of an analysis, `ISE` or `LSP`."""
    return analysis.upper()


def lslo_shape(experiment: Experiment, setting: Setting) -> LsloShape | None:
    """Returns the shape of a setting's LSLo modules; None for a setting that is not LSLo."""
    ranks = setting.rank_of_language(experiment.resource_classes)
    return LsloShape(sum(ranks.values()) / len(ranks), setting.modules) if ranks else None


@dataclass(frozen=True)
class TrainingPlanner:
    """The plans of an experiment's trainings.

    Attributes:
        pairs: The sentence pairs of the experiment.
        sizes: The sizes of the base model.
        rates: The speed of the device.
    """

    pairs: SentencePairs
    sizes: ModelSizes
    rates: Rates

    @property
    def _experiment(self) -> Experiment:
        return self.pairs.experiment

    def trainings(self) -> dict[str, PlannedTraining]:
        """Returns all trainings by name, in the order in which they run."""
        return {training.name: training for training in self._trainings()}

    def _trainings(self) -> Iterator[PlannedTraining]:
        if self._experiment.weights_are_learned:
            yield self._weight_learning()
        for analysis in self._experiment.analyses:
            yield self._analysis(analysis)
        for text in self._experiment.scored_settings:
            if text != PRETRAIN:
                yield self._finetuning(text)

    def _weight_learning(self) -> PlannedTraining:
        rank = self._experiment.config.weight_learning.rank
        # Two LSLo modules on each matrix, and two weights for each layer.
        trained = 2 * self.sizes.adapter_parameters(dict.fromkeys(self._experiment.strategy_languages, rank))
        trained += 2 * (self.sizes.encoder_layers + self.sizes.decoder_layers)
        shape = LsloShape(rank, copies=2)
        return self._training(WEIGHT_LEARNING, self.pairs.weight_learning_sums, shape, trained=trained)

    def _analysis(self, analysis: str) -> PlannedTraining:
        rank = self._experiment.config.subspaces.rank
        trained = self.sizes.adapter_parameters(dict.fromkeys(self._experiment.codes, rank))
        return self._training(
            analysis_name(analysis), self.pairs.training_sums, LsloShape(rank), trained=trained
        )

    def _finetuning(self, text: str) -> PlannedTraining:
        setting = Setting.parse(text)
        ranks = setting.rank_of_language(self._experiment.resource_classes)
        if ranks:
            trained = self.sizes.adapter_parameters(ranks, setting.modules)
            kept = self.sizes.adapter_bytes(ranks, setting.modules)
        else:
            trained = self.sizes.parameters
            kept = self.sizes.model_bytes(FLOAT32)
        return self._training(
            text,
            self.pairs.training_sums,
            lslo_shape(self._experiment, setting),
            trained=trained,
            kept=kept,
            seeds=len(self._experiment.seeds(text)),
        )

    def _training(
        self,
        name: str,
        epoch: PairSums,
        shape: LsloShape | None,
        *,
        trained: int,
        kept: float = 0.0,
        seeds: int = 1,
    ) -> PlannedTraining:
        """Returns the plan of a training.

        Args:
            name: The name of the training.
            epoch: Sums over the sentence pairs of one epoch.
            shape: The shape of the LSLo modules; None for full fine-tuning.
            trained: Number of trained parameters.
            kept: Bytes of the adapter or model that the training leaves.
            seeds: The number of seeds that the training runs with.
        """
        sums = epoch * self._experiment.config.training.epochs
        flops = (
            lslo_training_flops(self.sizes, sums, shape) if shape else full_training_flops(self.sizes, sums)
        )
        seconds = self.rates.training_seconds("lslo" if shape else "full", flops, sums.target_tokens)
        return PlannedTraining(name, trained, kept, sums, flops, seconds, seeds)
