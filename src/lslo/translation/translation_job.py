"""The translation jobs of the workflow: `devtest`, with a setting's adapter or with those of its epochs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import torch

from lslo.adapters.adapter_folder import load_with_adapter
from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.plain_text import read_split, write_sentences
from lslo.experiment.hyperparameters import Decoding
from lslo.files.atomic import atomic_folder
from lslo.running.process_group import ProcessGroup
from lslo.translation.translate import translate

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TranslationJob:
    """The sentences to translate, and how.

    Attributes:
        base_model: The base model's folder.
        corpus: The folder of one split, with `{language}.txt`.
        codes: The base model's code of each language.
        directions: The directions, as (source, target) pairs.
        decoding: The hyperparameters of the search.
        progress: The terminal that progress bars are drawn on, if any.
    """

    base_model: Path
    corpus: Path
    codes: Mapping[str, str]
    directions: Sequence[tuple[str, str]]
    decoding: Decoding
    progress: TextIO | None = None


def translate_split(job: TranslationJob, adapter: Path | None, output: Path) -> None:
    """Translates a split of the corpus and writes `{output}/{source}-{target}.txt`, aligned line by line.

    Args:
        job: The inputs and hyperparameters of the translation.
        adapter: The folder of an adapter or of a fully fine-tuned model; None for the base model itself.
        output: The folder to write, which appears when it is complete.
    """
    model, router = load_with_adapter(job.base_model, adapter)
    process_group = ProcessGroup.join()
    model.to(process_group.device, getattr(torch, job.decoding.precision))
    logger.info("translating %d directions on %s", len(job.directions), process_group.device_name)
    hypotheses = translate(
        model,
        Tokenizer(job.base_model, job.codes),
        read_split(job.corpus, list(job.codes)),
        job.directions,
        job.decoding,
        router=router,
        progress=job.progress,
    )
    with atomic_folder(output) as folder:
        for (source, target), sentences in hypotheses.items():
            write_sentences(folder / f"{source}-{target}.txt", sentences)


def translate_epochs(job: TranslationJob, epochs: Path, output: Path) -> None:
    """Translates with the adapter of each epoch, `{epochs}/epoch{n}`, into `{output}/epoch{n}/` (Figure 3).

    Args:
        job: The inputs and hyperparameters of the translation.
        epochs: The folder of the epochs' adapters.
        output: The folder to write, which appears when it is complete; each epoch's folder is as
            `translate_split` writes it.
    """
    with atomic_folder(output) as whole:
        for adapter in sorted(epochs.glob("epoch*")):
            translate_split(job, adapter, whole / adapter.name)
