"""The plan of a configuration: its stages with what they cost, and what those that ran have taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lslo.experiment.experiment import Experiment
from lslo.planning.corpus_sizes import split_sizes
from lslo.planning.devices import Rates
from lslo.planning.job_list import Jobs
from lslo.planning.measured import measured
from lslo.planning.memory import Space
from lslo.planning.model_sizes import KNOWN_MODELS, ModelSizes
from lslo.planning.planned_job import PlannedJob, PlannedTraining
from lslo.planning.sentence_pairs import Work

# Rules in the order of the work, under the name of the stage that they belong to.
STAGES = {
    "downloads": (
        *("fetch_source", "extract_source", "convert_base_model", "fetch_hub_model"),
        "fetch_scoring_model",
    ),
    "corpus": ("make_corpus",),
    "weight learning": ("learn_weights",),
    "ISE, LSP": ("estimate_subspaces",),
    "fine-tuning": ("finetune",),
    "translation": ("translate", "gather_translations"),
    "Figure 3's translation": ("translate_epochs",),
    "scores": ("score", "score_epochs"),
    "tables, figures, report": (
        *("make_results_table", "make_setup_table", "make_figure", "claims"),
        *("describe_run", "report", "all"),
    ),
}


@dataclass(frozen=True)
class Totals:
    """Of some jobs. seconds: of one device, or of a core for what needs none. target_tokens: of trainings."""

    jobs: int
    pairs: float
    target_tokens: float
    flops: float
    seconds: float
    bytes: float

    @classmethod
    def of(cls, jobs: Sequence[PlannedJob]) -> Totals:
        return cls(
            len(jobs),
            sum(job.sums.pairs for job in jobs),
            sum(job.sums.target_tokens for job in jobs if job.metrics),
            sum(job.flops for job in jobs),
            sum(job.seconds for job in jobs),
            sum(job.bytes for job in jobs),
        )


@dataclass(frozen=True)
class Comparison:
    """What was planned for the jobs of a stage that are done, and what they took.

    memory: the most main memory of a job in bytes, None if none was seen. jobs: of the stage, done or not.
    """

    jobs: int
    planned: Totals
    jobs_done: int
    target_tokens: float
    seconds: float
    bytes: float
    memory: float | None


@dataclass(frozen=True)
class Plan:
    """Everything that is said of a configuration.

    sizes_source: where the base model's sizes are from. scoring_memory: bytes of main memory for a setting's
    scores.
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
        """Raises ValueError naming the key or file where something is not known or cannot be read."""
        model = experiment.model_folder
        there = (model / "config.json").is_file()
        sizes, source = _sizes(experiment, model, there)
        dev, devtest = (
            split_sizes(experiment, split, model if there else None) for split in ("dev", "devtest")
        )
        rates = Rates.of(experiment.config.plan, experiment.config.gpus)
        work = Work(experiment, dev, devtest)
        jobs = Jobs(work, sizes, rates)
        everything = jobs.all()
        return cls(
            experiment,
            sizes,
            source,
            (dev.source, devtest.source),
            (dev.rows, devtest.rows),
            rates,
            everything,
            list(jobs.trainings.values()),
            work.scoring_memory,
        )

    def stage(self, name: str) -> list[PlannedJob]:
        """The jobs of a stage."""
        return [job for job in self.jobs if job.rule in STAGES[name]]

    @property
    def stages(self) -> dict[str, Totals]:
        """Name -> totals of each stage that has jobs."""
        found = {name: Totals.of(self.stage(name)) for name in STAGES}
        return {name: totals for name, totals in found.items() if totals.jobs}

    @property
    def rules(self) -> dict[str, int]:
        """Jobs of each rule, as `snakemake --dry-run` counts them on an empty disk."""
        return dict(Counter(job.rule for job in self.jobs))

    @property
    def space(self) -> Space:
        """Memory and disk of its trainings."""
        return Space(self.experiment.config.training, self.sizes, self.rates, self.trainings)

    @property
    def device_jobs(self) -> list[PlannedJob]:
        """Those that occupy the device: on a core all, on a GPU not the scores, tables and report."""
        return [job for job in self.jobs if job.on_device or self.rates.on_core]

    @property
    def device_seconds(self) -> float:
        """Of one GPU, or of one core where there is none."""
        return sum(job.seconds for job in self.device_jobs)

    @property
    def other_seconds(self) -> float:
        """Of one core, the jobs that need no GPU where the others compute on one."""
        return sum(job.seconds for job in self.jobs) - self.device_seconds

    @property
    def longest_chain(self) -> float:
        """Seconds that no number of GPUs shortens: weight learning and what waits for it, or a baseline."""

        def longest(rule: str, setting: str = "") -> float:
            """setting: the name of its jobs, which the number of a shard may follow."""
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
        """(setting, seconds) of the training that takes longest on its GPUs."""
        gpus = max(1, self.experiment.config.gpus)
        seconds = {training.name: training.seconds / gpus for training in self.trainings}
        return max(seconds.items(), key=lambda item: item[1], default=("none", 0.0))

    @property
    def bytes_that_stay(self) -> float:
        """Of all that the jobs leave, downloads included."""
        return sum(job.bytes for job in self.jobs)

    def most_bytes(self, at_once: int) -> float:
        """On the disk at one time, at most, where so many trainings run at once: results and states."""
        return self.bytes_that_stay + self.space.most_states(at_once)

    def trainings_at_once(self, devices: int) -> int:
        """That so many GPUs or cores have room for, and the plan has."""
        trainings = sum(training.seeds for training in self.trainings)
        return min(devices // max(1, self.experiment.config.gpus), trainings)

    def wall_seconds(self, devices: int) -> float:
        """At least, on so many GPUs: their share of the work, or the longest chain of jobs."""
        return max(self.device_seconds / devices, self.longest_chain)

    def comparison(self) -> dict[str, Comparison]:
        """Stage -> what its finished jobs took, of the stages that have any."""
        found = {}
        for name in STAGES:
            jobs = self.stage(name)
            done = [(job, taken) for job in jobs if (taken := measured(job)) is not None]
            if not done:
                continue
            memory = [taken.memory for _, taken in done if taken.memory]
            found[name] = Comparison(
                jobs=len([job for job in jobs if job.benchmark]),
                planned=Totals.of([job for job, _ in done]),
                jobs_done=len(done),
                target_tokens=sum(taken.target_tokens or 0 for _, taken in done),
                seconds=sum(taken.seconds * job.devices for job, taken in done),
                bytes=sum(taken.bytes for _, taken in done),
                memory=max(memory, default=None),
            )
        return found

    def remaining_seconds(self) -> float | None:
        """Of devices, for what is not done yet, at the pace of what is; None where nothing is done."""
        done, left = [], []
        for job in self.device_jobs:
            taken = measured(job)
            (left if taken is None else done).append((job, taken))
        planned, took = {}, {}
        for job, taken in done:
            planned[job.rule] = planned.get(job.rule, 0.0) + job.seconds
            took[job.rule] = took.get(job.rule, 0.0) + taken.seconds * job.devices
        # Trainings and translations tell the pace of each other; the start of a small job, or a download,
        # tells nothing of them.
        telling = {job.rule for job, _ in done if job.on_device}
        if not telling:
            return None
        overall = sum(took[rule] for rule in telling) / sum(planned[rule] for rule in telling)

        def pace(job: PlannedJob) -> float:
            if planned.get(job.rule):
                return took[job.rule] / planned[job.rule]
            return overall if job.on_device else 1.0

        return sum(job.seconds * pace(job) for job, _ in left)


def _sizes(experiment: Experiment, model: Path, there: bool) -> tuple[ModelSizes, str]:
    if there:
        return ModelSizes.read(model / "config.json"), f"read from {model / 'config.json'}"
    base_model = experiment.config.base_model
    name = base_model.source or base_model.hub
    if name not in KNOWN_MODELS:
        raise ValueError(
            f"config key 'base_model': the sizes of {name} are not known before it is there; make it first: "
            f"`snakemake --cores 1 {model / 'config.json'}` with this configuration"
        )
    return KNOWN_MODELS[name], f"as {name} is known to be; the model is not there yet"
