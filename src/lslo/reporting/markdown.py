"""GitHub-flavoured Markdown tables."""

from __future__ import annotations

from tabulate import DataRow, TableFormat, tabulate

from lslo.reporting.table_cells import PrintedTable


def markdown_table(table: PrintedTable) -> str:
    """Writes a Markdown table whose cells are not padded, since its source is for GitHub to render.

    Args:
        table: The table; its texts are escaped.

    Returns:
        The lines of the table, joined; the last one has no line break.
    """
    headings = [_escaped(heading) for heading in table.headings]
    rows = [
        [f"**{_escaped(cell.text)}**" if cell.bold else _escaped(cell.text) for cell in row]
        for row in table.rows
    ]
    marks = "|" + "|".join("---:" if right else "---" for right in table.right_aligned) + "|"
    unpadded = TableFormat(
        lineabove=None,
        linebelowheader=lambda widths, alignments: marks,
        linebetweenrows=None,
        linebelow=None,
        headerrow=DataRow("| ", " | ", " |"),
        datarow=DataRow("| ", " | ", " |"),
        padding=0,
        with_header_hide=None,
    )
    # By default tabulate pads cells, strips them, and reads numbers out of them.
    return tabulate(
        rows, headings, tablefmt=unpadded, stralign=None, disable_numparse=True, preserve_whitespace=True
    )


def _escaped(text: str) -> str:
    """Escapes the characters that would divide cells, or set text in italics or bold."""
    return text.replace("|", "\\|").replace("*", "\\*")
