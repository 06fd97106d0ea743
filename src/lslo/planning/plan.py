"""The plan of a configuration: its jobs, with what they cost on a device and on the disk."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lslo.base_model.file_names import MODEL_CONFIG
from lslo.experiment.experiment import Experiment
from lslo.planning.corpus_sizes import split_sizes
from lslo.planning.devices import Rates, machine_cores
from lslo.planning.job_list import JobList
from lslo.planning.memory import TrainingFootprint, scoring_memory_bytes
from lslo.planning.model_sizes import KNOWN_MODELS, ModelSizes
from lslo.planning.planned_and_actual import PlannedAndActual, remaining_seconds
from lslo.planning.planned_job import PlannedJob
from lslo.planning.planned_training import PlannedTraining, TrainingPlanner
from lslo.planning.sentence_pairs import SentencePairs
from lslo.planning.stages import STAGES, JobTotals

# Numbers of devices that reports give times for, beside the GPUs of a training and the cores of this machine.
GPUS = (1, 4, 8)
CORES = (1, 2, 4, 8)


@dataclass(frozen=True)
class Plan:
    """The plan of an experiment: its jobs and trainings, and what their costs are based on.

    Attributes:
        experiment: The experiment.
        sizes: The sizes of the base model.
        sizes_source: The origin of the base model's sizes, in words.
        corpus_sources: The origins of the sentence lengths of `dev` and `devtest`, in words.
        rows: Sentences of each language in `dev` and `devtest`.
        rates: The device and its speed.
        jobs: All jobs, in the order in which they run.
        trainings: All trainings, in the order in which they run.
        scoring_memory: Main memory that the scores of a setting need, in bytes.
    """

    experiment: Experiment
    sizes: ModelSizes
    sizes_source: str
    corpus_sources: tuple[str, str]
    rows: tuple[int, int]
    rates: Rates
    jobs: list[PlannedJob]
    trainings: list[PlannedTraining]
    scoring_memory: float

    @classmethod
    def of(cls, experiment: Experiment) -> Plan:
        """Returns the plan of an experiment; nothing needs to be downloaded.

        Raises:
            ValueError: A size is not known, or a file cannot be read; the message names the key or file.
        """
        model = experiment.model_folder
        exists = (model / MODEL_CONFIG).is_file()
        sizes, source = _sizes(experiment, model, exists)
        dev, devtest = (
            split_sizes(experiment, split, model if exists else None) for split in ("dev", "devtest")
        )
        rates = Rates.of(experiment.config.plan, experiment.config.gpus)
        pairs = SentencePairs(experiment, dev, devtest)
        trainings = TrainingPlanner(pairs, sizes, rates).trainings()
        return cls(
            experiment,
            sizes,
            source,
            (dev.source, devtest.source),
            (dev.rows, devtest.rows),
            rates,
            JobList(pairs, sizes, rates, trainings).jobs(),
            list(trainings.values()),
            scoring_memory_bytes(pairs),
        )

    # Jobs.

    def jobs_of(self, stage: str) -> list[PlannedJob]:
        """Returns the jobs of a stage."""
        return [job for job in self.jobs if job.rule in STAGES[stage]]

    @property
    def stages(self) -> dict[str, JobTotals]:
        """The planned totals of each stage that has jobs, by the stage's name."""
        found = {stage: JobTotals.of(self.jobs_of(stage)) for stage in STAGES}
        return {stage: totals for stage, totals in found.items() if totals.jobs}

    @property
    def rules(self) -> dict[str, int]:
        """The number of jobs of each rule, as `snakemake --dry-run` counts them on an empty disk."""
        return dict(Counter(job.rule for job in self.jobs))

    @property
    def device_jobs(self) -> list[PlannedJob]:
        """The jobs that occupy the device: on a core all jobs, on a GPU trainings and translations."""
        return [job for job in self.jobs if job.on_device or self.rates.on_core]

    # Time.

    @property
    def device_seconds(self) -> float:
        """The time that all jobs take on one GPU, or on one core if the experiment has no GPU."""
        return sum(job.seconds for job in self.device_jobs)

    @property
    def other_seconds(self) -> float:
        """The time on one core of the jobs that need no GPU; 0 if all jobs compute on cores."""
        return sum(job.seconds for job in self.jobs) - self.device_seconds

    @property
    def longest_chain(self) -> float:
        """The seconds of the longest chain of jobs that wait for each other, which no more GPUs shorten.

        A chain is weight learning with an analysis, or (with weight learning, for the index strategy `WL`)
        fine-tuning with the translation and scores of one setting.
        """

        def longest(rule: str, setting: str = "") -> float:
            """Returns the seconds of the longest job of a rule.

            Args:
                rule: The name of the rule.
                setting: The name of a setting's jobs, which the number of a shard may follow; all if empty.
            """
            return max(
                (
                    job.seconds / job.devices
                    for job in self.jobs
                    if job.rule == rule and (not setting or f"{job.name}-".startswith(f"{setting}-"))
                ),
                default=0.0,
            )

        learning = longest("learn_weights")
        chains = [learning + longest("estimate_subspaces")]
        for setting in (job.name for job in self.jobs if job.rule == "score"):
            translation = longest("translate", setting) + longest("score", setting)
            followed = longest("translate_epochs", setting) + longest("score_epochs", setting)
            waits = learning if "_WL" in setting else 0.0
            chains.append(waits + longest("finetune", setting) + max(translation, followed))
        return max(chains)

    @property
    def longest_training(self) -> tuple[str, float]:
        """The name of the training that takes longest, and its seconds on the GPUs that it computes on."""
        gpus = max(1, self.experiment.config.gpus)
        seconds = {training.name: training.seconds / gpus for training in self.trainings}
        return max(seconds.items(), key=lambda item: item[1], default=("none", 0.0))

    def device_numbers(self) -> list[int]:
        """Returns the numbers of GPUs or cores that reports give times for, none below a training's GPUs."""
        least = max(1, self.experiment.config.gpus)
        usual = {*CORES, machine_cores()} if self.rates.on_core else GPUS
        return sorted({least, *(number for number in usual if number > least)})

    def wall_seconds(self, devices: int) -> float:
        """Returns the least time that the run takes on a number of GPUs or cores.

        That is the time of all jobs shared out evenly, or the longest chain of jobs if it takes longer.
        """
        return max(self.device_seconds / devices, self.longest_chain)

    def trainings_at_once(self, devices: int) -> int:
        """Returns how many of the plan's trainings can run at once on a number of GPUs or cores."""
        trainings = sum(training.seeds for training in self.trainings)
        return min(devices // max(1, self.experiment.config.gpus), trainings)

    # Memory and disk.

    @property
    def footprint(self) -> TrainingFootprint:
        """The memory of the plan's trainings, and their states on the disk."""
        return TrainingFootprint(self.experiment.config.training, self.sizes, self.rates, self.trainings)

    @property
    def kept_bytes(self) -> float:
        """The size of everything that the jobs leave on the disk, downloads included."""
        return sum(job.bytes for job in self.jobs)

    def peak_bytes(self, at_once: int) -> float:
        """Returns the most disk space at any time, if `at_once` trainings run at once: results and states."""
        return self.kept_bytes + self.footprint.largest_state_bytes(at_once)

    # Finished jobs.

    def planned_and_actual(self) -> dict[str, PlannedAndActual]:
        """Returns planned and actual of each stage that has finished jobs, by the stage's name."""
        found = {stage: PlannedAndActual.of(self.jobs_of(stage)) for stage in STAGES}
        return {stage: values for stage, values in found.items() if values}

    def remaining_seconds(self) -> float | None:
        """Returns the time that the unfinished jobs will take on one device; None if no pace is known."""
        return remaining_seconds(self.device_jobs)


def _sizes(experiment: Experiment, model: Path, exists: bool) -> tuple[ModelSizes, str]:
    if exists:
        return ModelSizes.read(model / MODEL_CONFIG), f"read from {model / MODEL_CONFIG}"
    base_model = experiment.config.base_model
    name = base_model.source or base_model.hub
    if name not in KNOWN_MODELS:
        raise ValueError(
            f"config key 'base_model': the sizes of {name} are not known before the model is on the disk; "
            f"make it first: `snakemake --cores 1 {model / MODEL_CONFIG}` with this configuration"
        )
    return KNOWN_MODELS[name], f"the known sizes of {name}, which is not on the disk yet"
