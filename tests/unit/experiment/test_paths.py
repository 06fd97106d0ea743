"""Paths: with Snakemake's wildcards for the rules, with values for everybody else."""

from pathlib import Path

import pytest
import yaml

from lslo.experiment.experiment import Experiment
from lslo.experiment.paths import Paths
from lslo.experiment.setting_notation import Setting
from lslo.experiment.wanted_files import parameter_files, record_files, setting_files

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def experiment():
    config = yaml.safe_load((REPOSITORY / "tests/data/tiny.yaml").read_text())
    return Experiment({**config, "seeds": [3, 5]}, REPOSITORY)


def test_a_rules_path_with_its_wildcards_filled_in_is_everybody_elses():
    paths = Paths("demo")
    values = {"setting": "2-2-8_WL", "seed": 3, "analysis": "ise", "number": 2, "source": "flores101"}
    for pattern, path in (
        (paths.adapter(), paths.adapter("2-2-8_WL", 3)),
        (paths.record("score"), paths.record("score", "2-2-8_WL", 3)),
        (paths.subspaces(".csv"), paths.subspaces(".csv", "ise")),
        (paths.figure("pdf"), paths.figure("pdf", 2)),
        (paths.extracted(), paths.extracted("flores101")),
    ):
        assert str(pattern) != str(path)
        assert str(pattern).format(**values) == str(path)


def test_an_adapter_is_where_the_readme_says():
    path = Paths("demo").adapter(Setting.parse("2;2;8+WL+GPS(0.9)").slug, 1)
    assert path == Path("results/demo/settings/2-2-8_WL_GPS0.9/seed1/adapter")


def test_everything_lies_below_the_root(tmp_path):
    paths = Paths("demo", tmp_path)
    for path in (
        *(paths.results, paths.data, paths.corpus, paths.gpu_locks, paths.flores101_model),
        *(
            paths.log("score", "x"),
            paths.benchmark("plan"),
            paths.shared_log("a"),
            paths.shared_benchmark("a"),
        ),
        *paths.table_files("table1").values(),
    ):
        assert tmp_path in path.parents


def test_the_base_model_has_one_run_and_every_other_setting_one_a_seed(experiment):
    files = setting_files(experiment, ["Pretrain", "2;2;2+WL"], experiment.paths.scores)
    assert files == {
        "Pretrain": ["results/tiny/settings/Pretrain/seed3/scores.csv"],
        "2;2;2+WL": [f"results/tiny/settings/2-2-2_WL/seed{seed}/scores.csv" for seed in (3, 5)],
    }
    assert parameter_files(experiment, ["Pretrain", "2;2;2+WL"]) == {
        "2;2;2+WL": "results/tiny/settings/2-2-2_WL/seed3/parameters.json"
    }


def test_every_result_has_one_record(experiment):
    records = list(record_files(experiment))
    assert len(records) == len(set(records))
    # Corpus, weight learning, ISE, LSP; five trained settings and Pretrain; two settings of Figure 3; tables,
    # figures and claims.
    assert len(records) == 4 + 2 * 5 * 3 + 2 + 2 * 2 * 2 + 3 + 6 + 1


def test_records_are_those_of_what_is_wanted(experiment):
    config = {**experiment.values, "figures": [], "tables": {"table1": ["Ft-all"]}, "figure3": ["Ft-all"]}
    del config["claims"]
    records = {str(path) for path in record_files(Experiment(config, REPOSITORY))}
    assert not [
        path for path in records if "subspaces" in path or "weight_learning" in path or "epochs" in path
    ]
    config["figures"] = [3]
    followed = {str(path) for path in record_files(Experiment(config, REPOSITORY))}
    # The base model as it is stands for epoch 0.
    assert "results/tiny/settings/Pretrain/seed3/records/score.json" in followed - records
