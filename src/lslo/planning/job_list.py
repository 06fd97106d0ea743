"""The list of all jobs of a run, from the downloads to the report.

The jobs are those of rules/*.smk; `tests/workflow/test_planned_jobs.py` compares them with a dry run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lslo.corpus.plain_text import SPLITS
from lslo.experiment.config import Config
from lslo.experiment.experiment import Experiment
from lslo.experiment.paths import SETTING_JOB, Paths
from lslo.experiment.setting_notation import PRETRAIN, Setting
from lslo.planning.devices import Rates
from lslo.planning.download_jobs import download_jobs
from lslo.planning.flops import LsloShape, translation_flops
from lslo.planning.model_sizes import ModelSizes
from lslo.planning.planned_job import START, START_WITH_MODEL, PlannedJob
from lslo.planning.planned_training import WEIGHT_LEARNING, PlannedTraining, analysis_name, lslo_shape
from lslo.planning.sentence_pairs import SentencePairs
from lslo.planning.token_counts import PairSums

# Seconds that a figure, the claims and the report take each, measured on one core.
DRAWING = 1.7
# Sentences that one core scores in a second (spBLEU and chrF++).
SCORED_PER_SECOND = 1500
# Bytes per sentence of statistics.npz: ten counts, compressed.
STATISTICS_BYTES = 5
# Bytes of a row of scores.csv.
SCORES_BYTES = 170


@dataclass(frozen=True)
class SettingRun:
    """A run of a setting with one seed.

    Attributes:
        text: The setting in the paper's notation.
        slug: The setting as the name of a folder.
        seed: The seed.
        shape: The shape of the LSLo modules; None for Ft-all and the base model as it is.
    """

    text: str
    slug: str
    seed: int
    shape: LsloShape | None

    @property
    def name(self) -> str:
        """The name of the run's jobs."""
        return SETTING_JOB.format(setting=self.slug, seed=self.seed)


@dataclass(frozen=True)
class JobList:
    """The jobs of an experiment, with what each computes and leaves on the disk.

    Attributes:
        pairs: The sentence pairs of the experiment.
        sizes: The sizes of the base model.
        rates: The speed of the device.
        trainings: The trainings of the experiment by name.
    """

    pairs: SentencePairs
    sizes: ModelSizes
    rates: Rates
    trainings: Mapping[str, PlannedTraining]

    @property
    def _experiment(self) -> Experiment:
        return self.pairs.experiment

    @property
    def _config(self) -> Config:
        return self._experiment.config

    @property
    def _paths(self) -> Paths:
        return self._experiment.paths

    def jobs(self) -> list[PlannedJob]:
        """Returns all jobs, in the order in which they run."""
        text_bytes = self.pairs.dev.bytes + self.pairs.devtest.bytes
        corpus = [self._paths.corpus / split for split in SPLITS]
        return [
            *download_jobs(self._experiment, self.sizes, text_bytes),
            self._job("make_corpus", "", outputs=corpus, bytes=text_bytes),
            *self._architecture(),
            *(
                job
                for text in self._experiment.scored_settings
                for seed in self._experiment.seeds(text)
                for job in self._setting(text, seed)
            ),
            *self._report(),
        ]

    def _job(self, rule: str, name: str, **values) -> PlannedJob:
        values["outputs"] = tuple(values.get("outputs", ()))
        return PlannedJob(rule, name, self._paths.benchmark(rule, name), **values)

    # Weight learning, ISE and LSP.

    def _architecture(self) -> Iterator[PlannedJob]:
        paths = self._paths
        if self._experiment.weights_are_learned:
            yield self._training(
                "learn_weights",
                "",
                self.trainings[WEIGHT_LEARNING],
                metrics=paths.weight_learning("metrics.jsonl"),
                outputs=[paths.weight_learning("")],
            )
        for analysis in self._experiment.analyses:
            yield self._training(
                "estimate_subspaces",
                analysis,
                self.trainings[analysis_name(analysis)],
                metrics=paths.subspaces("_metrics.jsonl", analysis),
                outputs=[paths.subspaces(".csv", analysis)],
            )

    def _training(
        self,
        rule: str,
        name: str,
        training: PlannedTraining,
        *,
        metrics: Path,
        outputs: list[Path],
        copies: int = 1,
    ) -> PlannedJob:
        """Returns the job of a training with one seed.

        Args:
            rule: The name of the Snakemake rule.
            name: The name of the job among the jobs of its rule.
            training: The plan of the training.
            metrics: The `metrics.jsonl` that the job writes.
            outputs: The files and folders that the job leaves.
            copies: How many adapters or models the job leaves.
        """
        return self._job(
            rule,
            name,
            outputs=outputs,
            metrics=metrics,
            sums=training.sums,
            flops=training.flops,
            seconds=START_WITH_MODEL + training.seconds,
            bytes=training.bytes * copies,
            on_device=True,
            devices=max(1, self._config.gpus),
        )

    # Fine-tuning, translation and scores of a setting.

    def _setting(self, text: str, seed: int) -> Iterator[PlannedJob]:
        setting = Setting.parse(text)
        run = SettingRun(text, setting.slug, seed, lslo_shape(self._experiment, setting))
        if text != PRETRAIN:
            yield self._finetuning(run)
        yield from self._translation(run)
        yield self._scores(run)
        if text in self._experiment.followed_settings:
            yield from self._followed_epochs(run)

    @property
    def _epochs_before_last(self) -> int:
        """The number of epochs that Figure 3 follows; the last epoch is that of the result itself."""
        return self._config.training.epochs - 1

    def _finetuning(self, run: SettingRun) -> PlannedJob:
        paths = self._paths
        return self._training(
            "finetune",
            run.name,
            self.trainings[run.text],
            metrics=paths.metrics(run.slug, run.seed),
            outputs=[paths.adapter(run.slug, run.seed), paths.epochs(run.slug, run.seed)],
            copies=1 + self._epochs_before_last * (run.text in self._experiment.followed_settings),
        )

    def _translation(self, run: SettingRun) -> Iterator[PlannedJob]:
        shards = self._config.translation.shards
        sums = self.pairs.translation_sums * (1 / shards)
        flops = self._translation_flops(run, sums)
        seconds = START_WITH_MODEL + self.rates.translation_seconds(flops, sums.pairs)
        for shard in range(shards):
            name = f"{run.name}-{shard}"
            yield self._job("translate", name, sums=sums, flops=flops, seconds=seconds, on_device=True)
        yield self._job(
            "gather_translations",
            run.name,
            seconds=0.0,
            outputs=[self._paths.hypotheses(run.slug, run.seed)],
            bytes=self.pairs.translation_sums.pairs * self.pairs.bytes_per_translation,
        )

    def _scores(self, run: SettingRun) -> PlannedJob:
        paths = self._paths
        sentences = self.pairs.translation_sums.pairs
        return self._job(
            "score",
            run.name,
            seconds=START + sentences / SCORED_PER_SECOND,
            outputs=[paths.statistics(run.slug, run.seed), paths.scores(run.slug, run.seed)],
            bytes=STATISTICS_BYTES * sentences + SCORES_BYTES * len(self._experiment.directions),
        )

    def _followed_epochs(self, run: SettingRun) -> Iterator[PlannedJob]:
        """Yields the translation and scores of Figure 3, after each epoch but the last."""
        epochs = self._epochs_before_last
        sums = self.pairs.figure3_sums * epochs
        flops = self._translation_flops(run, sums)
        seconds = START_WITH_MODEL + epochs * START + self.rates.translation_seconds(flops, sums.pairs)
        yield self._job(
            "translate_epochs",
            run.name,
            sums=sums,
            flops=flops,
            seconds=seconds,
            outputs=[self._paths.epoch_hypotheses(run.slug, run.seed)],
            bytes=sums.pairs * self.pairs.bytes_per_translation,
            on_device=True,
        )
        yield self._job("score_epochs", run.name, seconds=START + sums.pairs / SCORED_PER_SECOND)

    def _translation_flops(self, run: SettingRun, sums: PairSums) -> float:
        return translation_flops(self.sizes, sums, self._config.translation.beam, run.shape)

    # Tables, figures, report.

    def _report(self) -> Iterator[PlannedJob]:
        for name in self._config.tables:
            yield self._table("make_results_table", name)
        for name in self._experiment.setup_tables:
            yield self._table("make_setup_table", name)
        for number in self._experiment.figures:
            yield self._job("make_figure", str(number), seconds=DRAWING)
        if self._config.claims:
            yield self._job("claims", "", seconds=DRAWING)
        yield self._job("describe_run", "")
        yield self._job("report", "", seconds=DRAWING)
        yield PlannedJob("all", "", None, seconds=0.0)

    def _table(self, rule: str, name: str) -> PlannedJob:
        # The benchmarks of both rules for tables lie in one folder.
        return PlannedJob(rule, name, self._paths.benchmark("make_table", name.removeprefix("table")))
