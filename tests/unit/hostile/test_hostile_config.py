"""A configuration that is taken has all that the workflow asks of it; any other is refused in one line."""

import copy
import datetime
import math
import re
from pathlib import Path, PurePosixPath

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hostile_input import PIECES, accepted, bounded, mutated
from lslo.experiment.config_errors import ConfigError
from lslo.experiment.experiment import Experiment
from lslo.experiment.setting_notation import Setting

REPOSITORY = Path(__file__).parents[3]
DEMO = yaml.safe_load((REPOSITORY / "config/demo.yaml").read_text())
LANG12 = yaml.safe_load((REPOSITORY / "config/lang12.yaml").read_text())


def places(value, path=()):
    """The path of every value in a configuration."""
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list | tuple)
        else ()
    )
    for key, inner in items:
        yield from places(inner, (*path, key))


NUMBERS = st.sampled_from(
    [0, -1, 1, 1.0, 2.5, 10**9, 2**63, 2**64, 10**400, 5e-324, 1e308, math.nan, math.inf, -math.inf, True]
)
SCALARS = NUMBERS | st.sampled_from(
    [None, False, datetime.date(2024, 1, 1), b"\xff", "", "en", "no", *PIECES]
)
KEYS = st.sampled_from(
    ["x", "epochs", "folder", "source", "codes", "", 1, None, False, math.nan, "a\nb", "\0"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)


def like(value):
    """Values of the same kind."""
    if isinstance(value, str):
        return mutated([value]) | st.sampled_from(["de", "2;2;8+WL", "Ft-all", "resources", "flores101", "x"])
    if isinstance(value, list):
        return st.lists(st.sampled_from(value or [""]), max_size=5)
    if isinstance(value, int | float):
        return NUMBERS | st.integers(0, 30)
    return VALUES


@st.composite
def configurations(draw):
    """A configuration of this repository with one to three of its values changed, added or taken out."""
    config = copy.deepcopy(draw(st.sampled_from([DEMO, LANG12])))
    for _ in range(draw(st.integers(1, 2))):
        *parents, last = draw(st.sampled_from(list(places(config))[1:]))
        holder = config
        for key in parents:
            holder = holder[key]
        change = draw(st.sampled_from(["like", "like", "like", "value", "remove", "add", "twice"]))
        if change == "remove":
            del holder[last]
        elif change == "twice" and isinstance(holder, list):
            holder.append(holder[last])
        elif change == "add" and isinstance(holder, dict):
            holder[draw(KEYS)] = draw(VALUES)
        else:
            holder[last] = draw(like(holder[last]) if change == "like" else VALUES)
        if len(list(places(config))) < 2:
            break
    return config


@bounded(150)
@given(configurations())
def test_a_configuration_is_usable_or_refused_in_one_line(config):
    experiment = accepted(["config"], Experiment, config, REPOSITORY)
    if experiment is None:
        return
    # Everything that rules and scripts ask of it can be asked.
    config = experiment.config.model_dump()
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", config["experiment"])
    assert len(experiment.directions) == len(experiment.codes) * (len(experiment.codes) - 1) >= 2
    assert set(experiment.model_codes) == set(experiment.codes)
    paths = [path for split in experiment.text_paths.values() for path in split.values()]
    assert len(set(paths)) == 2 * len(experiment.codes)
    assert not any(".." in PurePosixPath(path).parts or path.startswith("/") for path in paths)
    for text in experiment.settings:
        assert str(Setting.parse(text)) == text
    for path in places(config):
        value, schema = config, DEMO
        for key in path:
            value = value[key]
            schema = schema.get(key) if isinstance(schema, dict) else None
        assert not isinstance(value, float) or math.isfinite(value)
        # range() and torch's seeds are as strict.
        assert type(schema) is not int or (type(value) is int and value < 2**62)


@pytest.fixture
def config():
    return copy.deepcopy(DEMO)


def refusal(config):
    with pytest.raises(ConfigError) as error:
        Experiment(config, REPOSITORY)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1100
    return str(error.value)


@pytest.mark.parametrize(
    "name", ["demo\n", "../demo", "/tmp/demo", "..", ".hidden", "a b", "$(id)", "x" * 101]
)
def test_a_name_of_an_experiment_is_one_of_a_folder(config, name):
    config["experiment"] = name
    assert "config key 'experiment'" in refusal(config)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 5.0),
        ("epochs", True),
        ("epochs", 10**400),
        ("label_smoothing", math.nan),
        ("checkpoint_minutes", math.inf),
        ("dropout", False),
    ],
)
def test_a_number_is_a_finite_one_of_its_kind(config, key, value):
    config["training"][key] = value
    assert f"config key 'training.{key}'" in refusal(config)


def test_a_bare_no_is_explained(config):
    config["languages"][0] = False
    assert "config key 'languages.0'" in refusal(config)
    assert "in quotes" in refusal(config)


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("{code.__class__}/{split}", "no other braces"),
        ("{code:>99999999999}{split}", "no other braces"),
        ("{code[x]}/{split}", "no other braces"),
        ("{split}/{{code}}", "no other braces"),
        ("{sp{code}lit}", "no other braces"),
        ("{split}/all.txt", "the same file"),
        ("{code}.txt", "the same file"),
        ("../{split}/{code}", "leads out of"),
        ("{split}/../../{code}", "leads out of"),
        ("/{split}/{code}", "config key 'corpus.pattern'"),
        ("{split}\n/{code}", "config key 'corpus.pattern'"),
    ],
)
def test_a_pattern_names_a_file_of_each_language_in_the_folder(config, pattern, fault):
    config["corpus"] = {"folder": str(REPOSITORY), "pattern": pattern}
    assert fault in refusal(config)


@pytest.mark.parametrize("folder", ["..", "a/../../b", "/etc"])
def test_a_folder_of_an_archive_lies_in_it(folder):
    config = copy.deepcopy(LANG12)
    config["corpus"]["folder"] = folder
    assert "leads out of" in refusal(config)


@pytest.mark.parametrize("path", ["a\0b", "a\nb", "my{x}", "x" * 300, "\ud800", "config", "tests/none.tsv"])
@pytest.mark.parametrize("key", ["languages_table", "sources_table", "base_model", "corpus"])
def test_a_path_that_cannot_be_used_is_named(config, key, path):
    config[key] = {"folder": path} if key == "corpus" else path
    message = refusal(config)
    assert f"config key '{key}" in message or "a path in it cannot be used" in message


def test_a_pattern_of_the_schema_holds_to_the_end(config):
    config["corpus"] = {"folder": "x", "codes": "m2m\n"}
    assert "config key 'corpus.codes'" in refusal(config)
    config["base_model"] = {"hub": "owner/model\n"}
    assert "config key" in refusal(config)


def test_what_classes_and_directions_need_is_there(config):
    del config["corpus"]["embedded"]["known_entities"]["V"]
    assert "'corpus.embedded.known_entities': there is no number for the resource class V" in refusal(config)
    config["corpus"]["embedded"]["known_entities"]["V"] = 0.5
    config["translation"]["shards"] = 10**9
    assert "'translation.shards'" in refusal(config)


def test_values_that_aliases_multiply_or_close_to_a_ring_are_refused_at_once(config):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    config["languages"] = yaml.safe_load("\n".join(lines))["a11"]
    assert "aliases" in refusal(config)
    config["languages"] = yaml.safe_load("&ring [*ring, *ring]")
    assert "aliases" in refusal(config)
