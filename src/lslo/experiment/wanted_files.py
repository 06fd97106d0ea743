"""The files of an experiment's settings and records, as far as its configuration asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lslo.experiment.experiment import Experiment
from lslo.experiment.setting_notation import PRETRAIN, Setting


def setting_files(
    experiment: Experiment, settings: Iterable[str], path: Callable[[str, int], Path]
) -> dict[str, list[str]]:
    """Returns a file of each seed's run of each setting; the base model as it is has one run.

    Args:
        experiment: The experiment.
        settings: The settings.
        path: A method of `Paths` that returns the file by slug and seed, such as `experiment.paths.scores`.
    """
    return {
        text: [str(path(Setting.parse(text).slug, seed)) for seed in experiment.seeds(text)]
        for text in settings
    }


def parameter_files(experiment: Experiment, settings: Iterable[str]) -> dict[str, str]:
    """Returns `parameters.json` of each trained setting.

    It is the same for every seed but for the few weights that happen to be zero, so the first seed's stands
    for all.
    """
    trained = [text for text in settings if text != PRETRAIN]
    files = setting_files(experiment, trained, experiment.paths.parameters)
    return {text: paths[0] for text, paths in files.items()}


def record_files(experiment: Experiment) -> Iterator[Path]:
    """Yields the records of how each wanted result came about, in the order in which results are made."""
    config, paths = experiment.config, experiment.paths
    yield paths.corpus_record
    if experiment.weights_are_learned:
        yield paths.weight_learning("record.json")
    yield from (paths.subspaces("_record.json", analysis) for analysis in experiment.analyses)
    translations = [f"translate{shard}" for shard in range(config.translation.shards)]
    for text in experiment.scored_settings:
        training = [] if text == PRETRAIN else ["finetune"]
        yield from _setting_records(experiment, text, [*training, *translations, "score"])
    for text in experiment.followed_settings:
        yield from _setting_records(experiment, text, ["translate_epochs", "score_epochs"])
    yield from (paths.table_record(name) for name in config.tables)
    yield from (paths.figure_record(number) for number in experiment.figures)
    if config.claims:
        yield paths.claims_record


def _setting_records(experiment: Experiment, setting: str, stages: Iterable[str]) -> Iterator[Path]:
    slug = Setting.parse(setting).slug
    for stage in stages:
        for seed in experiment.seeds(setting):
            yield experiment.paths.record(stage, slug, seed)
