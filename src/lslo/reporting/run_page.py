"""The page of the report with a run's configuration and the versions of its software."""

from __future__ import annotations

from collections.abc import Mapping

from lslo.reporting.html_page import Section, html_page
from lslo.reporting.table_cells import Cell, PrintedTable


def run_page(configuration: str, software: Mapping[str, str], platform: str) -> str:
    """Writes the page as HTML.

    Args:
        configuration: The configuration as YAML.
        software: The version of each package.
        platform: The operating system and the machine.
    """
    versions = PrintedTable(
        headings=("Package", "Version"),
        rows=[(Cell(name), Cell(version)) for name, version in software.items()],
        right_aligned=(False, False),
    )
    return html_page(
        "Configuration and software",
        Section(heading="Configuration", preformatted=configuration),
        Section(heading="Software", table=versions, below=platform),
    )
