"""The memory that trainings and scores need."""

import pytest

from lslo.planning.json_report import as_json
from lslo.planning.markdown_report import as_markdown


def test_a_gpu_that_is_too_small_is_named(configuration, plan_of):
    config = configuration("lang12")
    config["plan"] = {"device": "T4"}
    assert "It may not fit the GPU (T4)" in plan_of(config).footprint.memory_verdict()


def test_a_gpu_that_is_large_enough_is_named(lang12):
    assert lang12.footprint.memory_verdict().endswith("It fits the GPU (A100-80GB), which has 80.0 GB.")


def test_on_a_cpu_the_program_takes_memory_too(demo, lang12):
    memory = {training["name"]: training["memory_bytes"] for training in as_json(demo)["trainings"]}
    # As measured: the resident set of the demo's trainings.
    assert memory["2;2;8+WL"] == pytest.approx(582e6, rel=0.1)
    assert memory["Ft-all"] == pytest.approx(592e6, rel=0.1)
    assert "| main memory, about |" in as_markdown(demo, 240)
    assert "| GPU memory, about |" in as_markdown(lang12, 1440)


def test_many_languages_need_memory_for_their_scores(configuration, plan_of, repository, tmp_path):
    table = (repository / "config/languages.tsv").read_text().splitlines()
    rows = [f"x{number}\tX\tV\t-\t-\tx{number}\tx{number}" for number in range(204)]
    file = tmp_path / "languages.tsv"
    file.write_text("\n".join([table[0], *rows]) + "\n")
    config = configuration("lang12") | {
        "languages": [f"x{number}" for number in range(204)],
        "languages_table": str(file),
        "tables": {"table1": ["Pretrain", "Ft-all", "1;1;1+SRC"]},
    }
    for key in ("claims", "figure3"):
        del config[key]
    plan = plan_of(config)
    assert plan.stages["fine-tuning"].pairs == pytest.approx(2 * 15 * 997 * 41_412)
    assert plan.scoring_memory == pytest.approx(41_412 * 1012 * 330, rel=0.02)
    assert "give the rule `score` as much in a profile" in as_markdown(plan, 1440)
