"""Settings in the paper's notation are read, printed, put into paths and refused with the part at fault."""

import csv
import random
import re
from decimal import Decimal
from pathlib import Path

import pytest

from lslo.experiment.setting_notation import (
    FULL_FINE_TUNING,
    INDEX_STRATEGIES,
    PRETRAIN,
    Setting,
    SettingError,
)

PAPER = Path(__file__).parents[3] / "resources/paper"


def settings_of_the_paper():
    texts = set()
    for table in (1, 2, 6, 7):
        with (PAPER / f"table{table}.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                texts.add(row["setting"] + ("@fc" if row.get("modules") == "fc" else ""))
    return sorted(texts)


def random_setting(draw):
    ranks = tuple(draw.choice([1, 2, 8, 64, 99999, draw.randint(1, 300)]) for _ in range(draw.choice([3, 4])))
    digits = "".join(draw.choices("0123456789", k=draw.randint(0, 4)))
    ratio = Decimal(f"0.{digits}{draw.randint(1, 9)}") if draw.random() < 0.6 else None
    return Setting("lslo", ranks, draw.choice(INDEX_STRATEGIES), ratio, draw.choice(["all", "fc"]))


def assert_round_trips(setting):
    assert Setting.parse(str(setting)) == setting
    assert Setting.from_slug(setting.slug) == setting
    assert re.fullmatch(r"[A-Za-z0-9._-]+", setting.slug)


@pytest.mark.parametrize("text", settings_of_the_paper())
def test_every_setting_of_the_papers_tables_round_trips(text):
    setting = Setting.parse(text)
    assert str(setting) == text
    assert_round_trips(setting)


def test_the_papers_tables_have_22_settings_and_slugs():
    texts = settings_of_the_paper()
    assert len(texts) == len({Setting.parse(text).slug for text in texts}) == 22


def test_random_settings_round_trip_and_have_slugs_of_their_own():
    draw = random.Random(1)
    settings = {random_setting(draw) for _ in range(500)}
    assert len(settings) > 400
    for setting in settings:
        assert_round_trips(setting)
    assert len({setting.slug for setting in settings}) == len({str(s) for s in settings}) == len(settings)


@pytest.mark.parametrize(
    ("text", "setting", "slug"),
    [
        ("Pretrain", Setting("pretrain"), "Pretrain"),
        ("Ft-all", Setting("full"), "Ft-all"),
        ("2;2;8+WL", Setting("lslo", (2, 2, 8), "WL"), "2-2-8_WL"),
        (
            "2;2;8+WL+GPS(0.9)",
            Setting("lslo", (2, 2, 8), "WL", Decimal("0.9")),
            "2-2-8_WL_GPS0.9",
        ),
        (
            "2;2;8;16+TGT+GPS(0.05)@fc",
            Setting("lslo", (2, 2, 8, 16), "TGT", Decimal("0.05"), "fc"),
            "2-2-8-16_TGT_GPS0.05_fc",
        ),
        ("8;8;8+SRC@fc", Setting("lslo", (8, 8, 8), "SRC", None, "fc"), "8-8-8_SRC_fc"),
    ],
)
def test_parts_of_a_setting(text, setting, slug):
    assert Setting.parse(text) == setting
    assert setting.slug == slug


def test_all_modules_may_be_written_out_and_are_the_default():
    assert Setting.parse("8;8;8+WL@all") == Setting.parse("8;8;8+WL")
    assert str(Setting.parse("8;8;8+WL@all")) == "8;8;8+WL"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", ""),
        ("pretrain", "pretrain"),
        ("Ft-all ", "Ft-all "),
        ("2;2;8", "2;2;8"),
        ("2;2;8@fc", "2;2;8"),
        ("2;2;8+WL@ffn", "@ffn"),
        ("2;2;8+WL@", "@"),
        ("2;2;8+WL@fc@fc", "@fc@fc"),
        ("2;2+WL", "2;2"),
        ("2;2;8;8;8+WL", "2;2;8;8;8"),
        ("8+WL", "8"),
        ("2;x;8+WL", "x"),
        ("2;;8+WL", ""),
        ("0;2;8+WL", "0"),
        ("02;2;8+WL", "02"),
        ("-2;2;8+WL", "-2"),
        ("2;2;2.5+WL", "2.5"),
        ("2;2;100000+WL", "100000"),
        ("2; 2;8+WL", " 2"),
        ("2;2;८+WL", "८"),
        ("2;2;8+wl", "wl"),
        ("2;2;8+", ""),
        ("2;2;8+GPS(0.9)", "GPS(0.9)"),
        ("2;2;8+WL+GPS", "GPS"),
        ("2;2;8+WL+GPS0.9", "GPS0.9"),
        ("2;2;8+WL+SRC", "SRC"),
        ("2;2;8+WL+GPS()", ""),
        ("2;2;8+WL+GPS(1)", "1"),
        ("2;2;8+WL+GPS(0)", "0"),
        ("2;2;8+WL+GPS(0.0)", "0.0"),
        ("2;2;8+WL+GPS(1.5)", "1.5"),
        ("2;2;8+WL+GPS(.9)", ".9"),
        ("2;2;8+WL+GPS(0.90)", "0.90"),
        ("2;2;8+WL+GPS(9e-1)", "9e-1"),
        ("2;2;8+WL+GPS(90%)", "90%"),
        ("2;2;8+WL+GPS(0.9)+x", "x"),
        ("2;2;8+WL+GPS(0.9)+x+y", "x+y"),
    ],
)
def test_the_part_at_fault_is_named(text, part):
    with pytest.raises(SettingError) as error:
        Setting.parse(text)
    assert f"setting '{text}': '{part}' " in str(error.value)
    assert "{ranks}+{index}" in str(error.value)


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "2;2;8+WL",
        "2-2-8",
        "2-2-8_wl",
        "2-2-8_WL_GPS",
        "2-2-8_WL_fc_GPS0.9",
        "2-2-8_WL_all",
        "2-2-8_WL_GPS0.90",
        "2-2_WL",
        "02-2-8_WL",
        "pretrain",
        "2-2-8_WL/..",
        "2-2-8_WL\n",
    ],
)
def test_what_is_no_slug_is_refused(slug):
    with pytest.raises(SettingError):
        Setting.from_slug(slug)


@pytest.mark.parametrize("text", ["2;2;8+WL\n", "Pretrain\n", "2;2;8+WL+GPS(0.9)\n", "2;2;8+WL@fc\n"])
def test_a_line_break_is_not_overlooked(text):
    with pytest.raises(SettingError):
        Setting.parse(text)


def test_ranks_by_resource_class():
    assert Setting.parse("2;3;8+WL").rank_of_class({"V", "H", "M"}) == {"H": 2, "M": 3, "V": 8}
    four = Setting.parse("2;3;8;16+WL").rank_of_class({"H", "M", "L", "V"})
    assert four == {"H": 2, "M": 3, "L": 8, "V": 16}


@pytest.mark.parametrize("classes", ["HV", "HM", "V", "LV", "HMV"])
def test_a_class_without_languages_leaves_its_rank_unused(classes):
    four = Setting.parse("2;3;8;16+WL").rank_of_class(set(classes))
    assert {name: four[name] for name in classes} == {
        name: rank for name, rank in {"H": 2, "M": 3, "L": 8, "V": 16}.items() if name in classes
    }
    if "L" not in classes:
        three = Setting.parse("2;3;8+WL").rank_of_class(set(classes))
        assert all(three[name] == {"H": 2, "M": 3, "V": 8}[name] for name in classes)


@pytest.mark.parametrize("classes", ["V", "LV"])
def test_gps_without_languages_to_prune_is_refused(classes):
    Setting.parse("2;2;8;8+WL").rank_of_class(set(classes))
    with pytest.raises(SettingError, match="prunes languages of the classes H and M, but") as error:
        Setting.parse("2;2;8;8+WL+GPS(0.9)").rank_of_class(set(classes))
    assert str(error.value).endswith(f" {';'.join(classes)}")


@pytest.mark.parametrize(
    ("text", "classes", "stands_for", "have"),
    [
        ("2;2;8+WL", {"H", "M", "L", "V"}, "H;M;V", "H;M;L;V"),
        ("2;2;8+WL", {"L"}, "H;M;V", "L"),
        ("2;2;8+WL", {"L", "V"}, "H;M;V", "L;V"),
        ("2;2;8+WL", {"H", "M", "L"}, "H;M;V", "H;M;L"),
    ],
)
def test_ranks_that_do_not_fit_the_classes_are_refused(text, classes, stands_for, have):
    with pytest.raises(SettingError) as error:
        Setting.parse(text).rank_of_class(classes)
    message = str(error.value)
    assert f"setting '{text}'" in message
    assert f"ranks for {stands_for}" in message
    assert re.search(rf"\b{have}$", message)


def test_errors_are_value_errors():
    assert issubclass(SettingError, ValueError)
    assert (str(Setting.parse(PRETRAIN)), str(Setting.parse(FULL_FINE_TUNING))) == ("Pretrain", "Ft-all")


def test_each_language_has_the_rank_of_its_class():
    classes = {"en": "H", "oc": "V", "nl": "M", "wo": "V"}
    assert Setting.parse("1;2;8+WL").rank_of_language(classes) == {"en": 1, "oc": 8, "nl": 2, "wo": 8}
    assert Setting.parse("Ft-all").rank_of_language(classes) == {}
