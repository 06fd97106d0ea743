"""Writes a run's configuration to a file, and with its software's versions to a page of the report."""

import platform
from collections.abc import Mapping
from pathlib import Path

import yaml

from lslo.experiment.provenance import software
from lslo.reporting.run_page import run_page
from lslo.running.script import script_job


def main(config: Mapping, page: Path, config_file: Path) -> None:
    """Writes the configuration and the HTML page."""
    settings = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, default_flow_style=None)
    config_file.write_text(settings, encoding="utf-8")
    page.write_text(run_page(settings, software(), platform.platform()), encoding="utf-8")


if "snakemake" in globals():
    with script_job(snakemake.log[0]):
        main(
            snakemake.params.config,
            Path(snakemake.output.page),
            Path(snakemake.output.config),
        )
