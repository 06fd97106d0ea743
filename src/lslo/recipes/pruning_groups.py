"""The matrices that are pruned together: GPS (Section 3.2), ISE (Section 4.2) and LSP (Section 7.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lslo.adapters.layers import LSLoLinear
from lslo.adapters.weight_matrices import WeightMatrix
from lslo.training.pruning import PrunedMatrix


def A_matrix(module: LSLoLinear, language: int) -> PrunedMatrix:  # noqa: N802 - A is the paper's name
    """Returns A of a language (its index) in an LSLo module."""
    return PrunedMatrix(module.lslo.A, module.lslo.rows(language))


def B_matrix(module: LSLoLinear, language: int) -> PrunedMatrix:  # noqa: N802
    """Returns B of a language (its index) in an LSLo module."""
    return PrunedMatrix(module.lslo.B, module.lslo.rows(language))


def gps_groups(
    placed: Mapping[WeightMatrix, LSLoLinear], languages: Iterable[int]
) -> list[list[PrunedMatrix]]:
    """Returns the groups of a `GPS({ratio})` setting: each A and each B is a group of its own.

    Args:
        placed: The LSLo modules.
        languages: The indices of the languages that are pruned. Those of rank 0 have no matrices.
    """
    return [
        [matrix_of(module, language)]
        for module in placed.values()
        for language in languages
        for matrix_of in (A_matrix, B_matrix)
        if module.lslo.ranks[language]
    ]


def analysis_groups(
    analysis: str, matrices: Mapping[tuple[WeightMatrix, str], PrunedMatrix]
) -> list[list[PrunedMatrix]]:
    """Returns the groups of an analysis, in which matrices compete for what is left unpruned.

    Args:
        analysis: `ise` groups the B matrices of all languages and modules of a layer, `lsp` those of a
            language in all layers.
        matrices: The B matrices by weight matrix and language.
    """
    groups: dict[object, list[PrunedMatrix]] = {}
    for (matrix, language), B in matrices.items():
        key = (matrix.side, matrix.layer) if analysis == "ise" else language
        groups.setdefault(key, []).append(B)
    return list(groups.values())
