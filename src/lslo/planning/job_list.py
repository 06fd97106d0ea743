"""Every job of a run from nothing to its report: what it reads, computes and leaves on the disk.

The jobs are those of rules/*.smk; `tests/unit/planning/` has a dry run beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lslo.corpus.plain_text import SPLITS
from lslo.experiment.config import Config
from lslo.experiment.experiment import Experiment
from lslo.experiment.paths import Paths
from lslo.experiment.settings import Setting
from lslo.planning.devices import Rates
from lslo.planning.flops import LsloShape, full_training_flops, lslo_training_flops, translation_flops
from lslo.planning.model_sizes import FLOAT32, ModelSizes
from lslo.planning.planned_job import START, PlannedJob, PlannedTraining
from lslo.planning.sentence_pairs import Work
from lslo.planning.token_counts import PairSums, pair_sums

# Seconds, measured with the demo's model on one core: a job that trains or translates imports PyTorch and
# loads the model, the others import less. Downloads are not reckoned with: a network decides them.
START_WITH_MODEL = 4.5
DRAWING = 1.7
# Sentences that a core scores in a second (spBLEU and chrF++).
SCORED_A_SECOND = 1500
# statistics.npz: ten counts a sentence, compressed.
STATISTICS_BYTES = 5
# A row of scores.csv.
SCORES_BYTES = 170
# Of an archive of fairseq's: weights in float16 and Adam's two moments in float32.
ARCHIVE_BYTES_A_PARAMETER = 10


@dataclass(frozen=True)
class Jobs:
    """The jobs of an experiment.

    sizes: of the base model. trainings: filled by `all`.
    """

    work: Work
    sizes: ModelSizes
    rates: Rates
    trainings: dict[str, PlannedTraining] = field(default_factory=dict)

    @property
    def _experiment(self) -> Experiment:
        return self.work.experiment

    @property
    def _config(self) -> Config:
        return self.work.experiment.config

    @property
    def _paths(self) -> Paths:
        return self.work.experiment.paths

    def all(self) -> list[PlannedJob]:
        """In the order in which they run."""
        return [
            *self._downloads(),
            self._job(
                "make_corpus",
                "",
                outputs=[self._paths.corpus / split for split in SPLITS],
                bytes=self.work.dev.bytes + self.work.devtest.bytes,
            ),
            *self._architecture(),
            *(
                job
                for text in self._experiment.scored_settings
                for seed in self._experiment.seeds(text)
                for job in self._setting(text, seed)
            ),
            *self._report(),
        ]

    def _job(self, rule: str, name: str, *, shared: bool = False, **values) -> PlannedJob:
        file = self._paths.shared_benchmark(rule, name) if shared else self._paths.benchmark(rule, name)
        values["outputs"] = tuple(values.get("outputs", ()))
        return PlannedJob(rule, name, file, **values)

    # Jobs of each part of the workflow.

    def _downloads(self) -> Iterator[PlannedJob]:
        config, sources, paths = self._config, self._experiment.sources, self._paths
        text, model = config.corpus.source, config.base_model.source
        flores101 = config.scoring.tokenizer == "flores101"
        weights = self.sizes.model_bytes(2)
        expected = {
            text: self.work.dev.bytes + self.work.devtest.bytes,
            model: ARCHIVE_BYTES_A_PARAMETER * self.sizes.parameters,
        }
        for name in dict.fromkeys([text, model, "flores101_spm" if flores101 else None]):
            if name is None:
                continue
            source = sources[name]
            size = source.size if source.size is not None else expected.get(name, 0)
            file = paths.download(source.file)
            yield self._job("fetch_source", source.file, shared=True, outputs=[file], bytes=size)
        for name in dict.fromkeys(filter(None, [text, model])):
            folder = paths.extracted(name)
            yield self._job("extract_source", name, shared=True, outputs=[folder], bytes=expected[name])
        if model:
            folder = paths.converted_model(model)
            yield self._job("convert_base_model", model, shared=True, outputs=[folder], bytes=weights)
        if config.base_model.hub:
            name = config.base_model.hub
            yield self._job(
                "fetch_hub_model",
                name.replace("/", "-"),
                shared=True,
                outputs=[paths.hub_model(name)],
                # Those that are known are stored in float32.
                bytes=self.sizes.model_bytes(FLOAT32),
            )
        if flores101:
            yield self._job("fetch_scoring_model", "", shared=True)

    def _architecture(self) -> Iterator[PlannedJob]:
        experiment, config, paths = self._experiment, self._config, self._paths
        if experiment.weights_are_learned:
            languages, rank = experiment.strategy_languages, config.weight_learning.rank
            # Two LSLo modules a matrix; two weights a layer.
            trained = 2 * self.sizes.adapter_parameters(dict.fromkeys(languages, rank))
            trained += 2 * (self.sizes.encoder_layers + self.sizes.decoder_layers)
            yield self._training(
                "learn_weights",
                "",
                "weight learning",
                pair_sums(self.work.dev.of(languages)),
                LsloShape(rank, copies=2),
                trained=trained,
                kept=0.0,
                metrics=paths.weight_learning("metrics.jsonl"),
                outputs=[paths.weight_learning("")],
            )
        for name in experiment.analyses:
            rank = config.subspaces.rank
            yield self._training(
                "estimate_subspaces",
                name,
                name.upper(),
                pair_sums(self.work.dev.lengths),
                LsloShape(rank),
                trained=self.sizes.adapter_parameters(dict.fromkeys(experiment.codes, rank)),
                kept=0.0,
                metrics=paths.subspaces("_metrics.jsonl", name),
                outputs=[paths.subspaces(".csv", name)],
            )

    def _training(
        self,
        rule: str,
        name: str,
        title: str,
        sums: PairSums,
        shape: LsloShape | None,
        *,
        trained: int,
        kept: float,
        metrics: Path,
        outputs: list[Path],
        copies: int = 1,
    ) -> PlannedJob:
        """shape: None for full fine-tuning. kept: bytes of the adapter or model, kept so many copies of."""
        sums = sums * self._config.training.epochs
        flops = (
            lslo_training_flops(self.sizes, sums, shape) if shape else full_training_flops(self.sizes, sums)
        )
        gpus = max(1, self._config.gpus)
        seconds = self.rates.training_seconds("lslo" if shape else "full", flops, sums.target_tokens)
        seeds = self.trainings[title].seeds + 1 if title in self.trainings else 1
        self.trainings[title] = PlannedTraining(title, trained, kept, flops, seconds, seeds)
        return self._job(
            rule,
            name,
            outputs=outputs,
            metrics=metrics,
            sums=sums,
            flops=flops,
            seconds=START_WITH_MODEL + seconds,
            bytes=kept * copies,
            on_device=True,
            devices=gpus,
        )

    def _setting(self, text: str, seed: int) -> Iterator[PlannedJob]:
        """Fine-tuning, translation and scores of a setting."""
        setting = Setting.parse(text)
        folder = self._paths.setting("", setting.slug, seed)
        name = f"{setting.slug}-seed{seed}"
        shape = None
        ranks = {}
        if setting.kind == "lslo":
            classes = self.work.experiment.resource_classes
            rank_of_class = setting.rank_of_class(set(classes.values()))
            ranks = {code: rank_of_class[group] for code, group in classes.items()}
            shape = LsloShape(sum(ranks.values()) / len(ranks), setting.modules)
        epochs = self._config.training.epochs - 1
        if setting.kind != "pretrain":
            yield self._training(
                "finetune",
                name,
                text,
                pair_sums(self.work.dev.lengths),
                shape,
                trained=(
                    self.sizes.adapter_parameters(ranks, setting.modules) if ranks else self.sizes.parameters
                ),
                kept=(
                    self.sizes.adapter_bytes(ranks, setting.modules)
                    if ranks
                    else self.sizes.model_bytes(FLOAT32)
                ),
                metrics=folder / "metrics.jsonl",
                outputs=[folder / "adapter", folder / "epochs"],
                copies=1 + epochs * (text in self._config.figure3),
            )
        beam, shards = self._config.translation.beam, self._config.translation.shards
        part = self.work.every_direction * (1 / shards)
        flops = translation_flops(self.sizes, part, beam, shape)
        for shard in range(shards):
            yield self._job(
                "translate",
                f"{name}-{shard}",
                sums=part,
                flops=flops,
                seconds=START_WITH_MODEL + self.rates.translation_seconds(flops, part.pairs),
                on_device=True,
            )
        sentences = self.work.every_direction.pairs
        yield self._job(
            "gather_translations",
            name,
            seconds=0.0,
            outputs=[folder / "hypotheses"],
            bytes=sentences * self.work.bytes_of_a_sentence,
        )
        yield self._job(
            "score",
            name,
            seconds=START + sentences / SCORED_A_SECOND,
            outputs=[folder / "statistics.npz", folder / "scores.csv"],
            bytes=STATISTICS_BYTES * sentences + SCORES_BYTES * len(self.work.experiment.directions),
        )
        if text in self._experiment.followed_settings:
            sums = self.work.figure_directions * epochs
            flops = translation_flops(self.sizes, sums, beam, shape)
            yield self._job(
                "translate_epochs",
                name,
                sums=sums,
                flops=flops,
                seconds=START_WITH_MODEL + epochs * START + self.rates.translation_seconds(flops, sums.pairs),
                outputs=[folder / "epoch_hypotheses"],
                bytes=sums.pairs * self.work.bytes_of_a_sentence,
                on_device=True,
            )
            yield self._job("score_epochs", name, seconds=START + sums.pairs / SCORED_A_SECOND)

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
