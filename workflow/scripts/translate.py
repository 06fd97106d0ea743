"""Translates `devtest` with one setting, in every direction or a shard of them."""

from pathlib import Path

from lslo.experiment.provenance import recorded
from lslo.files.checksums import damaged_set_aside
from lslo.files.locks import only_job
from lslo.running.gpus import claimed_gpus, requested_gpus
from lslo.running.script import script_job
from lslo.translation.translation_job import translate_split
from translation_inputs import translation_job

if "snakemake" in globals():
    adapter = Path(snakemake.input.adapter) if snakemake.input.get("adapter") else None
    with (
        script_job(snakemake.log[0], snakemake.threads) as terminal,
        claimed_gpus(requested_gpus(snakemake.resources), snakemake.params.locks),
        only_job(Path(snakemake.params.state)),
        damaged_set_aside(adapter),
        recorded(snakemake),
    ):
        translate_split(translation_job(snakemake, terminal), adapter, Path(snakemake.output.hypotheses))
