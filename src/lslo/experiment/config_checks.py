"""Checks of what keys of a configuration ask of each other and of files, when the workflow starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lslo.base_model.file_names import MODEL_CONFIG, MODEL_WEIGHTS, SENTENCEPIECE_MODEL
from lslo.experiment.config_errors import ConfigError
from lslo.experiment.config_reading import read_config
from lslo.experiment.config_text_and_model import HUB_ID, UpdateRecipe
from lslo.experiment.setting_notation import PRETRAIN, Setting, SettingError

if TYPE_CHECKING:
    from lslo.experiment.experiment import Experiment


def problems(experiment: Experiment) -> Iterator[str]:
    """Yields everything that is wrong with a configuration, each problem in a sentence that names its key.

    Sections that nothing uses are not looked at: the schedule of pruning where nothing is pruned, the recipe
    of the demo's base model before that is asked for (`pretraining_problems`).

    Raises:
        OSError: A path of the configuration cannot be used.
    """
    for check in (_strategy_languages, _settings, _schedules, _classes, _kinds):
        yield from check(experiment)
    try:
        for check in (_sources, _text, _model):
            yield from check(experiment)
    except ConfigError as error:
        yield str(error)


def pretraining_problems(experiment: Experiment) -> Iterator[str]:
    """Yields what keeps the demo's base model from being pretrained (`snakemake base_model`)."""
    try:
        pretraining = read_config(experiment.values, needed=["pretraining"]).pretraining
    except ConfigError as error:
        yield str(error)
        return
    if pretraining is None or experiment.config.corpus.embedded is None:
        yield "the configuration needs `pretraining` and `corpus.embedded` for it"
        return
    yield from _whole_batches("pretraining", pretraining)
    yield from _classes_without_number(
        experiment, "pretraining.language_weights", pretraining.language_weights
    )
    if pretraining.dimension % pretraining.heads:
        yield "config key 'pretraining.dimension': must be a multiple of heads"


def _strategy_languages(experiment: Experiment) -> Iterator[str]:
    for code in experiment.strategy_languages if experiment.weights_are_learned else ():
        if code not in experiment.resource_classes:
            yield f"config key 'weight_learning.languages': '{code}' is not among `languages`"


def _named_settings(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Yields the key and the text of each setting of the configuration."""
    config = experiment.config
    for table, settings in config.tables.items():
        yield from ((f"tables.{table}", text) for text in settings)
    yield from (("figure3", text) for text in experiment.followed_settings)
    for part, value in config.claims or ():
        for text in (value,) if isinstance(value, str) else value or ():
            yield f"claims.{part}", text


def _settings(experiment: Experiment) -> Iterator[str]:
    """Yields settings that cannot be parsed or made, and those of figures and claims that no table has."""
    for key, text in _named_settings(experiment):
        try:
            setting = Setting.parse(text)
            experiment.check_setting(setting)
        except SettingError as error:
            yield f"config key '{key}': {error}"
            continue
        if str(setting) != text:
            yield f"config key '{key}': write '{text}' as '{setting}'"
        elif text not in experiment.settings:
            yield f"config key '{key}': '{text}' is not a setting of any table; add it to one"
    asked = "figures" in experiment.config.model_fields_set and 3 in experiment.config.figures
    if asked and not experiment.config.figure3:
        yield "config key 'figures': Figure 3 needs the settings that `figure3` names"
    if PRETRAIN in experiment.followed_settings:
        yield "config key 'figure3': 'Pretrain' is not trained; it is the figure's epoch 0 anyway"


def _schedules(experiment: Experiment) -> Iterator[str]:
    config = experiment.config
    end = config.pruning.start + config.pruning.duration
    if end > config.training.epochs and experiment.something_is_pruned:
        yield (
            f"config key 'pruning': start + duration is {end}, but training.epochs is "
            f"{config.training.epochs}, so the ratio would not be reached"
        )
    yield from _whole_batches("training", config.training)
    if config.translation.shards > len(experiment.directions):
        yield (
            f"config key 'translation.shards': is {config.translation.shards}, more than the "
            f"{len(experiment.directions)} directions"
        )


def _whole_batches(section: str, recipe: UpdateRecipe) -> Iterator[str]:
    if recipe.tokens_per_update % recipe.tokens_per_batch:
        yield f"config key '{section}.tokens_per_update': must be a multiple of tokens_per_batch"


def _classes(experiment: Experiment) -> Iterator[str]:
    embedded = experiment.config.corpus.embedded
    if embedded:
        yield from _classes_without_number(
            experiment, "corpus.embedded.known_entities", embedded.known_entities
        )


def _classes_without_number(experiment: Experiment, key: str, numbers: dict[str, float]) -> Iterator[str]:
    for name in sorted(set(experiment.resource_classes.values()) - set(numbers)):
        yield f"config key '{key}': there is no number for the resource class {name}"


def _kinds(experiment: Experiment) -> Iterator[str]:
    """Yields sections that name no kind of text or model, or several."""
    for key, kinds in (("corpus", ("embedded", "folder")), ("base_model", ("folder", "source", "hub"))):
        section = getattr(experiment.config, key)
        if sum(getattr(section, kind) is not None for kind in kinds) != 1:
            yield f"config key '{key}': give exactly one of {', '.join(kinds)}"


def _sources(experiment: Experiment) -> Iterator[str]:
    """Yields downloads that are not in the table, and local files in place of them that are not there."""
    config, sources = experiment.config, experiment.sources
    if config.scoring.tokenizer == "flores101" and "flores101_spm" not in sources:
        yield (
            "config key 'scoring.tokenizer': flores101 needs the source 'flores101_spm', which is not in "
            f"{config.sources_table}"
        )
    for name in config.mirrors:
        path = sources[name].local_path
        # Once downloaded, the mirror may go.
        if path and not path.is_file() and not experiment.paths.download(sources[name].file).is_file():
            yield f"config key 'mirrors.{name}': there is no file {path}"
    for key in ("corpus", "base_model"):
        source = getattr(config, key).source
        if source is not None and source not in sources:
            yield f"config key '{key}.source': '{source}' is not in {config.sources_table}"


def _text(experiment: Experiment) -> Iterator[str]:
    """Yields what is wrong with the paths of the text, and files of it that are not there."""
    corpus = experiment.config.corpus
    # Codes that nothing uses must be codes all the same.
    paths = experiment.text_paths
    if corpus.folder is None:
        return
    # A folder of the user's own may be anywhere; what is looked for in it, or in an archive, may not.
    inside = [path for split in paths.values() for path in split.values()]
    inside += [corpus.folder] if corpus.source else []
    outside = [path for path in map(PurePosixPath, inside) if path.is_absolute() or ".." in path.parts]
    if outside:
        yield f"config key 'corpus': {outside[0]} leads out of the folder or archive"
    elif not corpus.source and not experiment.resolve(corpus.folder).is_dir():
        yield f"config key 'corpus.folder': there is no folder {corpus.folder}"
    else:
        missing = [
            file for split in experiment.text_files.values() for file in split.values() if not file.is_file()
        ]
        more = f" (nor {len(missing) - 1} more)" if len(missing) > 1 else ""
        if missing:
            yield f"config key 'corpus.folder': there is no file {missing[0]}{more}"


def _model(experiment: Experiment) -> Iterator[str]:
    """Yields what a base model's folder of the user's own lacks."""
    base_model = experiment.config.base_model
    # The codes are checked by being looked up.
    _ = experiment.model_codes
    if base_model.folder is None:
        return
    folder = experiment.resolve(base_model.folder)
    for file in (MODEL_CONFIG, MODEL_WEIGHTS):
        if not (folder / file).is_file():
            hint = "give the folder of a model in Hugging Face's form"
            if not folder.exists() and HUB_ID.fullmatch(base_model.folder):
                hint = f"did you mean {{hub: {base_model.folder}}}?"
            yield f"config key 'base_model': {base_model.folder} has no {file}; {hint}"
            return
    # Asked for when everything is trained and translated.
    needed = folder / SENTENCEPIECE_MODEL
    if experiment.config.scoring.tokenizer == "base_model" and not needed.is_file():
        yield (
            f"config key 'scoring.tokenizer': base_model needs {needed}, which is not there; put it there, "
            "or give flores101"
        )
