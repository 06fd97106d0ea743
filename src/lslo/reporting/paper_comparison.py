"""A results table beside the paper's and against Ft-all.

The CSV of a results table takes everything as further columns. In print it keeps its shape, with the
comparison of AVG at its right end; a second table has our scores, the paper's and the differences of every
class pair below each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas

from lslo.reporting.table_formats import Table
from lslo.scoring.class_means import AVERAGE

LEVEL = 0.05

# What is added to a column's name in the CSV.
PAPER, PAPER_DIFFERENCE = "_paper", "_minus_paper"
BASELINE_DIFFERENCE, LOWER, UPPER, P = "_minus_ft_all", "_lower", "_upper", "_p"
_SIGNIFICANCE = {"difference": BASELINE_DIFFERENCE, "lower": LOWER, "upper": UPPER, "p": P}

OURS_LINE = "ours"
PAPER_LINE = "paper"
PAPER_DIFFERENCE_LINE = "ours − paper"
BASELINE_DIFFERENCE_LINE = "ours − Ft-all"

_PAPER_NOTE = "The paper's scores are those it prints, with two decimals."
_SIGNIFICANCE_NOTE = (
    f"Ours − Ft-all: an asterisk at p < {LEVEL} by a two-sided paired bootstrap over test sentences; p is "
    "that of one column, not corrected for how many are looked at."
)


def with_comparison(
    table: Table,
    paper: pandas.DataFrame | None = None,
    significance: Mapping[str, pandas.DataFrame] | None = None,
) -> Table:
    """A results table with the paper's scores and the differences from them and from Ft-all.

    Args:
        table: of `tables.results_table`, with spBLEU.
        paper: of `tables.read_paper_table`; its settings and columns that `table` has not are left out.
        significance: setting -> `significance.significance` of it against Ft-all, over the table's columns.

    Returns:
        Values with further columns at the end, empty where a setting has no comparison: for H2H, …, AVG
        ``H2H_paper``, ``H2H_minus_paper`` and ``H2H_minus_ft_all``, ``H2H_lower``, ``H2H_upper`` (bounds of
        the 95 % interval of that difference), ``H2H_p``; ``AVG_significant`` (yes or no).

    Raises:
        ValueError: the paper has a setting twice; a significance has other columns, or is of other scores
            than the table's.
    """
    values, headings, notes = table.values, dict(table.headings), [table.note]
    columns = table.best_of
    if paper is not None:
        values = pandas.concat([values, _paper_columns(values, columns, paper)], axis="columns")
        if f"{AVERAGE}{PAPER}" in values:
            headings |= {
                f"{AVERAGE}{PAPER}": f"{AVERAGE}, {PAPER_LINE}",
                f"{AVERAGE}{PAPER_DIFFERENCE}": f"{AVERAGE}, {PAPER_DIFFERENCE_LINE}",
            }
            notes.append(_PAPER_NOTE)
    if significance:
        tested = _significance_columns(values, columns, significance)
        values = pandas.concat([values, tested], axis="columns")
        headings |= {
            f"{AVERAGE}{BASELINE_DIFFERENCE}": f"{AVERAGE}, {BASELINE_DIFFERENCE_LINE}",
            f"{AVERAGE}_significant": f"p < {LEVEL}",
        }
        notes.append(_SIGNIFICANCE_NOTE)
    return replace(table, values=values, headings=headings, note=" ".join(notes))


def comparison_table(table: Table) -> Table:
    """Ours, the paper's and the differences of every class pair, below each other for each setting.

    Args:
        table: of `with_comparison`.

    Returns:
        Values with columns setting, line, H2H, …, AVG; for each setting that has any comparison a line
        "ours" and, where there is something in it, "paper", "ours − paper" and "ours − Ft-all". In print the
        last has an asterisk at differences with p < 0.05.

    Raises:
        ValueError: no setting has a comparison.
    """
    columns = table.best_of
    rows = []
    starred: dict[str, list[bool]] = {column: [] for column in columns}
    for row in table.values.to_dict("records"):
        lines = {
            PAPER_LINE: {c: row.get(c + PAPER, np.nan) for c in columns},
            PAPER_DIFFERENCE_LINE: {c: row.get(c + PAPER_DIFFERENCE, np.nan) for c in columns},
            BASELINE_DIFFERENCE_LINE: {c: row.get(c + BASELINE_DIFFERENCE, np.nan) for c in columns},
        }
        compared = {name: line for name, line in lines.items() if not pandas.isna(list(line.values())).all()}
        if compared:
            compared = {OURS_LINE: {c: row[c] for c in columns}, **compared}
        rows += [{"setting": row["setting"], "line": name, **line} for name, line in compared.items()]
        for column in columns:
            significant = row.get(column + P, 1) < LEVEL
            starred[column] += [significant and name == BASELINE_DIFFERENCE_LINE for name in compared]
    if not rows:
        raise ValueError("no setting has scores of the paper or a significance to be compared with")
    values = pandas.DataFrame(rows)
    notes = [f"spBLEU ({table.values['signature'].iloc[0]}). Class pairs and AVG as in the table of results."]
    if (values["line"] == PAPER_LINE).any():
        notes.append(_PAPER_NOTE)
    if (values["line"] == BASELINE_DIFFERENCE_LINE).any():
        notes += [_SIGNIFICANCE_NOTE, "The CSV of the table of results has every p and interval."]
    return Table(
        values=values,
        headings={"setting": table.headings["setting"], "line": "Scores", **{c: c for c in columns}},
        caption=f"{table.caption} Beside the paper's scores and against Ft-all.",
        note=" ".join(notes),
        label=f"{table.label}-compared",
        group=table.group,
        repeated=("setting",),
        starred=starred,
    )


def _paper_columns(
    values: pandas.DataFrame, columns: tuple[str, ...], paper: pandas.DataFrame
) -> pandas.DataFrame:
    if paper["setting"].duplicated().any():
        twice = paper["setting"][paper["setting"].duplicated()].iloc[0]
        raise ValueError(f"the paper's table has {twice} more than once")
    printed = paper.set_index("setting")
    result = {}
    for column in columns:
        if column in printed.columns:
            scores = values["setting"].map(printed[column]).astype(float)
            result |= {column + PAPER: scores, column + PAPER_DIFFERENCE: values[column] - scores}
    return pandas.DataFrame(result, index=values.index)


def _significance_columns(
    values: pandas.DataFrame, columns: tuple[str, ...], significance: Mapping[str, pandas.DataFrame]
) -> pandas.DataFrame:
    result = {
        column + suffix: pandas.Series(np.nan, values.index)
        for column in columns
        for suffix in _SIGNIFICANCE.values()
    }
    significant = pandas.Series([None] * len(values), values.index, dtype=object)
    for index, setting in values["setting"].items():
        if setting not in significance:
            continue
        tested = significance[setting]
        if tuple(tested.index) != columns:
            raise ValueError(
                f"{setting}: significance of {', '.join(tested.index)} for a table of {', '.join(columns)}"
            )
        for column in columns:
            # scores.csv has four decimals.
            if abs(tested.loc[column, "setting"] - values.loc[index, column]) > 0.001:
                raise ValueError(
                    f"{setting}: {column} is {values.loc[index, column]:.2f} by its scores but "
                    f"{tested.loc[column, 'setting']:.2f} by its statistics; score its translations again"
                )
            for name, suffix in _SIGNIFICANCE.items():
                result[column + suffix][index] = tested.loc[column, name]
        significant[index] = "yes" if tested.loc[AVERAGE, "p"] < LEVEL else "no"
    return pandas.DataFrame({**result, f"{AVERAGE}_significant": significant})


def read_paper_table(path: str | Path) -> pandas.DataFrame:
    """A results table as the paper prints it, from ``resources/paper/table{1,2,6,7}.csv``.

    Returns:
        Columns setting (in this project's notation: Table 7's rows without a star end in ``@fc``), params
        (as printed), H2H, …, AVG.
    """
    table = pandas.read_csv(path, dtype={"params": "string"})
    if "modules" in table.columns:
        suffix = table.pop("modules").map({"fc": "@fc"}).fillna("")
        table["setting"] = table["setting"] + suffix
    return table
