"""Weight learning (Section 4.1, Equation 4): which language each layer should listen to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pandas as pd

from lslo.adapters.index_strategy import SOURCE, TARGET, IndexStrategy
from lslo.adapters.layers import LayerWeights
from lslo.adapters.placement import add_weighted_lslo
from lslo.adapters.weight_matrices import SIDES
from lslo.recipes.training_job import TrainingJob


def weights_table(weights: Mapping[tuple[str, int], LayerWeights]) -> pd.DataFrame:
    """Makes the table of learned softmax weights (`weight_learning/weights.csv`, Figure 1).

    Args:
        weights: The weights of each layer by (side, layer from 1).

    Returns:
        One row for each layer. Columns: side, layer, source_weight, target_weight.
    """
    rows = []
    for (side, layer), module in weights.items():
        source, target = module().tolist()
        rows.append({"side": side, "layer": layer, "source_weight": source, "target_weight": target})
    return pd.DataFrame(rows)


def learned_strategy(table: pd.DataFrame) -> IndexStrategy:
    """Returns the language with the larger weight for each layer; the target where they are equal.

    Args:
        table: The weights, as `weights_table` makes them.
    """

    def of_side(side: str) -> tuple[str, ...]:
        rows = table[table["side"] == side].sort_values("layer")
        larger = rows["source_weight"] > rows["target_weight"]
        return tuple(SOURCE if source else TARGET for source in larger)

    return IndexStrategy(**{side: of_side(side) for side in SIDES})


@dataclass(frozen=True)
class WeightLearningOutputs:
    """The files that weight learning writes.

    Attributes:
        weights_file: The weights of source and target in each layer, as CSV.
        strategy_file: The index strategy that they choose, as JSON.
    """

    weights_file: Path
    strategy_file: Path


@dataclass(frozen=True)
class WeightLearning:
    """The training of source- and target-indexed LSLo modules side by side, with two weights for each layer.

    Attributes:
        job: The inputs, the hyperparameters and the state.
        rank: The rank of all modules, for every language.
    """

    job: TrainingJob
    rank: int

    def train(self, outputs: WeightLearningOutputs, progress: TextIO | None = None) -> None:
        """Trains, and writes the weights and the index strategy.

        Args:
            outputs: The files to write.
            progress: The terminal on which to draw a progress bar.
        """
        model = self.job.load_frozen_model()
        router, weights = add_weighted_lslo(model, self.job.languages, self.rank, seed=self.job.recipe.seed)
        process_group = self.job.train(model, router=router, progress=progress)
        if process_group.leads:
            table = weights_table(weights)
            table.to_csv(outputs.weights_file, index=False, float_format="%.6f", lineterminator="\n")
            learned_strategy(table).write(outputs.strategy_file)
