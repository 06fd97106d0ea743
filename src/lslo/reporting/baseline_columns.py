"""Columns of a results table with the differences from Ft-all and their significance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas

from lslo.reporting.table_formats import Table
from lslo.scoring.class_means import AVERAGE

# The p value below which a difference is called significant.
LEVEL = 0.05

# The endings of the columns' names, after a class pair or AVG.
BASELINE_DIFFERENCE, LOWER, UPPER, P = "_minus_ft_all", "_lower", "_upper", "_p"
# The columns of `bootstrap.significance` that they come from.
_SIGNIFICANCE = {"difference": BASELINE_DIFFERENCE, "lower": LOWER, "upper": UPPER, "p": P}

BASELINE_DIFFERENCE_LINE = "ours − Ft-all"
SIGNIFICANCE_NOTE = (
    f"Ours − Ft-all: an asterisk at p < {LEVEL} by a two-sided paired bootstrap over test sentences; p is "
    "that of one column, not corrected for how many are looked at."
)


def with_baseline_columns(table: Table, significance: Mapping[str, pandas.DataFrame]) -> Table:
    """Adds the differences from Ft-all, and their significance, to a results table.

    The CSV takes them for every class pair and AVG, in print only AVG has them, at the right end.

    Args:
        table: The table from `results_table`, with spBLEU.
        significance: The test of settings against Ft-all from `bootstrap.significance`, over the table's
            class pairs and AVG, by setting.

    Returns:
        A table whose values have more columns at the end, empty for settings without a test:
        `H2H_minus_ft_all`, `H2H_lower`, `H2H_upper` (the bounds of the 95 % interval of that
        difference) and `H2H_p`, …; `AVG_significant` (yes or no).

    Raises:
        ValueError: A test has other columns than the table, or is of other scores.
    """
    values, columns = table.values, table.best_of
    added = {
        column + suffix: pandas.Series(np.nan, values.index)
        for column in columns
        for suffix in _SIGNIFICANCE.values()
    }
    significant = pandas.Series([None] * len(values), values.index, dtype=object)
    for index, setting in values["setting"].items():
        if setting not in significance:
            continue
        tested = significance[setting]
        _check_fit(table, index, tested)
        for column in columns:
            for name, suffix in _SIGNIFICANCE.items():
                added[column + suffix][index] = tested.loc[column, name]
        significant[index] = "yes" if tested.loc[AVERAGE, "p"] < LEVEL else "no"
    added = pandas.DataFrame({**added, f"{AVERAGE}_significant": significant})
    headings = {
        f"{AVERAGE}{BASELINE_DIFFERENCE}": f"{AVERAGE}, {BASELINE_DIFFERENCE_LINE}",
        f"{AVERAGE}_significant": f"p < {LEVEL}",
    }
    return replace(
        table,
        values=pandas.concat([values, added], axis="columns"),
        headings={**table.headings, **headings},
        note=f"{table.note} {SIGNIFICANCE_NOTE}",
    )


def _check_fit(table: Table, index: object, tested: pandas.DataFrame) -> None:
    """Raises ValueError unless a test is of the columns and the scores of a table's row."""
    setting, columns = table.values.loc[index, "setting"], table.best_of
    if tuple(tested.index) != columns:
        raise ValueError(
            f"{setting}: significance of {', '.join(tested.index)} for a table of {', '.join(columns)}"
        )
    for column in columns:
        score, tested_score = table.values.loc[index, column], tested.loc[column, "setting"]
        # The scores of a table come from scores.csv, which has four decimals.
        if abs(tested_score - score) > 0.001:
            raise ValueError(
                f"{setting}: {column} is {score:.2f} by its scores but {tested_score:.2f} by its "
                "statistics; score its translations again"
            )
