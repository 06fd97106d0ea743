"""A table as CSV (for programs), Markdown (to read), LaTeX (for a paper) and HTML (for the report).

CSV has the table's values with four decimals and nothing else; the others have two decimals, the
best value of a column in bold, a caption, and a note that says how the values were made.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas

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
    """A table and what it takes to print it.

    Attributes:
        values: one row a line; the column names are those of the CSV.
        headings: column -> how it is headed in print; a column without one is left to the CSV alone.
        caption: a sentence or two.
        note: how the values were made, below the table.
        label: of LaTeX's ``\\label{}``, such as ``tab:main``.
        best_of: columns whose best (highest) value is set in bold.
        counts: columns with numbers of parameters, printed as 44.8M.
        group: columns below one common heading, and that heading.
        repeated: columns where a value equal to the one above is left blank in print.
        starred: column -> for each row whether its value gets an asterisk in print.
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


def to_csv(table: Table) -> str:
    """All columns of `table.values` under their own names; scores with four decimals, counts exact."""
    return table.values.to_csv(index=False, float_format="%.4f", lineterminator="\n")


def to_markdown(table: Table) -> str:
    """A GitHub-flavoured Markdown table between its caption and its note."""
    cells, bold = _printed(table)
    lines = [f"**{table.caption}**", ""]
    lines.append("| " + " | ".join(_markdown(heading) for heading in cells.columns) + " |")
    lines.append("|" + "|".join("---:" if right else "---" for right in _right_aligned(table)) + "|")
    for row in range(len(cells)):
        texts = [_markdown(text) for text in cells.iloc[row]]
        texts = [f"**{text}**" if best else text for text, best in zip(texts, bold.iloc[row], strict=True)]
        lines.append("| " + " | ".join(texts) + " |")
    return "\n".join([*lines, "", table.note, ""])


def to_latex(table: Table) -> str:
    """A LaTeX ``table*`` environment; needs the packages booktabs and graphicx."""
    cells, bold = _printed(table)
    alignment = "".join("r" if right else "l" for right in _right_aligned(table))
    lines = [
        "% needs \\usepackage{booktabs,graphicx}",
        "\\begin{table*}",
        "  \\centering",
        # No wider than the page; a narrow table stays as it is.
        "  \\resizebox{\\ifdim\\width>\\textwidth\\textwidth\\else\\width\\fi}{!}{%",
        f"  \\begin{{tabular}}{{{alignment}}}",
        "    \\toprule",
        *_latex_group(table),
        "    " + " & ".join(_latex(heading) for heading in cells.columns) + " \\\\",
        "    \\midrule",
    ]
    for row in range(len(cells)):
        texts = [_latex(text) for text in cells.iloc[row]]
        texts = [
            f"\\textbf{{{text}}}" if best else text for text, best in zip(texts, bold.iloc[row], strict=True)
        ]
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
    """A page of its own with the table between its caption and its note."""
    cells, bold = _printed(table)
    right = _right_aligned(table)

    def row(texts: Sequence[str], tag: str) -> str:
        sides = ["right" if aligned else "left" for aligned in right]
        return "".join(
            f'<{tag} style="text-align:{side}">{text}</{tag}>'
            for text, side in zip(texts, sides, strict=True)
        )

    body = []
    for number in range(len(cells)):
        texts = [html.escape(text) for text in cells.iloc[number]]
        texts = [
            f"<b>{text}</b>" if best else text for text, best in zip(texts, bold.iloc[number], strict=True)
        ]
        body.append(f"<tr>{row(texts, 'td')}</tr>")
    heading = row([html.escape(text) for text in cells.columns], "th")
    return "\n".join(
        [
            '<!DOCTYPE html><html><head><meta charset="utf-8"><style>',
            "body{font:14px/1.4 sans-serif;margin:1.5em;color:#222}table{border-collapse:collapse}",
            "th,td{padding:.3em .7em;white-space:nowrap}th{border-top:2px solid;border-bottom:1px solid}",
            "tr:last-child td{border-bottom:2px solid}p{max-width:60em}</style></head><body>",
            f"<p>{html.escape(table.caption)}</p>",
            f"<table><thead><tr>{heading}</tr></thead><tbody>",
            *body,
            f"</tbody></table><p>{html.escape(table.note)}</p></body></html>",
            "",
        ]
    )


def write_table(
    table: Table, csv: str | Path, markdown: str | Path, latex: str | Path, page: str | Path
) -> None:
    """Writes the four forms of a table, as UTF-8; page is the HTML one."""
    Path(page).write_text(to_html(table), encoding="utf-8")
    Path(csv).write_text(to_csv(table), encoding="utf-8")
    Path(markdown).write_text(to_markdown(table), encoding="utf-8")
    Path(latex).write_text(to_latex(table), encoding="utf-8")


def parameter_count(count: float | None) -> str:
    """A number of parameters as the paper prints it: 44.8M, 615M; 512.3k below a million."""
    if count is None or pandas.isna(count):
        return MISSING
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        # A count that would round up to 1000.0 of a unit belongs to the next larger one.
        if count >= unit * 0.99995:
            return f"{count / unit:.1f}".removesuffix(".0") + letter
    return f"{count:.0f}"


def _printed(table: Table) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """The printed cells under their headings, and which of them are bold; both of the printed shape."""
    cells, bold = {}, {}
    for column, heading in table.headings.items():
        values = table.values[column]
        cells[heading] = [_cell(value, column in table.counts) for value in values]
        if column in table.starred:
            stars = table.starred[column]
            cells[heading] = [
                f"{text}*" if star else text for text, star in zip(cells[heading], stars, strict=True)
            ]
        bold[heading] = [False] * len(values)
        if column in table.best_of:
            # Values that print alike are equally good.
            rounded = values.round(DECIMALS)
            bold[heading] = list(rounded.eq(rounded.max()))
        if column in table.repeated:
            above = [None, *cells[heading]]
            cells[heading] = [
                "" if text == previous else text
                for text, previous in zip(cells[heading], above[:-1], strict=True)
            ]
    return pandas.DataFrame(cells), pandas.DataFrame(bold)


def _cell(value: object, is_count: bool) -> str:
    if is_count:
        return parameter_count(value)
    if value is None or (isinstance(value, float) and pandas.isna(value)):
        return MISSING
    return f"{value:.{DECIMALS}f}" if isinstance(value, float) else str(value)


def _right_aligned(table: Table) -> list[bool]:
    numeric = table.values.select_dtypes("number").columns
    return [column in numeric or column in table.counts for column in table.headings]


def _latex_group(table: Table) -> list[str]:
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


def _markdown(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
