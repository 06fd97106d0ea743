"""The real workflow on a configuration cut down to a minute: its results, and which it makes again."""

import json
from itertools import permutations
from pathlib import Path

import pandas
import pytest
import torch

from lslo.adapters.adapter_folder import load_with_adapter
from lslo.experiment.setting_notation import Setting
from lslo.scoring.score_files import read_scores

pytestmark = pytest.mark.slow


def results(workflow):
    return workflow.folder / "results" / "tiny"


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_every_table_and_figure_is_there_and_says_something(finished_workflow):
    folder = results(finished_workflow)
    for number in (1, 3, 4, 6, 7):
        for ending in ("csv", "md", "tex", "html"):
            assert len(lines(folder / f"tables/table{number}.{ending}")) >= 3
    for number in range(1, 7):
        assert (folder / f"figures/figure{number}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / f"figures/figure{number}.png").read_bytes().startswith(b"\x89PNG")
        assert not pandas.read_csv(folder / f"figures/figure{number}.csv").empty
    assert "claims" in (folder / "claims.md").read_text()
    report = (folder / "report.html").read_text()
    assert "figure6.png" in report
    assert "table7.html" in report
    assert "run.html" in report


def test_table_1_is_made_of_the_scores_of_the_translations(finished_workflow):
    folder = results(finished_workflow)
    table = pandas.read_csv(folder / "tables/table1.csv").set_index("setting")
    for text in finished_workflow.config()["tables"]["table1"]:
        scores = read_scores(folder / "settings" / Setting.parse(text).slug / "seed1/scores.csv")
        assert table.loc[text, "AVG"] == pytest.approx(scores["spbleu"].mean(), abs=1e-3)
        assert table.loc[text, "H2H"] == pytest.approx(
            scores[scores["source"].isin(["en", "fr"]) & scores["target"].isin(["en", "fr"])][
                "spbleu"
            ].mean(),
            abs=1e-3,
        )


def test_every_direction_is_translated_line_by_line(finished_workflow):
    folder = results(finished_workflow)
    config = finished_workflow.config()
    for setting in ("Pretrain", "Ft-all", "1-1-2_WL_GPS0.9"):
        hypotheses = folder / "settings" / setting / "seed1/hypotheses"
        directions = {f"{source}-{target}.txt" for source, target in permutations(config["languages"], 2)}
        assert {path.name for path in hypotheses.glob("*")} - {".snakemake_timestamp"} == directions
        for path in hypotheses.glob("*.txt"):
            assert path.read_text().count("\n") == config["corpus"]["embedded"]["rows"]["devtest"]


def test_settings_follow_the_learned_strategy_and_their_pruning_ratio(finished_workflow):
    folder = results(finished_workflow)
    learned = json.loads((folder / "weight_learning/index_strategy.json").read_text())
    adapter = folder / "settings/1-1-2_WL_GPS0.9/seed1/adapter"
    assert json.loads((adapter / "adapter.json").read_text())["index_strategy"] == learned
    _, router = load_with_adapter(finished_workflow.config()["base_model"], adapter)
    assert router.languages == tuple(finished_workflow.config()["languages"])
    metrics = [json.loads(line) for line in lines(folder / "settings/1-1-2_WL_GPS0.9/seed1/metrics.jsonl")]
    assert metrics[-1]["pruned_ratio"] == 0.9
    counts = json.loads((folder / "settings/1-1-2_WL_GPS0.9/seed1/parameters.json").read_text())
    # Three of the five languages, with rank 1 beside twice rank 2, are pruned by nine tenths.
    assert counts["nonzero"] == pytest.approx(counts["true"] * (4 + 3 * 0.1) / 7, rel=0.01)


def test_demands_sum_to_zero_in_every_group(finished_workflow):
    folder = results(finished_workflow) / "subspaces"
    for analysis, group in (("ise", ["side", "layer"]), ("lsp", ["language"])):
        scores = pandas.read_csv(folder / f"{analysis}.csv")
        assert scores.groupby(group)["score"].sum().abs().max() <= 0.5
        assert scores["pruned"].sum() > 0


def test_figure_3_has_a_score_for_every_epoch(finished_workflow):
    for setting in ("Ft-all", "1-1-2_WL_GPS0.9"):
        folder = results(finished_workflow) / "settings" / setting / "seed1"
        scores = pandas.read_csv(folder / "epoch_scores.csv")
        assert set(scores["epoch"]) == {0, 1, 2, 3}
        final = read_scores(folder / "scores.csv").set_index(["source", "target"])["spbleu"]
        last = scores[scores["epoch"] == 3].set_index(["source", "target"])["spbleu"]
        assert last.to_dict() == {direction: final[direction] for direction in last.index}


def test_a_second_run_does_nothing(finished_workflow):
    assert finished_workflow.planned() == {}


@pytest.fixture
def edited(finished_workflow):
    """A function that edits a file of the finished workflow's copy; the test's end restores the file."""
    before = {}

    def edit(name: str) -> None:
        file = finished_workflow.source / name
        before[file] = file.read_bytes()
        file.write_bytes(before[file] + b"\n# An edit.\n")

    yield edit
    for file, content in before.items():
        file.write_bytes(content)


def test_editing_the_plots_draws_plots_only(finished_workflow, edited):
    edited("src/lslo/reporting/figures/style.py")
    jobs = finished_workflow.planned()
    assert jobs["make_figure"] == 6
    assert set(jobs) == {"make_figure", "report", "all"}


def test_editing_the_lslo_layer_trains_again(finished_workflow, edited):
    edited("src/lslo/adapters/layers.py")
    jobs = finished_workflow.planned()
    settings = finished_workflow.config()["tables"]
    trained = {text for table in settings.values() for text in table} - {"Pretrain"}
    assert jobs["finetune"] == len(trained)
    assert jobs["learn_weights"] == 1
    assert jobs["estimate_subspaces"] == 2
    assert "make_corpus" not in jobs


def test_tables_and_figures_need_no_training_once_scores_exist(finished_workflow, edited):
    edited("src/lslo/reporting/table_formats.py")
    assert set(finished_workflow.planned("tables")) == {"make_results_table", "make_setup_table", "tables"}
    edited("src/lslo/reporting/figures/heatmaps.py")
    assert set(finished_workflow.planned("figures")) == {"make_figure", "figures"}


def test_every_result_has_a_record_and_the_workflow_says_why_one_is_stale(finished_workflow):
    results = finished_workflow.folder / "results/tiny"
    record = json.loads((results / "settings/2-2-2_WL/seed1/records/finetune.json").read_text())
    assert record["wildcards"] == {"setting": "2-2-2_WL", "seed": "1"}
    assert record["config"]["training"]["epochs"] == 3
    assert record["software"]["torch"] == torch.__version__
    assert record["hardware"]["cores"] >= 1
    assert "src/lslo/training/trainer.py" in record["code"]
    assert "results/tiny/weight_learning/index_strategy.json" in record["inputs"]
    assert record["started"] <= record["ended"]
    runs = json.loads((results / "tables/table1_record.json").read_text())["inputs"]
    assert {f"results/tiny/settings/{name}/seed1/scores.csv" for name in ("Pretrain", "2-2-2_WL")} <= set(
        runs
    )
    assert "named in table1_record.json" in (results / "tables/table1.md").read_text()

    def why(config=None):
        result = finished_workflow.run(config, "why")
        assert result.returncode == 0, result.stdout
        return [line for line in result.stdout.splitlines() if line.startswith(("results/", "    c"))]

    lines = why()
    assert len(lines) > 15
    assert all(line.endswith("nothing has changed") for line in lines)
    assert (finished_workflow.folder / "logs/tiny/why.log").read_text().splitlines() == lines

    # The interval at which states are saved changes no result.
    config = finished_workflow.config()
    config["training"]["checkpoint_minutes"] = 1
    assert all(line.endswith("nothing has changed") for line in why(config))
    scores = "results/tiny/settings/2-2-2_WL/seed1/scores.csv"
    assert "Nothing to be done" in finished_workflow.run(config, "--dry-run", scores).stdout

    config = finished_workflow.config()
    config["translation"]["beam"] = 4
    config["tables"]["table1"].reverse()
    lines = why(config)
    stale = [line.partition(": ")[0] for line in lines if line.endswith("stale")]
    assert "results/tiny/settings/2-2-2_WL/seed1/records/translate0.json" in stale
    assert "results/tiny/tables/table6_record.json" in stale
    assert not any("finetune" in line or "learning" in line or "subspaces" in line for line in stale)
    assert lines.count("    config translation.beam: 5 -> 4") == len(stale)


def test_the_plan_of_a_finished_run_says_how_close_it_was(finished_workflow):
    result = finished_workflow.run(None, "plan")
    assert result.returncode == 0, result.stdout
    text = (results(finished_workflow) / "plan.md").read_text()
    assert text in result.stdout
    content = json.loads((results(finished_workflow) / "plan.json").read_text())
    stages = content["finished"]
    for stage in ("weight learning", "ISE, LSP", "fine-tuning"):
        assert stages[stage]["target_tokens"] == stages[stage]["planned"]["target_tokens"] > 0
    assert stages["corpus"]["bytes"] == stages["corpus"]["planned"]["bytes"]
    assert stages["fine-tuning"]["bytes"] == pytest.approx(stages["fine-tuning"]["planned"]["bytes"], rel=0.1)
    assert all(stage["jobs_done"] == stage["jobs"] for stage in stages.values())
    # The plan counts all jobs but the target `all`.
    assert sum(stage["jobs"] for stage in stages.values()) == sum(content["rules"].values()) - 1
    assert content["remaining_device_seconds"] == 0


def test_a_setting_of_ones_own_runs_by_its_folder(finished_workflow):
    scores = "results/tiny/settings/1-2-3_TGT_fc/seed7/scores.csv"
    result = finished_workflow.run(None, scores)
    assert result.returncode == 0, result.stdout
    assert len(read_scores(finished_workflow.folder / scores)) == 20
