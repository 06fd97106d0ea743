"""A table of our scores, the paper's, and the differences from the paper and from Ft-all, line by line."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas

from lslo.reporting.baseline_columns import (
    BASELINE_DIFFERENCE,
    BASELINE_DIFFERENCE_LINE,
    LEVEL,
    SIGNIFICANCE_NOTE,
    P,
)
from lslo.reporting.paper_columns import (
    PAPER,
    PAPER_DIFFERENCE,
    PAPER_DIFFERENCE_LINE,
    PAPER_LINE,
    PAPER_NOTE,
)
from lslo.reporting.table_formats import Table

OURS_LINE = "ours"
# The compared lines, each with the ending of the columns that it comes from.
_COMPARED_LINES = {
    PAPER_LINE: PAPER,
    PAPER_DIFFERENCE_LINE: PAPER_DIFFERENCE,
    BASELINE_DIFFERENCE_LINE: BASELINE_DIFFERENCE,
}


def differences_table(table: Table) -> Table:
    """Makes a table with the comparisons of every class pair, where the results table prints those of AVG.

    Args:
        table: A results table with the columns of `with_paper_columns`, `with_baseline_columns` or both.

    Returns:
        A table whose values have the columns setting, line, H2H, …, AVG. Each setting that is compared has
        a line "ours" and, where they have scores, the lines "paper", "ours − paper" and "ours − Ft-all". In
        print, differences from Ft-all with p < 0.05 have an asterisk.

    Raises:
        ValueError: No setting is compared with anything.
    """
    columns = table.best_of
    rows = []
    starred: dict[str, list[bool]] = {column: [] for column in columns}
    for row in table.values.to_dict("records"):
        lines = _lines(row, columns)
        rows += [{"setting": row["setting"], "line": name, **line} for name, line in lines.items()]
        for column in columns:
            significant = row.get(column + P, 1) < LEVEL
            starred[column] += [significant and name == BASELINE_DIFFERENCE_LINE for name in lines]
    if not rows:
        raise ValueError("no setting has scores of the paper or a significance to be compared with")
    values = pandas.DataFrame(rows)
    notes = [f"spBLEU ({table.values['signature'].iloc[0]}). Class pairs and AVG as in the table of results."]
    if (values["line"] == PAPER_LINE).any():
        notes.append(PAPER_NOTE)
    if (values["line"] == BASELINE_DIFFERENCE_LINE).any():
        notes += [SIGNIFICANCE_NOTE, "The CSV of the table of results has every p and interval."]
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


def _lines(row: Mapping[str, object], columns: tuple[str, ...]) -> dict[str, dict[str, object]]:
    """Returns the lines of a setting that have scores, by their names; none if it is not compared."""
    compared = {
        name: {column: row.get(column + suffix, np.nan) for column in columns}
        for name, suffix in _COMPARED_LINES.items()
    }
    compared = {name: line for name, line in compared.items() if not pandas.isna(list(line.values())).all()}
    ours = {OURS_LINE: {column: row[column] for column in columns}}
    return {**ours, **compared} if compared else {}
