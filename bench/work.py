"""The work of a comparison: written to a folder once, and read by each engine's process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml

from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.cldr.corpus import CldrCorpus
from lslo.experiment.cldr_corpus import cldr_corpus
from lslo.experiment.experiment import Experiment
from lslo.experiment.languages import all_directions
from models import write_adapter
from number_tokenizer import NumberTokenizer
from random_model import random_model
from sizes import Size

REPOSITORY = Path(__file__).resolve().parents[1]
EMBEDDED_BASE_MODEL = REPOSITORY / "resources" / "embedded_base_model"
DEMO = REPOSITORY / "config" / "demo.yaml"
# The number of pieces in FLORES-101's sentences is distributed lognormally. The random sentences here have 25
# on average instead of FLORES-101's 38. These are the mean and the standard deviation of the logarithm.
LOG_LENGTH, LOG_DEVIATION = np.log(25) - 0.38**2 / 2, 0.38


@dataclass(frozen=True)
class Work:
    """The input of an engine.

    Attributes:
        folder: The folder, which holds `work.json`, `adapter/` and, for random models, `base_model/`.
        check: Whether the engine also makes the outputs that only the check of agreement needs, outside the
            timed part. The first round makes them.
    """

    folder: Path
    check: bool = True

    @cached_property
    def content(self) -> dict:
        """The content of `work.json`.

        The keys are size, languages, directions, sources, references (null for random models), setting, and
        those that a kind of comparison adds.
        """
        return json.loads((self.folder / "work.json").read_text(encoding="utf-8"))

    @property
    def size(self) -> Size:
        """The size of the work."""
        return Size(**self.content["size"])

    @property
    def base_model(self) -> Path:
        """The folder of the base model."""
        return EMBEDDED_BASE_MODEL if self.size.shape is None else self.folder / "base_model"

    @property
    def adapter(self) -> Path:
        """The folder of the adapter."""
        return self.folder / "adapter"

    @property
    def directions(self) -> list[tuple[str, str]]:
        """The directions to translate or to score, as (source, target)."""
        return [tuple(direction) for direction in self.content["directions"]]

    @cached_property
    def tokenizer(self) -> Tokenizer | NumberTokenizer:
        """The tokenizer of the base model."""
        shape = self.size.shape
        if shape is None:
            return Tokenizer(self.base_model)
        return NumberTokenizer(shape["pieces"], self.content["languages"])


def experiment_of_demo() -> Experiment:
    """Returns the demo's experiment, whose languages every size has."""
    return Experiment(yaml.safe_load(DEMO.read_text(encoding="utf-8")), REPOSITORY)


def embedded_corpus(experiment: Experiment, pretrain: int = 10) -> CldrCorpus:
    """Returns the demo's corpus.

    Args:
        experiment: The demo's experiment.
        pretrain: The number of rows of the pretraining split.
    """
    return cldr_corpus(experiment.config.corpus.embedded, experiment.resource_classes, pretrain)


def spread_directions(languages: Sequence[str], number: int) -> list[tuple[str, str]]:
    """Chooses directions evenly: each language is a source, and a target, about equally often.

    All directions are ordered by the distance from source to target on the circle of languages, and the
    first ones are taken. The directions of one distance have each language once as a source and once as a
    target, so the counts differ by one at most.

    Args:
        languages: The languages, in the order of the circle.
        number: The number of directions to choose.
    """
    place = {language: index for index, language in enumerate(languages)}
    ordered = sorted(
        all_directions(languages),
        key=lambda pair: ((place[pair[1]] - place[pair[0]]) % len(languages), place[pair[0]]),
    )
    return ordered[:number]


def ranks_of(setting: str, experiment: Experiment) -> dict[str, int]:
    """Returns the rank of each language in a setting such as `2;2;8`."""
    rank = dict(zip("HMV", map(int, setting.split(";")), strict=True))
    return {language: rank[name] for language, name in experiment.resource_classes.items()}


def write_model_and_adapter(folder: Path, size: Size, setting: str, experiment: Experiment) -> Work:
    """Writes the size, the languages, a random base model where the size has one, and an adapter.

    Args:
        folder: The folder to write to.
        size: The size of the work.
        setting: The adapter's setting, such as `2;2;8`.
        experiment: The demo's experiment, which names the languages and their resource classes.
    """
    work = Work(folder)
    languages = list(experiment.resource_classes)
    content = {"size": size.as_dictionary(), "languages": languages, "setting": setting}
    write_content(work, content)
    if size.shape is not None and not work.base_model.is_dir():
        random_model(languages=len(languages), **size.shape).save_pretrained(work.base_model)
    write_adapter(work.adapter, work.base_model, setting, ranks_of(setting, experiment), size.scale)
    return work


def write_content(work: Work, content: dict) -> None:
    """Writes `work.json`; `work.content` reads it anew."""
    work.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=1)
    (work.folder / "work.json").write_text(text + "\n", encoding="utf-8")
    work.__dict__.pop("content", None)
