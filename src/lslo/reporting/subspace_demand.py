"""The demand for parameter space of each B matrix, relative to its size (Equation 5)."""

from __future__ import annotations

from pathlib import Path

import pandas

from lslo.scoring.frame_columns import require_columns

DEMAND_COLUMNS = ("side", "layer", "module", "language", "size", "pruned", "score")


def read_estimates(path: str | Path) -> pandas.DataFrame:
    """Reads ise.csv or lsp.csv."""
    # By default pandas would read the language code "nan" (Min Nan Chinese) as a missing value.
    return pandas.read_csv(path, keep_default_na=False)


def demand_per_size(estimates: pandas.DataFrame) -> pandas.DataFrame:
    """Computes the demand of each B matrix as a share of its size: -Score(B) / #B (Equation 5).

    A demand of 0.1 means that pruning kept more parameters than the pruning ratio alone would have left, by a
    tenth of the matrix. B matrices differ in size (fc1's has four times as many rows), so raw scores do not
    compare.

    Args:
        estimates: ise.csv or lsp.csv, one row for each B matrix.

    Returns:
        The same rows with one more column, `demand`.

    Raises:
        ValueError: A column is missing, or a matrix is empty.
    """
    require_columns(estimates, DEMAND_COLUMNS, "subspace demands")
    if (estimates["size"] <= 0).any():
        raise ValueError("subspace demands: a B matrix has no parameters, so its demand has no share")
    return estimates.assign(demand=-estimates["score"] / estimates["size"])
