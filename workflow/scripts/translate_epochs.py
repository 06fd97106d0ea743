"""Translates some directions with the adapter of each epoch but the last (Figure 3)."""

from pathlib import Path

from lslo.experiment.provenance import recorded
from lslo.files.checksums import damaged_set_aside
from lslo.files.locks import only_job
from lslo.running.gpus import claimed_gpus, requested_gpus
from lslo.running.script import script_job
from lslo.translation.translation_job import translate_epochs
from translation_inputs import translation_job

if "snakemake" in globals():
    epochs = Path(snakemake.input.epochs)
    with (
        script_job(snakemake.log[0], snakemake.threads) as terminal,
        claimed_gpus(requested_gpus(snakemake.resources), snakemake.params.locks),
        only_job(Path(snakemake.params.state)),
        damaged_set_aside(epochs),
        recorded(snakemake),
    ):
        translate_epochs(translation_job(snakemake, terminal), epochs, Path(snakemake.output.hypotheses))
