"""Converts a published fairseq model to the folder of a base model."""

from pathlib import Path

from lslo.base_model.fairseq_conversion import convert_fairseq_archive
from lslo.running.script import script_job

with script_job(snakemake.log[0], snakemake.threads):
    convert_fairseq_archive(Path(snakemake.input.archive), Path(snakemake.output[0]).parent)
