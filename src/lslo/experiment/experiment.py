"""An experiment: a checked configuration, and everything that follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from lslo.base_model.file_names import MODEL_CONFIG
from lslo.corpus.plain_text import paths_by_pattern
from lslo.experiment.config_checks import problems
from lslo.experiment.config_errors import ConfigError, joined
from lslo.experiment.config_reading import read_config
from lslo.experiment.languages import (
    Language,
    all_directions,
    codes_elsewhere,
    read_languages,
    select_languages,
)
from lslo.experiment.paths import CONVERTED_FILES, HUB_FILES, Paths
from lslo.experiment.setting_notation import Setting
from lslo.experiment.wanted_results import WantedResults
from lslo.sources.table import Source, read_sources, use_mirrors


class Experiment(WantedResults):
    """A checked configuration, and what follows from it: languages, settings, results that are wanted.

    Attributes:
        config: The configuration with its defaults.
        values: The configuration as Snakemake has read it.
        workflow: The folder of the Snakefile.
        languages: The languages of the experiment, in the configuration's order.
        paths: Where the results of the experiment are.
    """

    def __init__(self, config: Mapping[str, Any], workflow: Path | str, root: Path | str = ""):
        """Reads and checks a configuration.

        Args:
            config: The configuration as Snakemake has read it.
            workflow: The folder of the Snakefile. Relative paths of the configuration start from the working
                directory or, where nothing is there, from this folder.
            root: The folder that Snakemake runs in; the working directory unless given.

        Raises:
            ConfigError: Something is wrong; the message, one line, names the keys at fault.
        """
        super().__init__(read_config(config))
        self.values = dict(config)
        self.workflow = Path(workflow)
        self.paths = Paths(self.config.experiment, Path(root))
        try:
            self.languages = self._languages()
            found = list(problems(self))
        except OSError as error:
            # A name that is too long, a folder where a file is wanted, a file that may not be read.
            raise ConfigError(f"config: a path in it cannot be used: {error}") from None
        if found:
            raise ConfigError(joined(found))

    def _languages(self) -> list[Language]:
        table = self.config.languages_table
        try:
            languages = read_languages(self.resolve(table))
        except FileNotFoundError:
            raise ConfigError(f"config key 'languages_table': there is no file {table}") from None
        except (ValueError, OSError) as error:
            raise ConfigError(f"config key 'languages_table': {error}") from None
        try:
            return select_languages(languages, self.config.languages, table)
        except ValueError as error:
            raise ConfigError(f"config key 'languages': {error}") from None

    def resolve(self, path: str) -> Path:
        """Returns a path of the configuration as one that can be opened."""
        here = Path(path)
        return here if here.exists() or here.is_absolute() else self.workflow / path

    # Languages.

    @cached_property
    def resource_classes(self) -> dict[str, str]:
        """The resource class of each language, in the experiment's order."""
        return {language.code: language.resource_class for language in self.languages}

    @cached_property
    def codes(self) -> list[str]:
        """The languages' codes, in the experiment's order."""
        return [language.code for language in self.languages]

    @cached_property
    def directions(self) -> list[tuple[str, str]]:
        """All directions."""
        return all_directions(self.codes)

    @property
    def figure_directions(self) -> list[tuple[str, str]]:
        """The directions that Figure 3 follows: H2H and V2V."""
        classes = self.resource_classes
        return [
            (source, target)
            for source, target in self.directions
            if classes[source] == classes[target] and classes[source] in "HV"
        ]

    @property
    def strategy_languages(self) -> list[str]:
        """The languages that the index strategy is learned on."""
        return list(self.config.weight_learning.languages or self.codes)

    @property
    def model_codes(self) -> dict[str, str]:
        """The base model's code of each language."""
        default = "m2m" if self.config.base_model.source else "code"
        return self.codes_of(self.config.base_model.codes or default, "base_model.codes")

    def codes_of(self, codes: str | Mapping[str, str], key: str) -> dict[str, str]:
        """Returns the code of each language in other people's files.

        Args:
            codes: A column of the table of languages, or a mapping.
            key: The key of the configuration that `codes` is the value of.

        Raises:
            ConfigError: There is no such column, or a language has no code.
        """
        try:
            return codes_elsewhere(self.languages, codes)
        except ValueError as error:
            raise ConfigError(f"config key '{key}': {error}") from None

    # Settings and tables.

    @property
    def setup_tables(self) -> list[str]:
        """The tables that are made without results: the pruning schedules and the languages."""
        return ["table3", "table5" if "L" in self.resource_classes.values() else "table4"]

    def check_setting(self, setting: Setting) -> None:
        """Raises SettingError where the ranks do not fit the languages' resource classes."""
        setting.rank_of_language(self.resource_classes)

    # Text and models.

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The files that can be downloaded, with their mirrors. Raises ConfigError."""
        table = self.config.sources_table
        try:
            sources = read_sources(self.resolve(table))
        except FileNotFoundError:
            raise ConfigError(f"config key 'sources_table': there is no file {table}") from None
        except (ValueError, OSError) as error:
            raise ConfigError(f"config key 'sources_table': {error}") from None
        try:
            return use_mirrors(sources, self.config.mirrors)
        except ValueError as error:
            raise ConfigError(f"config key 'mirrors': {error}") from None

    @property
    def text_paths(self) -> dict[str, dict[str, str]]:
        """The path of each language's text within the corpus's folder, by split. Raises ConfigError."""
        corpus = self.config.corpus
        try:
            return paths_by_pattern(corpus.pattern, self.codes_of(corpus.codes, "corpus.codes"))
        except ConfigError:
            raise
        except ValueError as error:
            raise ConfigError(f"config key 'corpus.pattern': {error}") from None

    @property
    def text_folder(self) -> Path | None:
        """The folder that `text_paths` start from; None for phrases of the CLDR."""
        corpus = self.config.corpus
        if corpus.folder is None:
            return None
        return (
            self.paths.extracted(corpus.source) / corpus.folder
            if corpus.source
            else self.resolve(corpus.folder)
        )

    @property
    def text_inputs(self) -> list[Path]:
        """The files or the extracted archive that the corpus is made of; none for phrases of the CLDR."""
        corpus = self.config.corpus
        if corpus.source:
            return [self.paths.extracted(corpus.source)]
        return [path for split in self.text_files.values() for path in split.values()]

    @cached_property
    def text_files(self) -> dict[str, dict[str, Path]]:
        """The text of each split and language in a folder of the user's own; empty for any other corpus."""
        if self.config.corpus.source or self.text_folder is None:
            return {}
        return {
            split: {language: self.text_folder / path for language, path in paths.items()}
            for split, paths in self.text_paths.items()
        }

    @property
    def model_folder(self) -> Path:
        """The folder where the base model is, or will be once it is downloaded."""
        base_model = self.config.base_model
        if base_model.source:
            return self.paths.converted_model(base_model.source)
        if base_model.hub:
            return self.paths.hub_model(base_model.hub)
        return self.resolve(base_model.folder)

    @property
    def model_files(self) -> list[Path]:
        """The files of the base model, its configuration first."""
        base_model, folder = self.config.base_model, self.model_folder
        if base_model.source or base_model.hub:
            return [folder / name for name in (CONVERTED_FILES if base_model.source else HUB_FILES)]
        return [folder / MODEL_CONFIG, *sorted(_other_files(folder))]


def _other_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file() and path.name != MODEL_CONFIG)
