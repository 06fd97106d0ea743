"""Intrinsic subspace estimation and language-specific pruning (Section 4.2, Equation 5, Section 7.2).

Both train LSLo modules of one rank for all languages on all weight matrices and prune B matrices by
magnitude in groups; they differ in the groups. A matrix that loses less than its share needs more space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import pandas as pd

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.layers import LSLoLinear
from lslo.adapters.placement import add_lslo
from lslo.adapters.weight_matrices import WeightMatrix
from lslo.experiment.hyperparameters import GradualPruningSchedule
from lslo.experiment.languages import all_directions
from lslo.recipes.pruning_groups import B_matrix
from lslo.recipes.training_job import TrainingJob
from lslo.running.process_group import ProcessGroup
from lslo.training.checkpoints import CheckpointStore
from lslo.training.pruning import GradualPruner, PrunedMatrix
from lslo.training.trainer import train


class SubspaceAnalysis:
    """The pruner of ISE or LSP and the scores of its B matrices.

    analysis: `ise` groups the B matrices of all languages and modules of a layer, `lsp` those of one
    language in all layers. placed: LSLo modules of one rank. languages: codes in the router's order.
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
        groups: dict[object, list[PrunedMatrix]] = {}
        for (matrix, language), B in self.matrices.items():
            key = (matrix.side, matrix.layer) if analysis == "ise" else language
            groups.setdefault(key, []).append(B)
        self.pruner = GradualPruner(list(groups.values()), schedule)

    def scores(self) -> pd.DataFrame:
        """One row a B matrix: side, layer, module, language, size, pruned and Equation 5's score,

            Score(B) = #pruned(B) − P · #B,

        which sums to 0 over a group but for the rounding of P times the group's size to whole weights.
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


def estimate_subspaces(
    job: TrainingJob,
    analysis: str,
    rank: int,
    schedule: GradualPruningSchedule,
    strategy_file: Path,
    scores_file: Path,
    progress: TextIO | None = None,
) -> None:
    """ISE or LSP: write the score of each B matrix.

    analysis: `ise` or `lsp`. strategy_file: of weight learning. scores_file: one row a B matrix.
    """
    process_group = ProcessGroup.join()
    model = job.load_frozen_model()
    ranks = dict.fromkeys(job.languages, rank)
    router, placed = add_lslo(model, ranks, IndexStrategy.read(strategy_file), seed=job.recipe.seed)
    model.to(process_group.device)
    subspaces = SubspaceAnalysis(analysis, placed, job.languages, schedule)
    examples = (corpus := job.load_corpus()).examples(all_directions(job.languages))
    checkpoints = CheckpointStore(job.state, job.fingerprint)
    train(
        model,
        corpus,
        lambda epoch: examples,
        job.recipe,
        router=router,
        pruners=[subspaces.pruner],
        metrics=job.metrics,
        checkpoints=checkpoints,
        progress=progress,
        process_group=process_group,
    )
    if process_group.leads:
        subspaces.scores().to_csv(scores_file, index=False, float_format="%.4f", lineterminator="\n")
