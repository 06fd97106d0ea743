"""The checked claims as Markdown and as a page of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lslo.reporting.claims.check import check_claims
from lslo.reporting.claims.evidence import CheckedClaim, ClaimSettings, Evidence
from lslo.reporting.html_page import Section, html_page
from lslo.reporting.markdown import markdown_table
from lslo.reporting.table_cells import Cell, PrintedTable

_VERDICTS = {
    True: Cell("yes", verdict="good"),
    # Bold in Markdown, which has no colours.
    False: Cell("no", bold=True, verdict="bad"),
    None: Cell("not tested", verdict="unknown"),
}


def report_claims(
    roles: Mapping[str, Any], evidence: Evidence, *, markdown_file: Path, page_file: Path
) -> None:
    """Checks all claims and writes the outcome.

    Args:
        roles: The configuration's `claims`: the setting (or settings) of each role.
        evidence: The results, of at least one setting.
        markdown_file: The Markdown file to write (claims.md).
        page_file: The HTML file to write (claims.html).

    Raises:
        ValueError: The scores of a setting lack a direction, or a frame lacks a column.
    """
    claims = check_claims(ClaimSettings.configured(roles, list(evidence.scores)), evidence)
    first = next(iter(evidence.scores.values()))
    signature, seeds = first[0]["spbleu_signature"].iloc[0], len(first)
    note = (
        f"Scores are spBLEU ({signature}), means over directions and {seeds} seed{'s' if seeds > 1 else ''}."
    )
    markdown_file.write_text(claims_markdown(claims, note), encoding="utf-8")
    page_file.write_text(claims_page(claims, note), encoding="utf-8")


def claims_markdown(claims: Sequence[CheckedClaim], note: str) -> str:
    """Writes the claims as Markdown: how many held, a table, and a note (how the scores were made)."""
    return "\n".join([_summary(claims), "", markdown_table(_table(claims)), "", note, ""])


def claims_page(claims: Sequence[CheckedClaim], note: str) -> str:
    """Writes the claims as an HTML page with the same content as `claims_markdown`."""
    return html_page("Claims", Section(above=_summary(claims), table=_table(claims), below=note))


def _summary(claims: Sequence[CheckedClaim]) -> str:
    held = sum(claim.held is True for claim in claims)
    failed = sum(claim.held is False for claim in claims)
    untested = len(claims) - held - failed
    return f"Of {len(claims)} claims, {held} held, {failed} did not, {untested} could not be tested."


def _table(claims: Sequence[CheckedClaim]) -> PrintedTable:
    rows = []
    for number, checked in enumerate(claims, start=1):
        texts = (str(number), checked.claim.title, checked.claim.paper_says, checked.measured)
        rows.append([*map(Cell, texts), _VERDICTS[checked.held]])
    return PrintedTable(
        headings=("", "Claim", "The paper", "Measured", "Held"),
        rows=rows,
        right_aligned=(True, False, False, False, False),
        wrapped=True,
    )
