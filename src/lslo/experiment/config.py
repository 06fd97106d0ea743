"""The configuration of an experiment, checked when the workflow starts.

`workflow/schemas/config.schema.yaml` says what keys there are; what one key asks of another is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from lslo.corpus.plain_text import paths_by_pattern
from lslo.errors import one_line
from lslo.experiment.languages import (
    Language,
    all_directions,
    codes_elsewhere,
    read_languages,
    select_languages,
)
from lslo.experiment.schema import fault
from lslo.experiment.settings import Setting, SettingError
from lslo.sources.table import Source, read_sources, use_mirrors

LANGUAGES_TABLE = "config/languages.tsv"
SOURCES_TABLE = "config/sources.tsv"
# As the schema has it.
HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
# Where rules/sources.smk puts them.
DOWNLOADS = Path("data/sources")


class ConfigError(ValueError):
    """A configuration that cannot be used; the message, one line, names the key and what to do."""

    def __init__(self, message: str):
        super().__init__(one_line(message))


class Experiment:
    """A checked configuration.

    config: the merged configuration. workflow: the folder of the Snakefile. Relative paths of the
    configuration start from the working directory or, where nothing is there, from the workflow's folder.
    Raises ConfigError, in one line, for the first thing that is wrong.
    """

    def __init__(self, config: Mapping[str, Any], workflow: Path | str):
        self.config = dict(config)
        self.workflow = Path(workflow)
        wrong = fault(self.config, self.workflow / "workflow" / "schemas" / "config.schema.yaml")
        if wrong is not None:
            raise ConfigError(wrong)
        try:
            self.languages = self._languages()
            self._check_strategy_languages()
            self._check_settings()
            self._check_schedules()
            self._check_classes()
            self._check_files()
        except OSError as error:
            # A name that is too long, a folder where a file is wanted, a file that may not be read.
            raise ConfigError(f"config: a path in it cannot be used: {error}") from None

    def _languages(self) -> list[Language]:
        table = self.config.get("languages_table", LANGUAGES_TABLE)
        try:
            languages = read_languages(self.resolve(table))
        except FileNotFoundError:
            raise ConfigError(f"config key 'languages_table': there is no file {table}") from None
        except ValueError as error:
            raise ConfigError(f"config key 'languages_table': {error}") from None
        try:
            return select_languages(languages, self.config["languages"], table)
        except ValueError as error:
            raise ConfigError(f"config key 'languages': {error}") from None

    def _check_strategy_languages(self) -> None:
        unknown = [code for code in self.strategy_languages if code not in self.resource_classes]
        if unknown:
            raise ConfigError(
                f"config key 'weight_learning.languages': '{unknown[0]}' is not among `languages`"
            )

    def _check_settings(self) -> None:
        """Every setting parses, fits the resource classes, and what figures and claims use is in a table."""
        for key, settings in self._named_settings():
            for text in settings:
                try:
                    self.check_setting(Setting.parse(text))
                except SettingError as error:
                    raise ConfigError(f"config key '{key}': {error}") from None
                if str(Setting.parse(text)) != text:
                    raise ConfigError(f"config key '{key}': write '{text}' as '{Setting.parse(text)}'")
                if text not in self.settings:
                    raise ConfigError(
                        f"config key '{key}': '{text}' is not a setting of any table; add it to one"
                    )
        if "Pretrain" in self.config.get("figure3", ()):
            raise ConfigError(
                "config key 'figure3': 'Pretrain' is not trained; it is the figure's epoch 0 anyway"
            )

    def _named_settings(self) -> Iterable[tuple[str, list[str]]]:
        for table, settings in self.config["tables"].items():
            yield f"tables.{table}", settings
        yield "figure3", self.config.get("figure3", [])
        for part, setting in self.config.get("claims", {}).items():
            yield f"claims.{part}", setting if isinstance(setting, list) else [setting]

    def _check_schedules(self) -> None:
        pruning, epochs = self.config["pruning"], self.config["training"]["epochs"]
        if pruning["start"] + pruning["duration"] > epochs:
            raise ConfigError(
                f"config key 'pruning': start + duration is {pruning['start'] + pruning['duration']}, "
                f"but training.epochs is {epochs}, so the ratio would not be reached"
            )
        for section in ("training", "pretraining"):
            values = self.config.get(section)
            if values and values["tokens_per_update"] % values["tokens_per_batch"]:
                raise ConfigError(
                    f"config key '{section}.tokens_per_update': must be a multiple of tokens_per_batch"
                )

        shards = self.config["translation"].get("shards", 1)
        if shards > len(self.directions):
            raise ConfigError(
                f"config key 'translation.shards': is {shards}, but directions are {len(self.directions)}"
            )

    def _check_classes(self) -> None:
        """Every resource class that occurs has its number where classes have one; the model can be built."""
        embedded, pretraining = self.config["corpus"].get("embedded"), self.config.get("pretraining")
        for section, key in (
            (embedded, "corpus.embedded.known_entities"),
            (pretraining, "pretraining.language_weights"),
        ):
            for name in sorted(set(self.resource_classes.values())) if section else ():
                if name not in section[key.rpartition(".")[2]]:
                    raise ConfigError(f"config key '{key}': there is no number for the resource class {name}")
        if pretraining and pretraining["dimension"] % pretraining["heads"]:
            raise ConfigError("config key 'pretraining.dimension': must be a multiple of heads")

    def _check_files(self) -> None:
        """Folders of the user's own exist and sources are in the table."""
        corpus, base_model = self.config["corpus"], self.base_model
        for key, section, kinds in (
            ("corpus", corpus, ("embedded", "folder")),
            ("base_model", base_model, ("folder", "source", "hub")),
        ):
            if sum(kind in section for kind in kinds) != 1:
                raise ConfigError(f"config key '{key}': give exactly one of {', '.join(kinds)}")
        sources = self.sources
        if self.config["scoring"]["tokenizer"] == "flores101" and "flores101_spm" not in sources:
            raise ConfigError(
                "config key 'scoring.tokenizer': flores101 needs the source 'flores101_spm', "
                f"which is not in {self.sources_table}"
            )
        for name in self.config.get("mirrors", {}):
            path = sources[name].local_path
            # Once downloaded, the mirror may go.
            if path and not path.is_file() and not (DOWNLOADS / sources[name].file).is_file():
                raise ConfigError(f"config key 'mirrors.{name}': there is no file {path}")
        for key, section in (("corpus", corpus), ("base_model", base_model)):
            if "source" in section and section["source"] not in sources:
                raise ConfigError(
                    f"config key '{key}.source': '{section['source']}' is not in {self.sources_table}"
                )
            self.codes_of(section.get("codes", "code"), f"{key}.codes")
        if "folder" in corpus:
            # A folder of the user's own may be anywhere; what is looked for in it, or in an archive, may not.
            inside = [path for paths in self.corpus_paths.values() for path in paths.values()]
            inside += [corpus["folder"]] if "source" in corpus else []
            for path in map(PurePosixPath, inside):
                if path.is_absolute() or ".." in path.parts:
                    raise ConfigError(f"config key 'corpus': {path} leads out of the folder or archive")
        if "folder" in corpus and "source" not in corpus:
            if not self.resolve(corpus["folder"]).is_dir():
                raise ConfigError(f"config key 'corpus.folder': there is no folder {corpus['folder']}")
            for file in self.corpus_files:
                if not file.is_file():
                    raise ConfigError(f"config key 'corpus.folder': there is no file {file}")
        if "folder" in base_model:
            self._check_model_folder(base_model["folder"])

    def _check_model_folder(self, name: str) -> None:
        folder = self.resolve(name)
        for file in ("config.json", "model.safetensors"):
            if not (folder / file).is_file():
                hint = "give the folder of a model in Hugging Face's form"
                if not folder.exists() and HUB_ID.fullmatch(name):
                    hint = f"did you mean {{hub: {name}}}?"
                raise ConfigError(f"config key 'base_model': {name} has no {file}; {hint}")
        # Asked for when everything is trained and translated.
        needed = folder / "sentencepiece.bpe.model"
        if self.config["scoring"]["tokenizer"] == "base_model" and not needed.is_file():
            raise ConfigError(
                f"config key 'scoring.tokenizer': base_model needs {needed}, which is not there; "
                "put it there, or give flores101"
            )

    @property
    def base_model(self) -> dict[str, Any]:
        """The configuration's `base_model`, a plain path as `{folder: path}`."""
        value = self.config["base_model"]
        return {"folder": value} if isinstance(value, str) else value

    @property
    def strategy_languages(self) -> list[str]:
        """The languages that the index strategy is learned on."""
        return self.config["weight_learning"].get("languages", self.codes)

    @property
    def sources_table(self) -> str:
        """The table of downloads."""
        return self.config.get("sources_table", SOURCES_TABLE)

    @cached_property
    def sources(self) -> dict[str, Source]:
        """What can be downloaded, mirrors put in. Raises ConfigError."""
        try:
            sources = read_sources(self.resolve(self.sources_table))
        except FileNotFoundError:
            raise ConfigError(f"config key 'sources_table': there is no file {self.sources_table}") from None
        except ValueError as error:
            raise ConfigError(f"config key 'sources_table': {error}") from None
        try:
            return use_mirrors(sources, self.config.get("mirrors", {}))
        except ValueError as error:
            raise ConfigError(f"config key 'mirrors': {error}") from None

    def codes_of(self, codes: str | Mapping[str, str], key: str) -> dict[str, str]:
        """The code of each language in other people's files. codes: a column of the table, or a mapping."""
        try:
            return codes_elsewhere(self.languages, codes)
        except ValueError as error:
            raise ConfigError(f"config key '{key}': {error}") from None

    @property
    def model_codes(self) -> dict[str, str]:
        """The base model's code of each language."""
        default = "m2m" if "source" in self.base_model else "code"
        return self.codes_of(self.base_model.get("codes", default), "base_model.codes")

    @property
    def corpus_paths(self) -> dict[str, dict[str, str]]:
        """Split -> language -> path of its text within the corpus's folder, each another."""
        corpus = self.config["corpus"]
        codes = self.codes_of(corpus.get("codes", "code"), "corpus.codes")
        pattern = corpus.get("pattern", "{split}/{code}.txt")
        try:
            return paths_by_pattern(pattern, codes)
        except ValueError as error:
            raise ConfigError(f"config key 'corpus.pattern': {error}") from None

    def resolve(self, path: str) -> Path:
        """A path of the configuration as one that can be opened."""
        here = Path(path)
        return here if here.exists() or here.is_absolute() else self.workflow / path

    def check_setting(self, setting: Setting) -> None:
        """Raises SettingError where the ranks do not fit the languages' resource classes."""
        if setting.kind == "lslo":
            setting.rank_of_class(set(self.resource_classes.values()))

    @cached_property
    def corpus_files(self) -> list[Path]:
        """The files of a corpus of the user's own; none for an embedded or a downloaded one."""
        corpus = self.config["corpus"]
        if "folder" not in corpus or "source" in corpus:
            return []
        folder = self.resolve(corpus["folder"])
        return [folder / path for paths in self.corpus_paths.values() for path in paths.values()]

    @cached_property
    def resource_classes(self) -> dict[str, str]:
        """Resource class of each language, in the experiment's order."""
        return {language.code: language.resource_class for language in self.languages}

    @cached_property
    def codes(self) -> list[str]:
        """The languages' codes, in the experiment's order."""
        return [language.code for language in self.languages]

    @cached_property
    def directions(self) -> list[tuple[str, str]]:
        """All directions."""
        return all_directions(self.codes)

    @cached_property
    def settings(self) -> list[str]:
        """Every setting of the tables, once."""
        return list(dict.fromkeys(text for table in self.config["tables"].values() for text in table))
