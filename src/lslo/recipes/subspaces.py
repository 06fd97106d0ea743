"""Intrinsic subspace estimation and language-specific pruning (Section 4.2, Equation 5, Section 7.2).

Both train LSLo modules of one rank for all languages on all weight matrices and prune B matrices by
magnitude in groups; they differ in the groups. A matrix that loses less than its share needs more space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from lslo.adapters.layers import LSLoLinear
from lslo.adapters.placement import WeightMatrix
from lslo.training.pruning import GradualPruner, GradualPruningSchedule, PrunedMatrix


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
