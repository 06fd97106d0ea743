"""The text and the numbers that `snakemake plan` writes."""

import json
import re

import pytest

from lslo.experiment.experiment import Experiment
from lslo.planning.json_report import as_json
from lslo.planning.markdown_report import as_markdown
from lslo.planning.report import report_plan
from lslo.planning.units import duration, size


def test_a_plan_before_any_download_says_what_it_is_based_on(lang12):
    text = as_markdown(lang12, 1440)
    assert "estimated, because the text is not on the disk yet: 997 sentences" in text
    assert "the known sizes of m2m124_615M, which is not on the disk yet" in text
    assert "Training is assumed to reach 20% of that" in text
    assert "Planned and actual" not in text
    assert "within the 24.0 h" in text
    assert "MORE than" in as_markdown(lang12, 10)
    content = json.loads(json.dumps(as_json(lang12)))
    assert content["finished"] == {}
    assert content["rules"]["finetune"] == 18


def test_a_plan_is_printed_and_written(configuration, repository, tmp_path, capsys):
    experiment = Experiment(configuration("lang12"), repository, tmp_path)
    log = tmp_path / "plan.log"
    report_plan(experiment, 1440, log)
    text = (experiment.paths.results / "plan.md").read_text()
    assert text.startswith("# Plan of lang12\n")
    assert log.read_text() == text
    assert capsys.readouterr().out == text + "\n"
    assert json.loads((experiment.paths.results / "plan.json").read_text())["rules"]["finetune"] == 18


def test_the_disk_space_that_a_plan_needs_is_said_three_times(lang12):
    text = as_markdown(lang12, 1440)
    peak = size(lang12.peak_bytes(1))
    assert f"If one training runs at a time, the disk holds at most **{peak}** at any time" in text
    assert text.count(peak) == 3


@pytest.mark.parametrize(("cores", "numbers"), [(2, [1, 2, 4, 8]), (48, [1, 2, 4, 8, 48])])
def test_on_a_cpu_the_cores_of_this_machine_are_told(demo, monkeypatch, cores, numbers):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(cores)))
    assert [row["number"] for row in as_json(demo)["devices"]] == numbers
    text = as_markdown(demo, 240)
    assert f"\n| {cores} (this machine) |" in text
    assert "core hours** in total, counting every job" in text
    assert "need no GPU" not in text
    assert "needs no GPU" not in text


def test_numbers_of_gpus_start_at_those_of_a_training(configuration, plan_of, lang12):
    plan = plan_of(configuration("lang12") | {"gpus": 4})
    assert [row["number"] for row in as_json(plan)["devices"]] == [4, 8]
    assert [row["number"] for row in as_json(lang12)["devices"]] == [1, 4, 8]
    assert "this machine" not in as_markdown(lang12, 1440)


@pytest.mark.parametrize("name", ["demo", "lang12"])
def test_memory_and_disk_have_one_unit(configuration, plan_of, name):
    assert not re.search(r"\d [kMGT]iB\b", as_markdown(plan_of(configuration(name)), 240))


def test_hours_with_and_without_the_jobs_that_need_no_gpu_are_told_apart(lang12):
    text = as_markdown(lang12, 1440)
    device = duration(lang12.device_seconds)
    assert (
        f"The whole run takes {device} on one A100-80GB, and {duration(lang12.other_seconds)} on one" in text
    )
    # The same digits where the same is meant.
    assert (
        f"**{device.removesuffix(' h')} GPU hours** in total, not counting the jobs that need no GPU" in text
    )


def test_a_plan_without_trainings_is_written_too(configuration, plan_of):
    config = configuration("lang12")
    config |= {"tables": {"table1": ["Pretrain"]}, "figures": []}
    for key in ("claims", "figure3"):
        del config[key]
    plan = plan_of(config)
    assert plan.longest_training == ("none", 0.0)
    as_markdown(plan, 60)
