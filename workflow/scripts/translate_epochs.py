"""Translate some directions with the adapter of each epoch but the last (Figure 3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from lslo.experiment.hyperparameters import Decoding
from lslo.experiment.provenance import recorded
from lslo.files.atomic import atomic_folder
from lslo.files.checksums import damaged_set_aside
from lslo.files.locks import only_job
from lslo.running.gpus import claimed_gpus, requested_gpus
from lslo.running.script import script_job
from translate import main as translate_setting


def main(
    base_model: Path,
    epochs_folder: Path,
    corpus_folder: Path,
    codes: Mapping[str, str],
    directions: Sequence[tuple[str, str]],
    decoding: Decoding,
    output: Path,
    progress: TextIO | None = None,
) -> None:
    """Write `{output}/epoch{n}/{source}-{target}.txt` for each adapter `{epochs_folder}/epoch{n}`."""
    with atomic_folder(output) as whole:
        for adapter in sorted(epochs_folder.glob("epoch*")):
            folder = whole / adapter.name
            translate_setting(
                base_model, adapter, corpus_folder, codes, directions, decoding, folder, progress
            )


if "snakemake" in globals():
    with (
        script_job(snakemake.log[0], snakemake.threads) as terminal,
        claimed_gpus(requested_gpus(snakemake.resources), snakemake.params.locks),
        only_job(Path(snakemake.params.state)),
        damaged_set_aside(Path(snakemake.input.epochs)),
        recorded(snakemake),
    ):
        main(
            Path(snakemake.input.base_model[0]).parent,
            Path(snakemake.input.epochs),
            Path(snakemake.input.corpus[0]).parent,
            snakemake.params.codes,
            [tuple(direction) for direction in snakemake.params.directions],
            Decoding(**snakemake.params.translation),
            Path(snakemake.output.hypotheses),
            terminal,
        )
