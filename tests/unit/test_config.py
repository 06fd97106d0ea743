"""A configuration is checked as a whole, and the first thing wrong with it is named in one line."""

from pathlib import Path

import pytest
import yaml

from lslo.config import ConfigError, Experiment

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def config():
    return yaml.safe_load((REPOSITORY / "tests/data/tiny.yaml").read_text())


ERRORS = {
    "unknown language": (
        lambda config: config.update(languages=["en", "fr", "nl", "oc", "xx"]),
        ["'languages'", "unknown language 'xx'", "languages.tsv"],
    ),
    "unparsable setting": (
        lambda config: config["tables"].update(table1=["2;2;8+XL"]),
        ["tables.table1", "2;2;8+XL", "'XL' is not an index strategy"],
    ),
    "ranks that do not match the resource classes": (
        lambda config: config["tables"].update(table1=["2;2;8;8+WL"]),
        ["tables.table1", "2;2;8;8+WL", "H;M;L;V", "H;M;V"],
    ),
    "key that does not exist": (
        lambda config: config["training"].update(epochz=3),
        ["'training.epochz' does not exist", "did you mean 'epochs'"],
    ),
    "missing key": (lambda config: config.pop("seeds"), ["'seeds' is missing"]),
    "value of the wrong kind": (
        lambda config: config["training"].update(epochs="five"),
        ["'training.epochs'", "five"],
    ),
    "missing base model": (
        lambda config: config.update(base_model="/nowhere"),
        ["'base_model'", "/nowhere", "config.json"],
    ),
    "missing corpus folder": (
        lambda config: config.update(corpus={"folder": "no-such-folder"}),
        ["'corpus.folder'", "no-such-folder"],
    ),
    "a strategy learned on another language": (
        lambda config: config["weight_learning"].update(languages=["en", "ru"]),
        ["'weight_learning.languages'", "'ru'"],
    ),
    "pruning that does not end": (
        lambda config: config["pruning"].update(duration=9),
        ["'pruning'", "training.epochs"],
    ),
    "setting of a figure that no table has": (
        lambda config: config.update(figure3=["3;3;3+WL"]),
        ["'figure3'", "3;3;3+WL"],
    ),
    "settings written in two ways": (
        lambda config: config["tables"].update(table1=["2;2;2+WL@all"]),
        ["tables.table1", "write '2;2;2+WL@all' as '2;2;2+WL'"],
    ),
    "Pretrain in Figure 3": (lambda config: config.update(figure3=["Pretrain"]), ["'figure3'", "'Pretrain'"]),
    "an update that is no whole number of batches": (
        lambda config: config["training"].update(tokens_per_update=700),
        ["'training.tokens_per_update'", "multiple of tokens_per_batch"],
    ),
    "pruning before there is anything to compare": (
        lambda config: config["pruning"].update(start=0),
        ["'pruning.start'", "minimum of 1"],
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_is_wrong_is_named(config, name):
    change, parts = ERRORS[name]
    change(config)
    with pytest.raises(ConfigError) as caught:
        Experiment(config, REPOSITORY)
    for part in parts:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_setting_is_listed_once(config):
    settings = Experiment(config, REPOSITORY).settings
    assert settings[0] == "Pretrain"
    assert sorted(settings) == sorted({text for table in config["tables"].values() for text in table})


def test_directions_and_classes_follow_the_order_of_the_languages(config):
    experiment = Experiment(config, REPOSITORY)
    assert list(experiment.resource_classes.items()) == [
        ("en", "H"),
        ("fr", "H"),
        ("nl", "M"),
        ("oc", "V"),
        ("wo", "V"),
    ]
    assert len(experiment.directions) == 20
    assert experiment.directions[:2] == [("en", "fr"), ("en", "nl")]


def test_a_corpus_file_that_is_missing_is_named(config, tmp_path):
    for split in ("dev", "devtest"):
        (tmp_path / split).mkdir()
        for language in config["languages"]:
            (tmp_path / split / f"{language}.txt").write_text("a\n")
    config["corpus"] = {"folder": str(tmp_path)}
    assert len(Experiment(config, REPOSITORY).corpus_files) == 10
    (tmp_path / "devtest" / "oc.txt").unlink()
    with pytest.raises(ConfigError, match=r"devtest/oc\.txt"):
        Experiment(config, REPOSITORY)
