"""The configuration of a run as a file, and with the versions of its software as a page of the report."""

import html
import platform
from collections.abc import Mapping
from pathlib import Path

import yaml

from lslo.experiment.provenance import software
from lslo.running.script import script_job


def main(config: Mapping, page: Path, config_file: Path) -> None:
    """Write an HTML page and the configuration."""
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{text}</td></tr>" for name, text in software().items()
    )
    settings = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, default_flow_style=None)
    config_file.write_text(settings, encoding="utf-8")
    page.write_text(
        '<!DOCTYPE html><html><head><meta charset="utf-8"><style>body{font:14px/1.4 sans-serif;margin:1.5em}'
        "td{padding:.1em 1em .1em 0}</style></head><body>"
        f"<h2>Configuration</h2><pre>{html.escape(settings)}</pre><h2>Software</h2><table>{rows}</table>"
        f"<p>{html.escape(platform.platform())}</p></body></html>\n",
        encoding="utf-8",
    )


if "snakemake" in globals():
    with script_job(snakemake.log[0]):
        main(
            snakemake.params.config,
            Path(snakemake.output.page),
            Path(snakemake.output.config),
        )
