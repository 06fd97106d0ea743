"""The checked claims as Markdown and as a page of the report."""

from __future__ import annotations

import html
from collections.abc import Sequence

from lslo.reporting.claims.evidence import Claim

_HEADINGS = ("", "Claim", "The paper", "Measured", "Held")
_VERDICTS = {True: "yes", False: "no", None: "not tested"}


def _summary(claims: Sequence[Claim]) -> str:
    held = sum(claim.held is True for claim in claims)
    failed = sum(claim.held is False for claim in claims)
    untested = len(claims) - held - failed
    return f"Of {len(claims)} claims, {held} held, {failed} did not, {untested} could not be tested."


def _rows(claims: Sequence[Claim]) -> list[list[str]]:
    return [
        [str(number), claim.title, claim.paper_says, claim.measured, _VERDICTS[claim.held]]
        for number, claim in enumerate(claims, start=1)
    ]


def claims_markdown(claims: Sequence[Claim], note: str) -> str:
    """A Markdown table of the claims below a count of those that held, and `note` (how scores were made)."""
    lines = [
        _summary(claims),
        "",
        f"| {' | '.join(_HEADINGS)} |",
        "|---:|---|---|---|---|",
    ]
    for row in _rows(claims):
        row[-1] = "**no**" if row[-1] == "no" else row[-1]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join([*lines, "", note, ""])


def claims_page(claims: Sequence[Claim], note: str) -> str:
    """The same as an HTML page of its own."""
    colours = {"yes": "#2a7f3f", "no": "#b3261e", "not tested": "#777"}
    body = []
    for row in _rows(claims):
        cells = [f"<td>{html.escape(cell)}</td>" for cell in row[:-1]]
        cells.append(f'<td style="color:{colours[row[-1]]};font-weight:bold">{row[-1]}</td>')
        body.append(f"<tr>{''.join(cells)}</tr>")
    headings = "".join(f"<th>{heading}</th>" for heading in _HEADINGS)
    return "\n".join(
        [
            '<!DOCTYPE html><html><head><meta charset="utf-8"><style>',
            "body{font:14px/1.4 sans-serif;margin:1.5em;color:#222}table{border-collapse:collapse}",
            "th,td{padding:.4em .7em;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}",
            "</style></head><body>",
            f"<p>{html.escape(_summary(claims))}</p>",
            f"<table><thead><tr>{headings}</tr></thead><tbody>",
            *body,
            f"</tbody></table><p>{html.escape(note)}</p></body></html>",
            "",
        ]
    )
