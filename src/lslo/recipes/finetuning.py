"""Fine-tuning of one setting, from a base model and a corpus to an adapter folder (Sections 3 and 5)."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from transformers import M2M100ForConditionalGeneration

from lslo.adapters.adapter_description import AdapterDescription
from lslo.adapters.adapter_folder import save_adapter, save_full_model
from lslo.adapters.index_strategy import index_strategy
from lslo.adapters.layers import LSLoLinear
from lslo.adapters.parameter_counts import ParameterCounts, count_adapter, count_model
from lslo.adapters.placement import add_lslo, number_of_layers
from lslo.adapters.routing import Router
from lslo.adapters.weight_matrices import SIDES, WeightMatrix
from lslo.base_model.loading import base_model_fingerprint, load_base_model
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.experiment.setting_notation import PRUNED_CLASSES, Setting
from lslo.files.atomic import link_or_copy
from lslo.recipes.pruning_groups import gps_groups
from lslo.recipes.training_job import TrainingJob
from lslo.training.pruning import GradualPruner

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FineTuningOutputs:
    """The files and folders that fine-tuning writes.

    Attributes:
        output: The adapter folder; for full fine-tuning a model folder.
        parameters: The counts of parameters, as JSON.
        epochs_output: A folder that gets the adapter after each epoch but the last, as `epoch{n}`, where they
            are kept; otherwise it stays empty.
    """

    output: Path
    parameters: Path
    epochs_output: Path


@dataclass(frozen=True)
class _Tuned:
    """A model with everything that fine-tuning trains in it.

    Attributes:
        model: The whole model.
        router: The router of the LSLo modules; None in full fine-tuning.
        placed: The LSLo modules; empty in full fine-tuning.
        description: The description of the adapter; None in full fine-tuning.
    """

    model: M2M100ForConditionalGeneration
    router: Router | None = None
    placed: Mapping[WeightMatrix, LSLoLinear] = field(default_factory=dict)
    description: AdapterDescription | None = None

    def counts(self) -> ParameterCounts:
        """Returns the counts of trained parameters."""
        return (
            count_adapter(self.placed, self.model.config.d_model) if self.placed else count_model(self.model)
        )


@dataclass(frozen=True)
class FineTuning:
    """The training of one setting on the sentence pairs of all directions.

    Attributes:
        job: The inputs, the hyperparameters and the state.
        setting: The setting, full fine-tuning or LSLo.
        pruning: The schedule of a setting with GPS; None for any other.
        learned_strategy: `index_strategy.json` from weight learning; needed by settings with `WL`.
        keep_epochs: Whether the adapter of each epoch is kept.
    """

    job: TrainingJob
    setting: Setting
    pruning: GradualPruningSchedule | None = None
    learned_strategy: Path | None = None
    keep_epochs: bool = False

    def train(self, outputs: FineTuningOutputs, progress: TextIO | None = None) -> None:
        """Trains, and writes the adapter folder and the counts of its parameters.

        Args:
            outputs: The files and folders to write.
            progress: The terminal on which to draw a progress bar.
        """
        tuned = self._load_full() if self.setting.kind == "full" else self._load_lslo()
        process_group = self.job.train(
            tuned.model,
            router=tuned.router,
            pruners=self._pruners(tuned.placed),
            name=f"setting {self.setting}",
            save_epoch=(lambda folder: self._save(tuned, folder)) if self.keep_epochs else None,
            progress=progress,
        )
        if not process_group.leads:
            return
        self._save(tuned, outputs.output)
        counts = tuned.counts()
        counts.write(outputs.parameters)
        logger.info(
            "setting %s: %d parameters, %d of them not zero", self.setting, counts.true, counts.nonzero
        )
        outputs.epochs_output.mkdir(parents=True, exist_ok=True)
        if self.keep_epochs:
            # Linked: fifteen copies of a 615 M model are 37 GB.
            link_or_copy(self.job.epochs_folder, outputs.epochs_output)

    def _load_full(self) -> _Tuned:
        return _Tuned(load_base_model(self.job.base_model).requires_grad_(True))

    def _load_lslo(self) -> _Tuned:
        model = self.job.load_frozen_model()
        layers = [number_of_layers(model, side) for side in SIDES]
        strategy = index_strategy(self.setting.index, self.learned_strategy, *layers)
        ranks = self.setting.rank_of_language(self.job.resource_classes)
        router, placed = add_lslo(
            model, ranks, strategy, modules=self.setting.modules, seed=self.job.recipe.seed
        )
        description = AdapterDescription(
            setting=str(self.setting),
            ranks=ranks,
            strategy=strategy,
            modules=self.setting.modules,
            base_model_sha256=base_model_fingerprint(self.job.base_model),
            codes=self.job.codes,
        )
        return _Tuned(model, router, placed, description)

    def _pruners(self, placed: Mapping[WeightMatrix, LSLoLinear]) -> list[GradualPruner]:
        """Returns the pruner of high- and medium-resource languages, if the setting has GPS."""
        if self.pruning is None:
            return []
        classes = self.job.resource_classes.values()
        languages = [index for index, name in enumerate(classes) if name in PRUNED_CLASSES]
        return [GradualPruner(gps_groups(placed, languages), self.pruning)]

    def _save(self, tuned: _Tuned, folder: Path) -> None:
        """Writes an adapter folder, in full fine-tuning a model folder, in place of what is there."""
        shutil.rmtree(folder, ignore_errors=True)
        if tuned.description is None:
            save_full_model(tuned.model, self.job.base_model, self.job.codes, folder)
        else:
            save_adapter(folder, tuned.placed, tuned.description)
