"""The work of a comparison, written to a folder once and read by each engine's process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml

from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.cldr.corpus import CldrCorpus, build_cldr_corpus
from lslo.experiment.experiment import Experiment
from lslo.experiment.languages import all_directions
from models import random_model, write_adapter
from number_tokenizer import NumberTokenizer
from sizes import Size

REPOSITORY = Path(__file__).resolve().parents[1]
EMBEDDED_BASE_MODEL = REPOSITORY / "resources" / "embedded_base_model"
DEMO = REPOSITORY / "config" / "demo.yaml"
# FLORES-101's sentences are lognormal in their number of pieces; with 25 on average instead of 38.
LOG_LENGTH, LOG_DEVIATION = np.log(25) - 0.38**2 / 2, 0.38


@dataclass(frozen=True)
class Work:
    """What an engine is given.

    folder: holds `work.json`, `adapter/` and, for random models, `base_model/`. check: whether to make,
    outside of what is timed, what only the comparison between engines needs: in the first round.
    """

    folder: Path
    check: bool = True

    @cached_property
    def content(self) -> dict:
        """What `work.json` says: size, languages, directions, sources, references (null for random models),
        setting, and what a comparison adds."""
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
        """Those to translate."""
        return [tuple(direction) for direction in self.content["directions"]]

    @cached_property
    def tokenizer(self) -> Tokenizer | NumberTokenizer:
        """Of the base model."""
        shape = self.size.shape
        if shape is None:
            return Tokenizer(self.base_model)
        return NumberTokenizer(shape["pieces"], self.content["languages"])


def experiment_of_demo() -> Experiment:
    """The demo's configuration, whose languages every size has."""
    return Experiment(yaml.safe_load(DEMO.read_text(encoding="utf-8")), REPOSITORY)


def embedded_corpus(experiment: Experiment, pretrain: int = 10) -> CldrCorpus:
    """The demo's corpus, with so many rows of pretraining."""
    embedded = experiment.config.corpus.embedded
    return build_cldr_corpus(
        experiment.resource_classes,
        seed=embedded.seed,
        sizes={**embedded.rows.model_dump(), "pretrain": pretrain},
        known_entities=embedded.known_entities,
        focus_entities=embedded.focus_entities,
    )


def spread_directions(languages: Sequence[str], number: int) -> list[tuple[str, str]]:
    """So many of all directions, each language as often a source as a target, give or take one.

    Ordered by the distance from source to target on the circle of languages, all directions of a
    distance have each language once on either side.
    """
    place = {language: index for index, language in enumerate(languages)}
    ordered = sorted(
        all_directions(languages),
        key=lambda pair: ((place[pair[1]] - place[pair[0]]) % len(languages), place[pair[0]]),
    )
    return ordered[:number]


def random_sentences(pieces: int, rows: int, generator: np.random.Generator) -> list[str]:
    """Sentences of NumberTokenizer, as long as FLORES-101's, with 25 tokens on average."""
    lengths = np.clip(generator.lognormal(LOG_LENGTH, LOG_DEVIATION, rows), 5, 80).astype(int)
    return [" ".join(map(str, generator.integers(4, pieces, length))) for length in lengths]


def ranks_of(setting: str, experiment: Experiment) -> dict[str, int]:
    """Language -> rank of a setting such as `2;2;8`."""
    rank = dict(zip("HMV", map(int, setting.split(";")), strict=True))
    return {language: rank[name] for language, name in experiment.resource_classes.items()}


def write_model_and_adapter(folder: Path, size: Size, setting: str, experiment: Experiment) -> Work:
    """Write the base model, unless it is the embedded one, and the adapter of a setting."""
    work = Work(folder)
    languages = list(experiment.resource_classes)
    content = {"size": size.as_dictionary(), "languages": languages, "setting": setting}
    write_content(work, content)
    if size.shape is not None and not work.base_model.is_dir():
        random_model(languages=len(languages), **size.shape).save_pretrained(work.base_model)
    write_adapter(work.adapter, work.base_model, setting, ranks_of(setting, experiment), size.scale)
    return work


def write_content(work: Work, content: dict) -> None:
    """Write `work.json`."""
    work.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=1)
    (work.folder / "work.json").write_text(text + "\n", encoding="utf-8")
    work.__dict__.pop("content", None)


def write_translation_work(folder: Path, size: Size, setting: str) -> Work:
    """Sentences to translate: of the embedded corpus's devtest, or random ones."""
    experiment = experiment_of_demo()
    work = write_model_and_adapter(folder, size, setting, experiment)
    languages = list(experiment.resource_classes)
    if size.shape is None:
        rows = embedded_corpus(experiment).devtest[: size.rows]
        sources = {language: [phrase.sentences[language] for phrase in rows] for language in languages}
    else:
        generator = np.random.default_rng(1)
        sources = {
            language: random_sentences(size.shape["pieces"], size.rows, generator) for language in languages
        }
    write_content(
        work,
        work.content
        | {
            "directions": spread_directions(languages, size.directions),
            "sources": sources,
            "references": sources if size.shape is None else None,
        },
    )
    return work
