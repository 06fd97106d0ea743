"""Extract a downloaded archive."""

from pathlib import Path

from lslo.running.script import job
from lslo.sources.extract import extract

with job(snakemake.log[0]):
    extract(Path(snakemake.input[0]), Path(snakemake.output[0]))
