"""Extract a downloaded archive."""

from pathlib import Path

from lslo.running.script import job
from lslo.sources.extract import extract


def main(archive: Path, output: Path) -> None:
    """Write the folder of what is in the archive."""
    extract(archive, output)


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(Path(snakemake.input[0]), Path(snakemake.output[0]))
