"""The jobs of the three training stages: data, base model and state, and running one to published results."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO, TypeVar

import torch
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.base_model.loading import load_base_model
from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.plain_text import read_split
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.experiment.hyperparameters import Recipe
from lslo.experiment.languages import all_directions
from lslo.experiment.provenance import ATTEMPTS, note_attempt, software
from lslo.files.atomic import atomic_folder, publish
from lslo.files.checksums import check_checksums, files_fingerprint, text_sha256, write_checksums
from lslo.files.locks import only_job
from lslo.running.gpus import claimed_gpus
from lslo.running.launch import launch
from lslo.running.process_group import ProcessGroup
from lslo.training.batches import TrainingExamples
from lslo.training.checkpoints import CheckpointStore
from lslo.training.pruning import GradualPruner
from lslo.training.trainer import Trainer, TrainingRecords

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingJob:
    """The inputs, the hyperparameters and the state of a training.

    Attributes:
        base_model: The folder of the base model.
        corpus: The folder of one split of the corpus, with a file `{language}.txt` for each language.
        resource_classes: The class of each language, in the experiment's order.
        codes: The base model's code of each language.
        recipe: The hyperparameters.
        metrics: The file that gets a JSON line for each update.
        state: The folder of the training state.
        fingerprint: A hexadecimal digest of everything that determines the state.
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
        """The codes of the languages, in the experiment's order."""
        return list(self.resource_classes)

    @property
    def checkpoints(self) -> CheckpointStore:
        """The saved states of this training."""
        return CheckpointStore(self.state, self.fingerprint)

    @property
    def epochs_folder(self) -> Path:
        """The folder of the adapters of single epochs, beside the state: a continued job needs both."""
        return self.state / "epochs"

    def load_frozen_model(self) -> M2M100ForConditionalGeneration:
        """Loads the base model as LSLo needs it: frozen, in the recipe's precision."""
        model = load_base_model(self.base_model, getattr(torch, self.recipe.precision))
        return model.requires_grad_(False)

    def load_corpus(self) -> TokenizedCorpus:
        """Reads and tokenises the sentences of all languages."""
        tokenizer = Tokenizer(self.base_model, self.codes)
        return TokenizedCorpus.of(read_split(self.corpus, self.languages), tokenizer)

    def train(
        self,
        model: M2M100ForConditionalGeneration,
        *,
        router: Router | None = None,
        pruners: Sequence[GradualPruner] = (),
        name: str | None = None,
        save_epoch: Callable[[Path], None] | None = None,
        progress: TextIO | None = None,
    ) -> ProcessGroup:
        """Trains a model in place, on every sentence pair of every direction.

        Every process of a job calls this with the same model.

        Args:
            model: The model; its parameters that require a gradient are trained.
            router: The router of its LSLo modules; None without them.
            pruners: The pruners of its matrices.
            name: The training's name in the log line with the number of sentence pairs; None for no line.
            save_epoch: Writes the model as it is into a folder. Called in the first process after each epoch
                but the last, with `epochs_folder/epoch{n}`.
            progress: The terminal on which to draw a progress bar.

        Returns:
            The processes that trained together, of which the first one writes the results.
        """
        process_group = ProcessGroup.join()
        model.to(process_group.device)
        for pruner in pruners:
            pruner.to(process_group.device)
        if process_group.leads and save_epoch:
            self._prepare_epochs_folder()
        corpus = self.load_corpus()
        examples = corpus.examples(all_directions(self.languages))
        if process_group.leads and name:
            logger.info("%s: %d sentence pairs an epoch", name, len(examples))

        def after_epoch(epoch: int) -> None:
            if save_epoch and epoch < self.recipe.epochs:
                save_epoch(self.epochs_folder / f"epoch{epoch}")

        Trainer(
            model,
            TrainingExamples.fixed(corpus, examples),
            self.recipe,
            router=router,
            pruners=pruners,
            records=TrainingRecords(self.metrics, self.checkpoints, after_epoch, progress),
            process_group=process_group,
        ).run()
        return process_group

    def _prepare_epochs_folder(self) -> None:
        """Makes the folder of kept epochs, and empties it where training begins anew."""
        if self.checkpoints.load() is None:
            shutil.rmtree(self.epochs_folder, ignore_errors=True)
        self.epochs_folder.mkdir(parents=True, exist_ok=True)


Outputs = TypeVar("Outputs", contravariant=True)


class Training(Protocol[Outputs]):
    """A training that `run_training` can run: WeightLearning, SubspaceEstimation or FineTuning."""

    @property
    def job(self) -> TrainingJob:
        """The inputs, the hyperparameters and the state."""

    def train(self, outputs: Outputs, progress: TextIO | None = None) -> None:
        """Trains, and writes the results.

        Args:
            outputs: A dataclass of the files and folders that the results are written to.
            progress: The terminal on which to draw a progress bar.
        """


def run_training(
    training: Training[Outputs], outputs: Outputs, gpus: int, locks: Path, progress: TextIO | None = None
) -> None:
    """Runs a training on GPUs of its own, alone with its state, and publishes its results.

    The results are made below the job's state and then linked to their final paths, where they appear
    complete. The copies beside the state take no space, since they are hard links. They are kept for a job
    that goes on after Snakemake was killed: Snakemake does not see such a job end, and later deletes its
    outputs. When the job is started again, it publishes the kept results and ends at once.

    Args:
        training: The training.
        outputs: The files and folders that get the results.
        gpus: The number of processes, each on a GPU of its own; 0 computes on the CPU.
        locks: The folder of GPU locks.
        progress: The terminal on which to draw a progress bar.
    """
    job = training.job
    with only_job(job.state):
        result = job.state / "result"
        if not _finished(result, job.fingerprint):
            attempts = job.state / ATTEMPTS
            if not job.checkpoints.has_own:
                attempts.unlink(missing_ok=True)
            note_attempt(attempts)
            with claimed_gpus(gpus, locks), atomic_folder(result) as partial:
                staged = type(outputs)(**{name: partial / name for name in vars(outputs)})
                launch(training.train, {"outputs": staged, "progress": progress}, gpus)
                shutil.copyfile(job.metrics, partial / "metrics")
                shutil.copyfile(attempts, partial / ATTEMPTS)
                (partial / "fingerprint").write_text(job.fingerprint)
                write_checksums(partial)
        else:
            logger.info("%s: finished before, nothing has changed since", result)
        job.checkpoints.remove()
        shutil.rmtree(job.epochs_folder, ignore_errors=True)
        for name, path in {**vars(outputs), "metrics": job.metrics}.items():
            publish(result / name, path)


def _finished(result: Path, fingerprint: str) -> bool:
    """Returns whether the folder has the complete results of this fingerprint."""
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
    """Returns a digest over a job's input files and parameters, hexadecimal.

    A state with another digest must not be used.

    Args:
        inputs: `snakemake.input`.
        params: `snakemake.params`: settings, recipe, fingerprint of the code.
        gpus: The number of processes of the job.
    """
    files = files_fingerprint(path for path in map(Path, inputs) if path.is_file())
    values = json.dumps({**dict(params.items()), "software": software()}, sort_keys=True, default=str)
    return text_sha256(f"{files}\n{values}\n{gpus}")
