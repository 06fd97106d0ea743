"""A configuration is checked as a whole, and one line names all that is wrong with it."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from lslo.experiment.config import Config
from lslo.experiment.config_errors import ConfigError
from lslo.experiment.experiment import Experiment
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.experiment.targets import check_targets

REPOSITORY = Path(__file__).parents[3]


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
    "a resource class without a rank": (
        lambda config: config.update(languages=[*config["languages"], "af"]),
        ["tables.table1", "'2;2;2+WL'", "gives ranks for H;M;V", "classes H;M;L;V"],
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
    "a model of the hub as if it were a folder": (
        lambda config: config.update(base_model="facebook/m2m100_418M"),
        ["'base_model'", "did you mean {hub: facebook/m2m100_418M}?"],
    ),
    "a model of the hub as if it were a folder, with codes": (
        lambda config: config.update(base_model={"folder": "facebook/nllb-200", "codes": "m2m"}),
        ["'base_model'", "did you mean {hub: facebook/nllb-200}?"],
    ),
    "a folder that is there and no model": (
        lambda config: config.update(base_model="tests/unit"),
        ["'base_model'", "tests/unit has no config.json; give the folder"],
    ),
    "a number that YAML takes for text": (
        lambda config: config["training"]["learning_rate"].update(lslo="3e-3"),
        [
            "'training.learning_rate.lslo'",
            "'3e-3' is not of type 'number'; write 3.0e-3 (YAML takes",
        ],
    ),
    "a number with a point that YAML takes for text": (
        lambda config: config["training"]["learning_rate"].update(full="1.5E5"),
        ["'training.learning_rate.full'", "write 1.5e+5 (YAML takes 1.5E5 for text)"],
    ),
    "a whole number that YAML takes for text": (
        lambda config: config["training"].update(tokens_per_update="1e4"),
        ["'training.tokens_per_update'", "write its digits (YAML takes 1e4 for text)"],
    ),
    "a column that the table of languages lacks": (
        lambda config: config.update(base_model={"folder": config["base_model"], "codes": "nllb"}),
        [
            "'base_model.codes'",
            "no column 'nllb'",
            "code, name, resource_class, family, bitext, flores101, m2m",
        ],
    ),
    "a column that has no codes": (
        lambda config: config.update(corpus={"folder": "tests", "codes": "bitext"}),
        ["'corpus.codes'", "the code '-' of the language 'en'"],
    ),
    "GPS with nothing to prune": (
        lambda config: config.update(languages=["oc", "wo"]),
        ["'tables.table1'", "1;1;2+WL+GPS(0.9)", "GPS prunes languages of the classes H and M"],
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
    files = Experiment(config, REPOSITORY).text_files
    assert {split: len(of) for split, of in files.items()} == {"dev": 5, "devtest": 5}
    (tmp_path / "devtest" / "oc.txt").unlink()
    with pytest.raises(ConfigError, match=r"devtest/oc\.txt"):
        Experiment(config, REPOSITORY)


@pytest.mark.parametrize("text", ["3e-3", "1E5", "2e+10", "5.e3", "0.25e7"])
def test_the_number_that_is_advised_is_one_to_yaml(config, text):
    config["training"]["learning_rate"]["lslo"] = yaml.safe_load(text)
    with pytest.raises(ConfigError) as caught:
        Experiment(config, REPOSITORY)
    advised = re.search(r"write (\S+) \(YAML", str(caught.value))[1]
    assert yaml.safe_load(advised) == float(text)


def test_a_base_model_that_scores_are_to_be_made_with_has_pieces(config, tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).touch()
    config["base_model"] = str(tmp_path)
    with pytest.raises(ConfigError, match=r"'scoring\.tokenizer': .*sentencepiece\.bpe\.model, .* flores101"):
        Experiment(config, REPOSITORY)
    config["scoring"]["tokenizer"] = "flores101"
    Experiment(config, REPOSITORY)


@pytest.mark.parametrize(
    ("text", "number"), [("0.3", 0.3), ("1", 1.0), ("3.0e-1", 0.3), ("+0.5", 0.5), (".5", 0.5)]
)
def test_numbers_that_arrive_as_text_are_numbers(config, text, number):
    """Snakemake makes text of everything nested in a value of its command line."""
    config["plan"] = {"training_share": text, "measured": {"tokens_per_second": {"lslo": "5000"}}}
    config |= {"figures": ["1", "2"], "seeds": ["3", "4"], "gpus": "0"}
    experiment = Experiment(config, REPOSITORY)
    assert experiment.config.plan.training_share == number
    assert experiment.config.plan.measured.tokens_per_second.lslo == 5000
    assert experiment.figures == [1, 2]
    assert experiment.config.seeds == (3, 4)
    assert [type(value) for value in (*experiment.config.seeds, experiment.config.gpus)] == [int] * 3


@pytest.mark.parametrize("text", ["nan", ".inf", "5.0", "no", "[1]", "5 GPUs", ""])
def test_text_that_is_no_whole_number_is_refused(config, text):
    config["gpus"] = text
    with pytest.raises(ConfigError, match="config key 'gpus'"):
        Experiment(config, REPOSITORY)


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("seeds", 1, "write a list: [1]"),
        ("figures", 3, "write a list: [3]"),
        ("experiment", 12, "put it in quotes"),
        ("gpus", 2.0, "write 2"),
        ("compare_with_paper", "maybe", "write true or false"),
        ("translation", "fast", "write its keys: {beam: …, length_penalty: …"),
        ("base_model", {"folder": True}, "in quotes"),
    ],
)
def test_the_message_says_what_to_write(config, key, value, hint):
    config[key] = value
    with pytest.raises(ConfigError, match=f"config key '{key}") as caught:
        Experiment(config, REPOSITORY)
    assert hint in str(caught.value)


def test_a_learning_rate_for_both_kinds_of_training_is_asked_for(config):
    config["training"]["learning_rate"] = 0.001
    with pytest.raises(
        ConfigError, match=r"'training\.learning_rate': .* write its keys: {lslo: …, full: …}"
    ):
        Experiment(config, REPOSITORY)


@pytest.mark.parametrize(("text", "truth"), [("true", True), ("False", False), ("TRUE", True)])
def test_a_truth_value_that_arrives_as_text_is_one(config, text, truth):
    config["compare_with_paper"] = text
    assert Experiment(config, REPOSITORY).config.compare_with_paper is truth


@pytest.mark.parametrize("text", ["010", "1:30", "7 # x", "1_000", "0x10", " 3", "3 "])
def test_text_that_only_yaml_reads_as_a_number_is_refused(config, text):
    config["training"]["epochs"] = text
    with pytest.raises(ConfigError, match=r"'training\.epochs'"):
        Experiment(config, REPOSITORY)


def test_a_bare_no_is_explained_wherever_it_stands(config):
    config["training"][False] = 1
    with pytest.raises(ConfigError, match=r"config key 'training\.False' is no text; .* in quotes"):
        Experiment(config, REPOSITORY)
    del config["training"][False]
    config["corpus"]["codes"] = {"en": "en", "fr": False}
    with pytest.raises(ConfigError, match=r"'corpus\.codes': the code of 'fr': False .* in quotes"):
        Experiment(config, REPOSITORY)


def test_a_table_that_has_no_settings_is_explained(config):
    config["tables"]["table3"] = ["Ft-all"]
    with pytest.raises(ConfigError, match=r"'tables\.table3' does not exist: Tables 3, 4 and 5 are made of"):
        Experiment(config, REPOSITORY)


def test_figure_3_without_its_settings_is_refused_where_it_is_asked_for(config):
    del config["figure3"]
    assert Experiment(config, REPOSITORY).figures == [1, 2, 4, 5, 6]
    config["figures"] = [1, 3]
    with pytest.raises(ConfigError, match="'figures': Figure 3 needs the settings"):
        Experiment(config, REPOSITORY)


def test_a_section_without_keys_is_left_out(config):
    config |= {"plan": None, "subspaces": None, "pretraining": None}
    assert Experiment(config, REPOSITORY).config.subspaces.rank == 8


def test_everything_that_is_wrong_is_told_at_once(config):
    config["training"] |= {"epochz": 3, "dropout": 2}
    config["gpus"] = -1
    with pytest.raises(ConfigError) as caught:
        Experiment(config, REPOSITORY)
    for key in ("training.epochz", "training.dropout", "gpus"):
        assert f"config key '{key}'" in str(caught.value)


def test_problems_between_keys_are_told_at_once_and_counted(config):
    config["tables"]["table1"] = [f"{rank};1;1+XL" for rank in range(1, 9)]
    config["translation"]["shards"] = 1000
    with pytest.raises(ConfigError, match=r"; and [0-9]+ more$") as caught:
        Experiment(config, REPOSITORY)
    assert str(caught.value).count("config key") == 5
    assert "\n" not in str(caught.value)


def test_sections_that_nothing_uses_do_not_block(config):
    """Nothing is pruned here, and no base model is pretrained."""
    demo = yaml.safe_load((REPOSITORY / "config/demo.yaml").read_text())
    config["tables"] = {"table1": ["Pretrain", "Ft-all", "2;2;2+SRC"]}
    config |= {"figures": [], "figure3": ["Ft-all"], "pruning": {"start": 9, "duration": 9}}
    del config["claims"]
    config |= {"subspaces": {"rank": "x"}, "weight_learning": {"languages": ["ru", "xx"]}}
    config["pretraining"] = {**demo["pretraining"], "heads": 3, "language_weights": {}}
    experiment = Experiment(config, REPOSITORY)
    assert experiment.settings == ["Pretrain", "Ft-all", "2;2;2+SRC"]
    with pytest.raises(ConfigError, match=r"base_model: .*language_weights.*; .*'pretraining\.dimension'"):
        check_targets(experiment, ["base_model"])


def test_a_fault_in_an_unused_section_does_not_block_and_one_in_a_used_section_does(config):
    config["pretraining"] = {"pieces": 1}
    experiment = Experiment(config, REPOSITORY)
    with pytest.raises(ConfigError, match=r"base_model: config key 'pretraining\.\w+'"):
        check_targets(experiment, ["base_model"])
    config["subspaces"]["rank"] = "x"
    with pytest.raises(ConfigError, match=r"'subspaces\.rank'"):
        Experiment(config, REPOSITORY)


def test_pruning_is_checked_where_an_analysis_prunes(config):
    config["tables"] = {"table1": ["Ft-all"]}
    config |= {"figures": [2], "figure3": ["Ft-all"], "pruning": {"start": 9, "duration": 9}}
    del config["claims"]
    with pytest.raises(ConfigError, match="'pruning': start"):
        Experiment(config, REPOSITORY)


def test_the_papers_values_stand_in_for_sections_that_are_left_out(config):
    config["training"]["epochs"] = 15
    for section in ("pruning", "weight_learning", "subspaces", "translation"):
        del config[section]
    for key in ("warmup_updates", "label_smoothing", "dropout"):
        del config["training"][key]
    found = Experiment(config, REPOSITORY).config
    # Table 3, Section 6.1 and Appendix E.
    assert found.pruning.schedule(0.9) == GradualPruningSchedule(ratio=0.9, start=2, duration=8)
    assert (found.weight_learning.rank, found.subspaces.rank, found.subspaces.ratio) == (8, 8, 0.7)
    # Section 5 and the authors' published command.
    assert (found.training.warmup_updates, found.training.label_smoothing, found.training.dropout) == (
        1,
        0.2,
        0.1,
    )
    assert (found.translation.beam, found.translation.length_penalty, found.translation.maximum_length) == (
        5,
        1,
        200,
    )


def test_every_key_has_a_description():
    def sections(section):
        yield section
        for field in section.model_fields.values():
            for kind in (field.annotation, *get_args(field.annotation)):
                if isinstance(kind, type) and issubclass(kind, BaseModel):
                    yield from sections(kind)

    fields = [(name, field) for section in sections(Config) for name, field in section.model_fields.items()]
    assert len(fields) > 80
    assert not [name for name, field in fields if not field.description]


def test_languages_need_not_have_every_class_of_a_setting(config):
    config["languages"] = ["en", "fr", "oc", "wo"]
    config["corpus"]["embedded"]["known_entities"].pop("M")
    assert set(Experiment(config, REPOSITORY).resource_classes.values()) == {"H", "V"}
