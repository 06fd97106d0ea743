"""Convert a model of fairseq's, as published, to a base model's folder."""

from pathlib import Path

from lslo.base_model.fairseq_conversion import convert_fairseq_archive
from lslo.running.script import script_job

with script_job(snakemake.log[0], snakemake.threads):
    convert_fairseq_archive(Path(snakemake.input.archive), Path(snakemake.output[0]).parent)
