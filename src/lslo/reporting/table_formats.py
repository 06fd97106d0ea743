"""The forms of a table: CSV (for programs), Markdown (to read), LaTeX (for a paper), HTML (for the report).

The CSV has the table's values with four decimals and nothing else. The other forms have two decimals, the
best value of a column in bold, a caption, and a note that says how the values were made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas

from lslo.reporting.html_page import Section, html_page
from lslo.reporting.markdown import markdown_table
from lslo.reporting.table_cells import Cell, PrintedTable

DECIMALS = 2
MISSING = "-"

_LATEX_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # In LaTeX's default font encoding these would print as a dash and inverted punctuation.
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
    "−": r"\ensuremath{-}",
    "·": r"\ensuremath{\cdot}",
    "×": r"\ensuremath{\times}",
    "→": r"\ensuremath{\rightarrow}",
    "≥": r"\ensuremath{\geq}",
    "≤": r"\ensuremath{\leq}",
}


@dataclass(frozen=True)
class Table:
    r"""A table: its values, and how they are printed.

    Attributes:
        values: One row for each line of the table; the column names are those of the CSV.
        headings: The printed heading of each column; columns without a heading are in the CSV only.
        caption: A sentence or two.
        note: A text on how the values were made, printed below the table.
        label: The name in LaTeX's `\label{}`, such as `tab:main`.
        best_of: Columns whose best (highest) value is bold.
        counts: Columns with numbers of parameters, printed like 44.8M.
        group: A common heading above some columns, and these columns.
        repeated: Columns where a value equal to the one above is left blank in print.
        starred: Whether the value of each row is printed with an asterisk, by column; columns may be missing.
    """

    values: pandas.DataFrame
    headings: Mapping[str, str]
    caption: str
    note: str
    label: str
    best_of: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    group: tuple[str, tuple[str, ...]] | None = None
    repeated: tuple[str, ...] = ()
    starred: Mapping[str, Sequence[bool]] = field(default_factory=dict)


@dataclass(frozen=True)
class TableFiles:
    """The files that a table is written to.

    Attributes:
        csv: The file of the CSV.
        markdown: The file of the Markdown table.
        latex: The file of the LaTeX table.
        page: The file of the HTML page.
    """

    csv: Path
    markdown: Path
    latex: Path
    page: Path


def write_table(table: Table, files: TableFiles) -> None:
    """Writes the four forms of a table as UTF-8."""
    files.page.write_text(to_html(table), encoding="utf-8")
    files.csv.write_text(to_csv(table), encoding="utf-8")
    files.markdown.write_text(to_markdown(table), encoding="utf-8")
    files.latex.write_text(to_latex(table), encoding="utf-8")


def to_csv(table: Table) -> str:
    """Writes all columns of `table.values` under their own names; scores with four decimals, counts exact."""
    return table.values.to_csv(index=False, float_format="%.4f", lineterminator="\n")


def to_markdown(table: Table) -> str:
    """Writes a GitHub-flavoured Markdown table between its caption and its note."""
    return "\n".join([f"**{table.caption}**", "", markdown_table(_printed(table)), "", table.note, ""])


def to_latex(table: Table) -> str:
    """Writes a LaTeX `table*` environment, which needs the packages booktabs and graphicx."""
    printed = _printed(table)
    alignment = "".join("r" if right else "l" for right in printed.right_aligned)
    lines = [
        "% needs \\usepackage{booktabs,graphicx}",
        "\\begin{table*}",
        "  \\centering",
        # At most as wide as the page; a narrow table stays as it is.
        "  \\resizebox{\\ifdim\\width>\\textwidth\\textwidth\\else\\width\\fi}{!}{%",
        f"  \\begin{{tabular}}{{{alignment}}}",
        "    \\toprule",
        *_latex_group(table),
        "    " + " & ".join(_latex(heading) for heading in printed.headings) + " \\\\",
        "    \\midrule",
    ]
    for row in printed.rows:
        texts = [f"\\textbf{{{_latex(cell.text)}}}" if cell.bold else _latex(cell.text) for cell in row]
        lines.append("    " + " & ".join(texts) + " \\\\")
    lines += [
        "    \\bottomrule",
        "  \\end{tabular}}",
        f"  \\caption{{{_latex(table.caption)} {_latex(table.note)}}}",
        f"  \\label{{{table.label}}}",
        "\\end{table*}",
        "",
    ]
    return "\n".join(lines)


def to_html(table: Table) -> str:
    """Writes an HTML page with the table between its caption and its note."""
    return html_page(table.caption, Section(above=table.caption, table=_printed(table), below=table.note))


def parameter_count(count: float | None) -> str:
    """Writes a number of parameters as the paper prints it: 44.8M, 615M; 512.3k below a million."""
    if count is None or pandas.isna(count):
        return MISSING
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        # A count that would round up to 1000.0 of a unit belongs to the next larger one.
        if count >= unit * 0.99995:
            return f"{count / unit:.1f}".removesuffix(".0") + letter
    return f"{count:.0f}"


def _printed(table: Table) -> PrintedTable:
    """Returns the printed headings and cells."""
    numeric = table.values.select_dtypes("number").columns
    columns = [_printed_column(table, column) for column in table.headings]
    return PrintedTable(
        headings=list(table.headings.values()),
        rows=list(zip(*columns, strict=True)),
        right_aligned=[column in numeric or column in table.counts for column in table.headings],
    )


def _printed_column(table: Table, column: str) -> list[Cell]:
    values = table.values[column]
    texts = [_text(value, column in table.counts) for value in values]
    if column in table.starred:
        stars = table.starred[column]
        texts = [f"{text}*" if star else text for text, star in zip(texts, stars, strict=True)]
    if column in table.repeated:
        above = [None, *texts[:-1]]
        texts = ["" if text == previous else text for text, previous in zip(texts, above, strict=True)]
    bold = [False] * len(values)
    if column in table.best_of:
        # Values that print alike are equally good.
        rounded = values.round(DECIMALS)
        bold = rounded.eq(rounded.max()).tolist()
    return [Cell(text, best) for text, best in zip(texts, bold, strict=True)]


def _text(value: object, is_count: bool) -> str:
    if is_count:
        return parameter_count(value)
    if value is None or (isinstance(value, float) and pandas.isna(value)):
        return MISSING
    return f"{value:.{DECIMALS}f}" if isinstance(value, float) else str(value)


def _latex_group(table: Table) -> list[str]:
    """Returns the lines with the heading above the columns of `table.group`."""
    if table.group is None:
        return []
    heading, grouped = table.group
    columns = list(table.headings)
    first, last = columns.index(grouped[0]), columns.index(grouped[-1])
    span = last - first + 1
    before, after = " & " * first, " &" * (len(columns) - 1 - last)
    return [
        f"    {before}\\multicolumn{{{span}}}{{c}}{{{_latex(heading)}}}{after} \\\\",
        f"    \\cmidrule(lr){{{first + 1}-{last + 1}}}",
    ]


def _latex(text: str) -> str:
    return "".join(_LATEX_ESCAPES.get(character, character) for character in text)
