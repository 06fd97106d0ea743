"""Fetches one source and checks it."""

from pathlib import Path

from lslo.running.script import script_job
from lslo.sources.download import fetch
from lslo.sources.table import Source

with script_job(snakemake.log[0]) as terminal:
    fetch(Source(**snakemake.params.source), Path(snakemake.output[0]).parent, terminal=terminal)
