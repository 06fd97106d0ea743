"""Convert a model of fairseq's, as published, to a base model's folder."""

from pathlib import Path

from lslo.base_model.fairseq_conversion import convert_fairseq
from lslo.running.script import job


def main(archive: Path, output: Path) -> None:
    """Write the base model's folder. archive: the folder into which the published file was extracted."""
    checkpoints = sorted(archive.rglob("model.pt"))
    if len(checkpoints) != 1:
        raise ValueError(f"{archive}: holds {len(checkpoints)} files named model.pt, one is wanted")
    convert_fairseq(checkpoints[0].parent, output)


if "snakemake" in globals():
    with job(snakemake.log[0], snakemake.threads):
        main(Path(snakemake.input.archive), Path(snakemake.output[0]).parent)
