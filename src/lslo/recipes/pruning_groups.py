"""Which matrices are pruned together: GPS, ISE and LSP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lslo.adapters.layers import LSLoLinear
from lslo.adapters.weight_matrices import WeightMatrix
from lslo.experiment.hyperparameters import GradualPruningSchedule
from lslo.training.pruning import GradualPruner, PrunedMatrix


def B_matrix(module: LSLoLinear, language: int) -> PrunedMatrix:  # noqa: N802 - B is the paper's name
    """A language's B of an LSLo module."""
    return PrunedMatrix(module.lslo.B, module.lslo.rows(language))


def A_matrix(module: LSLoLinear, language: int) -> PrunedMatrix:  # noqa: N802
    """A language's A of an LSLo module."""
    return PrunedMatrix(module.lslo.A, module.lslo.rows(language))


def language_pruner(
    placed: Mapping[WeightMatrix, LSLoLinear], languages: Sequence[int], schedule: GradualPruningSchedule
) -> GradualPruner:
    """The pruner of a `GPS({ratio})` setting: each A and each B of the languages (indices) on its own."""
    matrices = [
        make(module, language)
        for module in placed.values()
        for language in languages
        for make in (A_matrix, B_matrix)
        if module.lslo.ranks[language]
    ]
    return GradualPruner([[matrix] for matrix in matrices], schedule)
