"""What the training jobs of the workflow have in common: their data, their base model, their state."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import M2M100ForConditionalGeneration

from lslo.base_model.loading import load_base_model
from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.plain_text import read_split
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.experiment.hyperparameters import Recipe
from lslo.experiment.provenance import ATTEMPTS, note_attempt, software
from lslo.files.atomic import atomic_folder, publish
from lslo.files.checksums import check_checksums, files_fingerprint, write_checksums
from lslo.files.locks import only_job
from lslo.running.gpus import claimed_gpus
from lslo.running.launch import launch
from lslo.training.checkpoints import CheckpointStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingJob:
    """What is trained on what.

    base_model: its folder. corpus: the folder of one split, `{language}.txt`. resource_classes: class of
    each language, in the experiment's order. codes: the base model's code of each language. metrics: the
    file of JSON lines. state: the folder of the training state, and the fingerprint of what determines it.
    """

    base_model: Path
    corpus: Path
    resource_classes: Mapping[str, str]
    codes: Mapping[str, str]
    recipe: Recipe
    metrics: Path
    state: Path
    fingerprint: str

    @property
    def languages(self) -> list[str]:
        """Codes, in the experiment's order."""
        return list(self.resource_classes)

    def load_corpus(self) -> TokenizedCorpus:
        """The tokenised sentences."""
        tokenizer = Tokenizer(self.base_model, self.codes)
        return TokenizedCorpus.of(read_split(self.corpus, self.languages), tokenizer)

    def load_frozen_model(self) -> M2M100ForConditionalGeneration:
        """The base model for LSLo: frozen, in the recipe's precision."""
        return load_base_model(self.base_model, getattr(torch, self.recipe.precision))


def run(
    function: Callable, arguments: Mapping[str, Any], outputs: Mapping[str, Path], gpus: int, locks: Path
) -> None:
    """Call a training function, on GPUs of its own and alone with its state, and publish its results.

    arguments: of the function, `job` among them. outputs: further arguments, the files or folders that it
    writes. gpus: processes, each on one; 0 computes on the CPU. locks: the folder of GPU locks.

    The results are made below the job's state and then linked to where they belong: they appear there whole.
    They stay with the state, at no cost in space, because Snakemake deletes the outputs of a job whose end
    it did not see (of one that went on when Snakemake was killed): such a job then ends at once.
    """
    job: TrainingJob = arguments["job"]
    with only_job(job.state):
        result = job.state / "result"
        if not _finished(result, job.fingerprint):
            attempts = job.state / ATTEMPTS
            if not CheckpointStore(job.state, job.fingerprint).has_own:
                attempts.unlink(missing_ok=True)
            note_attempt(attempts)
            with claimed_gpus(gpus, locks), atomic_folder(result) as partial:
                staged = {name: partial / name for name in outputs}
                launch(function, {**arguments, **staged}, gpus)
                shutil.copyfile(job.metrics, partial / "metrics")
                shutil.copyfile(attempts, partial / ATTEMPTS)
                (partial / "fingerprint").write_text(job.fingerprint)
                write_checksums(partial)
        else:
            logger.info("%s: finished before, nothing has changed since", result)
        CheckpointStore(job.state, job.fingerprint).remove()
        shutil.rmtree(job.state / "epochs", ignore_errors=True)
        for name, path in {**outputs, "metrics": job.metrics}.items():
            publish(result / name, path)


def _finished(result: Path, fingerprint: str) -> bool:
    """Whether the folder has the results of this fingerprint, whole."""
    file = result / "fingerprint"
    if not file.exists() or file.read_text() != fingerprint:
        return False
    try:
        check_checksums(result)
    except ValueError as error:
        logger.warning("%s", error)
        return False
    return True


def state_fingerprint(inputs: Iterable[str], params: Any, gpus: int) -> str:
    """Digest over a job's input files and parameters (settings, recipe, fingerprint of the code).

    inputs, params: `snakemake.input` and `snakemake.params`. gpus: processes of the job.
    A state made by other ones must not be used.
    """
    files = files_fingerprint(path for path in map(Path, inputs) if path.is_file())
    values = json.dumps({**dict(params.items()), "software": software()}, sort_keys=True, default=str)
    return hashlib.sha256(f"{files}\n{values}\n{gpus}".encode()).hexdigest()
