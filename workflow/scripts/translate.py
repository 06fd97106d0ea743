"""Translate `devtest` with one setting, in every direction or a shard of them."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import torch

from lslo.adapters.adapter_folder import load_with_adapter
from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.plain_text import read_split, write_sentences
from lslo.experiment.hyperparameters import Decoding
from lslo.experiment.provenance import recorded
from lslo.files.atomic import atomic_folder
from lslo.files.checksums import damaged_set_aside
from lslo.files.locks import only_job
from lslo.running.gpus import claimed_gpus, requested_gpus
from lslo.running.process_group import ProcessGroup
from lslo.running.script import script_job
from lslo.translation.translate import translate

logger = logging.getLogger(__name__)


def main(
    base_model: Path,
    adapter: Path | None,
    corpus_folder: Path,
    codes: Mapping[str, str],
    directions: Sequence[tuple[str, str]],
    decoding: Decoding,
    output: Path,
    progress: TextIO | None = None,
) -> None:
    """Write `{output}/{source}-{target}.txt`, each line-aligned. adapter: None for the base model.

    codes: the base model's code of each language.
    """
    model, router = load_with_adapter(base_model, adapter)
    process_group = ProcessGroup.join()
    model.to(process_group.device, getattr(torch, decoding.precision))
    logger.info("translating %d directions on %s", len(directions), process_group.device_name)
    hypotheses = translate(
        model,
        Tokenizer(base_model, codes),
        read_split(corpus_folder, list(codes)),
        directions,
        decoding,
        router=router,
        progress=progress,
    )
    with atomic_folder(output) as folder:
        for (source, target), sentences in hypotheses.items():
            write_sentences(folder / f"{source}-{target}.txt", sentences)


if "snakemake" in globals():
    with (
        script_job(snakemake.log[0], snakemake.threads) as terminal,
        claimed_gpus(requested_gpus(snakemake.resources), snakemake.params.locks),
        only_job(Path(snakemake.params.state)),
        damaged_set_aside(Path(snakemake.input.adapter) if snakemake.input.get("adapter") else None),
        recorded(snakemake),
    ):
        main(
            Path(snakemake.input.base_model[0]).parent,
            Path(snakemake.input.adapter) if snakemake.input.get("adapter") else None,
            Path(snakemake.input[0]).parent,
            snakemake.params.codes,
            [tuple(direction) for direction in snakemake.params.directions],
            Decoding(**snakemake.params.translation),
            Path(snakemake.output.hypotheses),
            terminal,
        )
