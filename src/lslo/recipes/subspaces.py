"""Intrinsic subspace estimation and language-specific pruning (Section 4.2, Equation 5, Section 7.2).

Both train LSLo modules of one rank for all languages on all weight matrices and prune B matrices by
magnitude in groups; they differ in the groups. A matrix that loses less than its share needs more space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pandas as pd

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.layers import LSLoLinear
from lslo.adapters.placement import add_lslo
from lslo.adapters.weight_matrices import WeightMatrix
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.recipes.pruning_groups import B_matrix, analysis_groups
from lslo.recipes.training_job import TrainingJob
from lslo.training.pruning import GradualPruner


class SubspaceAnalysis:
    """The pruner of ISE or LSP, and the scores of its B matrices.

    Args:
        analysis: `ise` or `lsp`, which decides the groups (`analysis_groups`).
        placed: LSLo modules of one rank.
        languages: The codes of the languages, in the router's order.
        schedule: The pruning ratio of each epoch.
    """

    def __init__(
        self,
        analysis: str,
        placed: Mapping[WeightMatrix, LSLoLinear],
        languages: Sequence[str],
        schedule: GradualPruningSchedule,
    ):
        self.matrices = {
            (matrix, language): B_matrix(module, index)
            for matrix, module in placed.items()
            for index, language in enumerate(languages)
        }
        self.pruner = GradualPruner(analysis_groups(analysis, self.matrices), schedule)

    def scores(self) -> pd.DataFrame:
        """Returns the scores of Equation 5.

            Score(B) = #pruned(B) − P · #B

        They sum to 0 over a group, except for the rounding of P times the group's size to whole weights.

        Returns:
            One row for each B matrix. Columns: side, layer, module, language, size, pruned, score.
        """
        rows = [
            {
                "side": matrix.side,
                "layer": matrix.layer,
                "module": matrix.module,
                "language": language,
                "size": B.size,
                "pruned": self.pruner.pruned(B),
            }
            for (matrix, language), B in self.matrices.items()
        ]
        table = pd.DataFrame(rows)
        table["score"] = table["pruned"] - self.pruner.schedule.ratio * table["size"]
        return table


@dataclass(frozen=True)
class SubspaceEstimationOutputs:
    """The file that ISE or LSP writes.

    Attributes:
        scores_file: The score of each B matrix, as CSV.
    """

    scores_file: Path


@dataclass(frozen=True)
class SubspaceEstimation:
    """The training of ISE or LSP.

    Attributes:
        job: The inputs, the hyperparameters and the state.
        analysis: `ise` or `lsp`.
        rank: The rank of all modules, for every language.
        schedule: The pruning ratio of each epoch.
        strategy_file: The index strategy from weight learning.
    """

    job: TrainingJob
    analysis: str
    rank: int
    schedule: GradualPruningSchedule
    strategy_file: Path

    def train(self, outputs: SubspaceEstimationOutputs, progress: TextIO | None = None) -> None:
        """Trains, and writes the score of each B matrix.

        Args:
            outputs: The file to write.
            progress: The terminal on which to draw a progress bar.
        """
        model = self.job.load_frozen_model()
        ranks = dict.fromkeys(self.job.languages, self.rank)
        strategy = IndexStrategy.read(self.strategy_file)
        router, placed = add_lslo(model, ranks, strategy, seed=self.job.recipe.seed)
        subspaces = SubspaceAnalysis(self.analysis, placed, self.job.languages, self.schedule)
        process_group = self.job.train(model, router=router, pruners=[subspaces.pruner], progress=progress)
        if process_group.leads:
            subspaces.scores().to_csv(
                outputs.scores_file, index=False, float_format="%.4f", lineterminator="\n"
            )
