"""Columns of a results table with the paper's scores and the differences from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas

from lslo.reporting.table_formats import Table
from lslo.scoring.class_means import AVERAGE

# The endings of the columns' names, after a class pair or AVG.
PAPER, PAPER_DIFFERENCE = "_paper", "_minus_paper"

PAPER_LINE = "paper"
PAPER_DIFFERENCE_LINE = "ours − paper"
PAPER_NOTE = "The paper's scores are those it prints, with two decimals."


def read_paper_table(path: str | Path) -> pandas.DataFrame:
    """Reads a results table as the paper prints it, from `resources/paper/table{1,2,6,7}.csv`.

    Returns:
        A frame with the columns setting (in this project's notation: Table 7's rows without a star end in
        `@fc`), params (as printed), H2H, …, AVG.
    """
    table = pandas.read_csv(path, dtype={"params": "string"})
    if "modules" in table.columns:
        suffix = table.pop("modules").map({"fc": "@fc"}).fillna("")
        table["setting"] = table["setting"] + suffix
    return table


def with_paper_columns(table: Table, paper: pandas.DataFrame) -> Table:
    """Adds the paper's scores, and the differences from them, to a results table.

    The CSV takes both for every class pair and AVG, in print only AVG has them, at the right end.

    Args:
        table: The table from `results_table`, with spBLEU.
        paper: The paper's table from `read_paper_table`. Its settings and columns that `table` lacks are
            left out.

    Returns:
        A table whose values have more columns at the end, `H2H_paper`, `H2H_minus_paper`, …, empty for
        settings that the paper's table lacks.

    Raises:
        ValueError: The paper's table has a setting twice.
    """
    if paper["setting"].duplicated().any():
        twice = paper["setting"][paper["setting"].duplicated()].iloc[0]
        raise ValueError(f"the paper's table has {twice} more than once")
    printed = paper.set_index("setting")
    added = {}
    for column in table.best_of:
        if column in printed.columns:
            scores = table.values["setting"].map(printed[column]).astype(float)
            added |= {column + PAPER: scores, column + PAPER_DIFFERENCE: table.values[column] - scores}
    added = pandas.DataFrame(added, index=table.values.index)
    table = replace(table, values=pandas.concat([table.values, added], axis="columns"))
    if f"{AVERAGE}{PAPER}" not in added:
        return table
    headings = {
        f"{AVERAGE}{PAPER}": f"{AVERAGE}, {PAPER_LINE}",
        f"{AVERAGE}{PAPER_DIFFERENCE}": f"{AVERAGE}, {PAPER_DIFFERENCE_LINE}",
    }
    return replace(table, headings={**table.headings, **headings}, note=f"{table.note} {PAPER_NOTE}")
