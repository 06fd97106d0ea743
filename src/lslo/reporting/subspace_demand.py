"""The demand for parameter space of each B matrix, relative to its size (Equation 5)."""

from __future__ import annotations

import pandas

from lslo.scoring.class_means import require_columns

DEMAND_COLUMNS = ("side", "layer", "module", "language", "size", "pruned", "score")


def demand_per_size(estimates: pandas.DataFrame) -> pandas.DataFrame:
    """The demand of each B matrix as a share of its size: -Score(B) / #B (Equation 5).

    A demand of 0.1 says that a tenth of the matrix more was kept than the pruning ratio would have left.
    B matrices differ in size (fc1's has four times as many rows), so raw scores do not compare.

    Args:
        estimates: ise.csv or lsp.csv, one row a B matrix.

    Returns:
        The same rows with one more column, `demand`.

    Raises:
        ValueError: a column is missing, or a matrix is empty.
    """
    require_columns(estimates, DEMAND_COLUMNS, "subspace demands")
    if (estimates["size"] <= 0).any():
        raise ValueError("subspace demands: a B matrix has no parameters, so its demand has no share")
    return estimates.assign(demand=-estimates["score"] / estimates["size"])
