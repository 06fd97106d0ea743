"""Every comparison of the bench runs on very little work, and its engines agree."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agreement import (
    SAME_SEARCH,
    DisagreementError,
    check_translations,
)
from lslo.experiment.hyperparameters import Decoding
from lslo.translation.translate import translate
from models import Merger
from sizes import SIZES
from translation_engines import generate_direction, run_lslo
from translation_work import write_translation_work

pytestmark = pytest.mark.bench

REPOSITORY = Path(__file__).parents[2]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The JSON and the page that `bench/run.py --quick` writes."""
    for package in ("peft", "accelerate", "ctranslate2"):
        pytest.importorskip(package, reason="`make bench` installs the peers")
    folder = tmp_path_factory.mktemp("bench")
    command = [sys.executable, str(REPOSITORY / "bench/run.py"), "--quick", "--threads", "1"]
    result = subprocess.run(
        [*command, "--output", str(folder), "--device", "cpu"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert not (folder / "work").exists()
    return json.loads((folder / "bench.json").read_text()), (folder / "bench.md").read_text()


def test_every_comparison_has_all_its_rows(report):
    content, page = report
    rows = {one["title"]: [row["engine"] for row in one["rows"]] for one in content["comparisons"]}
    # Each engine has a row, and each of CTranslate2's has two, one a variant.
    assert {title: len(of) for title, of in rows.items()} == {
        "Translation, embedded, 2;2;8": 8,
        "Training, embedded, 2;2;8": 7,
        "Training, embedded, 64;64;64": 6,
        "Training, embedded, 2;2;8, few pairs per direction": 3,
        "Scoring, embedded": 2,
    }
    for comparison in content["comparisons"]:
        assert comparison["errors"] == comparison["missing"] == []
        assert comparison["rows"][0]["ratio"] == 1
        for row in comparison["rows"]:
            assert row["seconds"] > 0
            assert row["engine"] in page


def test_engines_say_how_they_agree(report):
    rows = {
        (one["title"], row["engine"]): row["agreement"]
        for one in report[0]["comparisons"]
        for row in one["rows"]
    }
    for (title, engine), text in rows.items():
        if "generate" in engine:
            assert text == "100.0 % of lines identical"
        elif "a language," in engine:
            assert "loss within" in text
            assert "gradient within" in text
        elif title.startswith("Scoring") and engine.startswith("sacrebleu"):
            assert "scores within" in text


def test_the_machine_is_described_and_measured(report):
    machine = report[0]["machine"]
    assert machine["threads"] == 1
    assert machine["matrix_peak_gflop_per_second"] > 0
    assert machine["memory_bandwidth_gb_per_second"] > 0
    assert {"torch", "transformers", "ctranslate2", "peft"} <= machine["versions"].keys()


@pytest.fixture(scope="module")
def middle(tmp_path_factory):
    """The work of translating two directions with the random model."""
    size = replace(SIZES["middle"], directions=2, rows=8)
    return write_translation_work(tmp_path_factory.mktemp("work"), size, "2;2;8")


@pytest.fixture(scope="module")
def translations(middle):
    return run_lslo(middle, CPU).outputs


def test_sentences_of_the_random_model_end_at_many_lengths(middle, translations):
    lengths = [len(tokens) for of in translations.values() for tokens in of]
    assert max(lengths) < middle.size.decoding["maximum_length"]
    assert len(set(lengths)) >= 6
    assert 15 < np.mean(lengths) < 40


def test_the_limit_ends_sentences_alike(tmp_path):
    size = SIZES["middle"]
    short = replace(size, directions=1, rows=4, decoding={**size.decoding, "maximum_length": 12})
    work = write_translation_work(tmp_path, short, "2;2;8")
    (direction,) = work.directions
    ours = run_lslo(work, CPU).outputs["-".join(direction)]
    # The language token is one of the twelve tokens of the limit.
    assert max(map(len, ours)) == 11
    merged = Merger(work.base_model, work.adapter).merge(direction)
    assert generate_direction(merged, work, direction, CPU) == ours


def test_the_adapter_changes_translations(middle, translations):
    sources = middle.content["sources"]
    model = Merger(middle.base_model, middle.adapter).model
    decoding = Decoding(**middle.size.decoding)
    without = translate(model, middle.tokenizer, sources, middle.directions, decoding)
    same = [
        middle.tokenizer.decode([tokens])[0] == line
        for direction, lines in without.items()
        for tokens, line in zip(translations["-".join(direction)], lines, strict=True)
    ]
    assert sum(same) < len(same) / 2


def test_another_directions_adapter_is_a_disagreement(middle, translations):
    """The check notices that another direction's adapter was merged."""
    wrong = Merger(middle.base_model, middle.adapter).merge(middle.directions[1])
    first = middle.directions[0]
    found = {"-".join(first): generate_direction(wrong, middle, first, CPU)}
    with pytest.raises(DisagreementError, match="translations differ"):
        check_translations(middle, translations, found, SAME_SEARCH)
