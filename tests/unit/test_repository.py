"""What files of the repository say of each other must agree."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.cldr.corpus import build_cldr_corpus, corpus_fingerprint
from lslo.experiment.experiment import Experiment
from lslo.files.checksums import files_fingerprint

REPOSITORY = Path(__file__).parents[2]
BASE_MODEL = REPOSITORY / "resources/embedded_base_model"


def test_the_conda_environment_pins_what_pyproject_pins():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    environment = yaml.safe_load((REPOSITORY / "envs/lslo.yaml").read_text())
    pins = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pins == project["dependencies"]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", pin) for pin in pins)


def test_the_extras_are_pinned_too():
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras) == {"bench", "development", "slurm"}
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", pin) for pins in extras.values() for pin in pins)


@pytest.fixture(scope="module")
def demo():
    return yaml.safe_load((REPOSITORY / "config/demo.yaml").read_text())


@pytest.fixture(scope="module")
def record():
    return json.loads((BASE_MODEL / "record.json").read_text())


def test_the_demo_configuration_is_valid(demo):
    experiment = Experiment(demo, REPOSITORY)
    assert len(experiment.directions) == 132
    assert set(experiment.resource_classes.values()) == {"H", "M", "V"}


def test_the_base_model_was_pretrained_on_the_corpus_that_the_demo_makes(demo, record):
    experiment, embedded = Experiment(demo, REPOSITORY), demo["corpus"]["embedded"]
    corpus = build_cldr_corpus(
        experiment.resource_classes,
        seed=embedded["seed"],
        sizes=embedded["rows"],
        known_entities=embedded["known_entities"],
        focus_entities=embedded["focus_entities"],
    )
    assert corpus_fingerprint(corpus) == record["corpus_fingerprint"]
    assert record["embedded"] == embedded
    assert record["pretraining"] == demo["pretraining"]


def test_the_base_model_is_the_one_on_record_and_small(record):
    weights = BASE_MODEL / "model.safetensors"
    assert files_fingerprint([weights]) == record["model_fingerprint"]
    assert weights.stat().st_size < 6e6


def test_the_base_model_has_seen_high_resource_languages_most(record):
    scores = record["scores"]
    assert scores["H2H"] > scores["M2M"] > scores["V2V"]
    assert len(record["loss_of_epoch"]) == record["pretraining"]["epochs"]
    assert record["loss_of_epoch"][-1] < record["loss_of_epoch"][0]


def test_the_base_model_can_write_every_sentence_of_the_corpus(demo):
    experiment, embedded = Experiment(demo, REPOSITORY), demo["corpus"]["embedded"]
    corpus = build_cldr_corpus(
        experiment.resource_classes,
        seed=embedded["seed"],
        sizes={**embedded["rows"], "pretrain": 10},
        known_entities=embedded["known_entities"],
        focus_entities=embedded["focus_entities"],
    )
    tokenizer = Tokenizer(BASE_MODEL)
    sentences = [s for phrase in corpus.dev + corpus.devtest for s in phrase.sentences.values()]
    unknown = tokenizer.unknown
    assert not [s for s, ids in zip(sentences, tokenizer.encode(sentences), strict=True) if unknown in ids]
