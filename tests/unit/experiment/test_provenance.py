"""What has changed since a record was written is found and named."""

import json
import shutil
from types import SimpleNamespace

import pytest

from lslo.experiment.provenance import recorded
from lslo.experiment.staleness import changes, explain


class Named(SimpleNamespace):
    """Stands for Snakemake's own containers."""

    def items(self):
        return vars(self).items()

    def get(self, name, default=None):
        return vars(self).get(name, default)

    def __iter__(self):
        return iter(vars(self).values())


CONFIG = {"training": {"epochs": 3}, "translation": {"beam": 5}, "tables": {"table1": ["Pretrain"]}}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A record of a job, the folder of its workflow, and the path of its input."""
    monkeypatch.chdir(tmp_path)
    scripts = tmp_path / "code/workflow/scripts"
    scripts.mkdir(parents=True)
    (scripts / "finetune.py").write_text("import json\n")
    (tmp_path / "corpus.txt").write_text("one\n")
    snakemake = SimpleNamespace(
        rule="finetune",
        scriptdir=str(scripts),
        wildcards=Named(setting="2-2-8_WL", seed="1"),
        config=CONFIG,
        params=Named(recipe={"epochs": 3}, code="abc", state="state", locks="locks"),
        input=["corpus.txt", "not there"],
        output=Named(adapter="adapter", record="records/finetune.json"),
    )
    (tmp_path / "state/result").mkdir(parents=True)
    (tmp_path / "state/result/attempts.jsonl").write_text('{"started": "2026"}\n')
    with recorded(snakemake):
        assert not (tmp_path / "records").exists()
        (tmp_path / "adapter").mkdir()
        (tmp_path / "adapter/weights").write_text("1")
    return json.loads((tmp_path / "records/finetune.json").read_text()), tmp_path / "code"


def test_a_record_holds_what_determined_the_result(made):
    record, _ = made
    assert record["config"] == CONFIG
    assert record["params"] == {"recipe": {"epochs": 3}}
    assert list(record["inputs"]) == ["corpus.txt"]
    assert list(record["code"]) == ["workflow/scripts/finetune.py"]
    assert {"python", "torch", "snakemake"} <= set(record["software"])
    assert record["seconds"] >= 0
    assert record["attempts"] == [{"started": "2026"}]
    assert list(record["outputs"]) == ["adapter"]


def test_nothing_has_changed(made):
    record, root = made
    assert changes(record, CONFIG, root) == []


def test_every_change_is_named_and_only_what_matters(made, tmp_path):
    record, root = made
    config = {"training": {"epochs": 4, "dropout": 0.1}, "translation": {"beam": 1}, "tables": {}}
    (tmp_path / "corpus.txt").unlink()
    (root / "workflow/scripts/finetune.py").write_text("import os\n")
    record["software"]["torch"] = "1.0"
    found = changes(record, config, root)
    assert found[:4] == [
        "config training.dropout: not given -> 0.1",
        "config training.epochs: 3 -> 4",
        "code workflow/scripts/finetune.py has changed",
        "input corpus.txt is gone",
    ]
    assert len(found) == 5
    assert found[4].startswith('software torch: "1.0" -> ')


def test_a_changed_and_a_lost_output_are_named(made, tmp_path):
    record, root = made
    (tmp_path / "adapter/.snakemake_timestamp").write_text("")
    assert changes(record, CONFIG, root) == []
    (tmp_path / "adapter/weights").write_text("2")
    assert changes(record, CONFIG, root) == ["output adapter has changed"]
    shutil.rmtree(tmp_path / "adapter")
    assert changes(record, CONFIG, root) == ["output adapter is gone"]


@pytest.mark.parametrize(
    ("rule", "slug", "relevant"),
    [
        ("finetune", "2-2-8_WL_GPS0.9", {"rates.lslo", "pruning", "weight_learning"}),
        ("finetune", "2-2-8_SRC", {"rates.lslo"}),
        ("finetune", "Ft-all", {"rates.full"}),
        ("translate", "Pretrain", {"translation"}),
        ("translate", "Ft-all", {"rates.full", "translation"}),
        ("score", "2-2-8_WL", {"rates.lslo", "weight_learning", "translation", "scoring"}),
        ("learn_weights", None, {"rates.lslo", "weight_learning"}),
        ("estimate_subspaces", None, {"rates.lslo", "weight_learning", "pruning", "subspaces"}),
    ],
)
def test_only_what_a_result_depends_on_makes_it_stale(made, rule, slug, relevant):
    record, root = made
    parts = {
        "rates.lslo": {"training": {"learning_rate": {"lslo": 1.0}}},
        "rates.full": {"training": {"learning_rate": {"full": 1.0}}},
        **{name: {name: {"x": 1}} for name in ("pruning", "weight_learning", "subspaces", "translation")},
        "scoring": {"scoring": {"tokenizer": "flores101"}},
        "minutes": {"training": {"checkpoint_minutes": 1}},
        "tables": {"tables": {"table1": []}},
    }
    record = {**record, "rule": rule, "config": {}, "wildcards": {"setting": slug} if slug else {}}
    assert {name for name, config in parts.items() if changes(record, config, root)} == relevant


def test_a_job_that_failed_leaves_no_record(made, tmp_path):
    snakemake = SimpleNamespace(output=Named(record="records/failed.json"), params=Named())
    with pytest.raises(ZeroDivisionError), recorded(snakemake):
        raise ZeroDivisionError
    assert not (tmp_path / "records/failed.json").exists()


def test_results_are_explained_one_by_one(made, tmp_path):
    _, root = made
    path = tmp_path / "records/finetune.json"
    for damaged in ("", "[]", "{}", '{"rule": 1}', "[" * 100_000):
        (tmp_path / "damaged.json").write_text(damaged)
        assert list(explain([tmp_path / "damaged.json"], CONFIG, root)) == [
            f"{tmp_path / 'damaged.json'}: damaged, not a record"
        ]
    lines = list(explain([path, tmp_path / "other.json"], {**CONFIG, "training": {"epochs": 5}}, root))
    assert lines[0].startswith(f"{path}: made 20")
    assert lines[0].endswith(" by finetune, stale")
    assert lines[1] == "    config training.epochs: 3 -> 5"
    assert lines[2] == f"{tmp_path / 'other.json'}: not made yet"
