"""The bench's arithmetic, its checks of agreement and its choice of work, without any engine."""

import math
import re

import pytest

from agreement import (
    DisagreementError,
    TranslationTolerance,
    check_numbers,
    check_repetition,
    check_translations,
)
from lslo.experiment.hyperparameters import Decoding
from lslo.experiment.languages import all_directions
from number_tokenizer import NumberTokenizer
from report import comparison_table, flattened, make_row, markdown, number
from results import EngineResult
from rounds import order
from run import parse
from sizes import SIZES
from training_work import trained_directions
from translation_engines import RecordingTokenizer, sorted_batches
from work import spread_directions

LANGUAGES = ["en", "fr", "de", "it", "zh", "nl", "ja", "ko", "oc", "or", "sd", "wo"]


def row(seconds, reference, **options):
    given = {"work": 100, "reference_work": 100, "peak_memory_bytes": [2**30], "agreement": "-"}
    return make_row("engine", seconds, reference, **given | options)


def test_a_row_has_medians_and_the_median_of_the_ratios_of_rounds():
    found = row([2.0, 9.0, 4.0], [1.0, 3.0, 8.0], peak_memory_bytes=[2**30, 3 * 2**30, 2**30])
    assert (found.seconds, found.least, found.most) == (4.0, 2.0, 9.0)
    assert found.per_second == 25.0
    # 2, 3 and 0.5: the median is not the ratio of the medians, 4 / 3.
    assert (found.ratio, found.least_ratio, found.most_ratio) == (2.0, 0.5, 3.0)
    assert found.peak_memory_gib == 3.0
    assert found.rounds == 3


def test_a_ratio_is_of_seconds_for_a_unit_of_work():
    assert row([2.0], [1.0], work=50, reference_work=100).ratio == 4.0


def test_an_even_number_of_rounds_has_the_mean_of_the_middle_ones():
    assert row([1.0, 3.0], [1.0, 1.0]).ratio == 2.0


@pytest.mark.parametrize(
    ("seconds", "reference"), [([], []), ([1.0], [1.0, 2.0]), ([0.0], [1.0]), ([1.0], [-1.0])], ids=str
)
def test_rounds_that_cannot_be_compared_are_refused(seconds, reference):
    with pytest.raises(ValueError, match="cannot be compared"):
        row(seconds, reference)


def test_numbers_have_three_digits():
    assert [number(value) for value in (12345.6, 99.96, 1.2345, 0.012345)] == [
        "12,346",
        "100",
        "1.23",
        "0.0123",
    ]


COMPARISON = {
    "title": "Translation, tiny",
    "work": "Two directions.",
    "unit": "target_tokens",
    "rows": [
        {
            "engine": "lslo",
            "seconds": 1.0,
            "least": 0.5,
            "most": 2.0,
            "per_second": 3.0,
            "ratio": 1.0,
            "least_ratio": 1.0,
            "most_ratio": 1.0,
            "peak_memory_gib": 0.5,
            "agreement": "a | b",
            "notes": ["on two threads"],
        }
    ],
    "missing": ["PEFT, since peft is not installed"],
    "errors": ["CTranslate2: translations differ"],
    "not_covered": "the rest.",
}


def test_a_table_tells_of_rows_of_what_was_not_measured_and_of_what_failed():
    text = re.sub(" +", " ", "\n".join(comparison_table(COMPARISON)))
    assert "| lslo | 1 (0.5 to 2) | 3 | 1.00 (1.00 to 1.00) | 0.50 | a / b |" in text
    assert "| Engine | Seconds (range) | target tokens per second | Time relative to lslo (range) |" in text
    assert "- lslo: on two threads." in text
    assert "- Not measured: PEFT, since peft is not installed." in text
    assert "- **Failed**: CTranslate2: translations differ." in text
    assert "Not covered: the rest." in text
    # There is no table if every engine failed.
    assert "|" not in "\n".join(comparison_table(COMPARISON | {"rows": []}))


def test_the_page_has_the_machine_and_a_place_for_the_workflow():
    machine = {
        "processor": "a processor",
        "cores": 2,
        "memory_gib": 8.0,
        "threads": 2,
        "matrix_peak_gflop_per_second": 100.0,
        "memory_bandwidth_gb_per_second": 20.0,
        "versions": {"torch": "2"},
    }
    report = {"machine": machine, "rounds": 3, "comparisons": [COMPARISON], "workflow": None}
    assert "Workflow overhead\n\nNot measured." in markdown(report)
    measured = {"plan": {"seconds": 1.23456, "jobs": 12}}
    assert list(flattened(measured)) == [("plan seconds", "1.23"), ("plan jobs", "12")]
    assert "| plan seconds | 1.23 |" in re.sub(" +", " ", markdown(report | {"workflow": measured}))


def test_numbers_that_differ_are_a_disagreement():
    assert "within" in check_numbers("loss", {"a": 2.0}, {"a": 2.0001}, 1e-4)
    assert "within" in check_numbers("scores", {"a": 0.0}, {"a": 1e-10}, 0.0, 1e-9)
    for found in ({"a": 2.001}, {"a": math.nan}, {"b": 2.0}, {}):
        with pytest.raises(DisagreementError):
            check_numbers("loss", {"a": 2.0}, found, 1e-4)
    with pytest.raises(DisagreementError):
        check_numbers("loss", {}, {}, 1e-4)


def test_a_round_that_gives_something_else_is_a_disagreement():
    def result(outputs):
        return EngineResult({"": 1.0}, {}, {}, outputs)

    first = result({"en-de": [[1, 2], [3]]})
    check_repetition(first, result({"en-de": [[1, 2], [3]]}))
    with pytest.raises(DisagreementError, match=r"50\.0 % of lines"):
        check_repetition(first, result({"en-de": [[1, 2], [4]]}))
    check_repetition(result({"loss": 2.0}), result({"loss": 2.00001}))
    with pytest.raises(DisagreementError):
        check_repetition(result({"loss": 2.0}), result({"loss": 2.1}))


def test_translations_that_are_missing_are_a_disagreement():
    for found in ({}, {"en-de": [[1]]}):
        with pytest.raises(DisagreementError, match="not as many"):
            check_translations(None, {"en-de": [[1], [2]]}, found, TranslationTolerance(0.0, 100.0))


def test_directions_to_translate_are_spread_over_languages():
    chosen = spread_directions(LANGUAGES, 24)
    assert len(set(chosen)) == 24
    for side in (0, 1):
        assert sorted(direction[side] for direction in chosen) == sorted(LANGUAGES * 2)
    assert sorted(spread_directions(LANGUAGES, 132)) == sorted(all_directions(LANGUAGES))


@pytest.mark.parametrize("directions", [4, 8, 12])
def test_directions_to_train_on_have_a_language_once_a_side(directions):
    chosen = trained_directions(LANGUAGES, directions)
    assert len(chosen) == directions
    for side in (0, 1):
        assert len({direction[side] for direction in chosen}) == directions
    assert all(source != target for source, target in chosen)


def test_batches_to_generate_hold_every_row_once_and_keep_to_the_budget():
    lengths = [3, 10, 7, 7, 1, 10]
    batches = list(sorted_batches(lengths, Decoding(beam=2, tokens_per_batch=40)))
    assert sorted(place for batch in batches for place in batch) == list(range(6))
    for batch in batches:
        assert len(batch) * max(lengths[place] for place in batch) * 2 <= 40
    assert [lengths[place] for batch in batches for place in batch] == sorted(lengths, reverse=True)


def test_numbers_are_a_text():
    tokenizer = NumberTokenizer(100, ["en", "de"])
    assert tokenizer.encode(["17 23", ""]) == [[17, 23], []]
    assert tokenizer.decode([[17, 23, 2], [2]]) == ["17 23", ""]
    assert tokenizer.language_token("de") == 101
    assert RecordingTokenizer(tokenizer).decode([[17, 2]]) == ["17\t17 2"]


def test_every_other_round_is_backwards():
    assert [order([1, 2, 3], round_number) for round_number in (1, 2, 3)] == [[1, 2, 3], [3, 2, 1], [1, 2, 3]]


def test_the_command_line(capsys):
    assert parse([]).sizes == ["embedded", "middle"]
    assert parse([]).rounds == 3
    for wrong, message in {
        "--device foo": "PyTorch knows no such device",
        "--only scoring --sizes middle": "nothing to compare",
        "--directions 133": "no more than 132",
    }.items():
        with pytest.raises(SystemExit):
            parse(wrong.split())
        assert message in capsys.readouterr().err
    quick = parse(["--quick", "--sizes", "m2m124"])
    assert (quick.sizes, quick.rounds) == (["embedded"], 1)
    assert set(SIZES) == {"embedded", "middle", "m2m124"}
    with pytest.raises(SystemExit):
        parse(["--rounds", "0"])
