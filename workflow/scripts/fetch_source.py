"""Fetch one source and check it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from lslo.running.script import job
from lslo.sources.download import fetch
from lslo.sources.table import Source


def main(source: Mapping[str, Any], output: Path, progress: TextIO | None = None) -> None:
    """Fetch a source to `output`. source: the fields of a Source."""
    wanted = Source(**source)
    if wanted.file != output.name:
        raise ValueError(f"source '{wanted.name}' is the file {wanted.file}, not {output.name}")
    fetch(wanted, output.parent, terminal=progress)


if "snakemake" in globals():
    with job(snakemake.log[0]) as terminal:
        main(snakemake.params.source, Path(snakemake.output[0]), terminal)
