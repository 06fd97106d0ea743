"""Extracts a downloaded archive."""

from pathlib import Path

from lslo.running.script import script_job
from lslo.sources.extract import extract

with script_job(snakemake.log[0]):
    extract(Path(snakemake.input[0]), Path(snakemake.output[0]))
