"""The cut-down demo through profiles/slurm, while a node is drained, and the profile's variant for gres."""

from datetime import datetime
from itertools import combinations

import pytest
from processes import environment_of
from runs import (
    FULL_SETTING,
    LSLO_SETTING,
    Run,
    adapter,
    gpu_config,
    training_jobs,
    training_log,
    training_process,
    training_states,
    workflow_on,
)

pytestmark = pytest.mark.slurm

ON_GPUS = ("learn_weights", "estimate_subspaces", "finetune", "translate", "translate_epochs")
DRAINED = "n1"


class Demo:
    """A finished run.

    Args:
        workflow: The workflow.
        output: Snakemake's output.
        jobs: SLURM's records of all jobs.
        drained_at: The time when the node was drained; `before` and `after` are the jobs that started before
            and after it.
    """

    def __init__(self, workflow, output: str, jobs: list[dict[str, str]], drained_at: str):
        self.workflow = workflow
        self.output = output
        self.jobs = jobs
        self.before = [job for job in jobs if job["StartTime"] <= drained_at]
        self.after = [job for job in jobs if job["StartTime"] > drained_at]


def rule_of(job: dict[str, str]) -> str:
    return job["Comment"].removeprefix("rule_").split("_wildcards_")[0]


def cut_down(config: dict) -> dict:
    """Returns a configuration with three trained settings and all stages."""
    settings = ["Pretrain", "Ft-all", "1;1;2+WL+GPS(0.9)", "1;1;2+SRC+GPS(0.9)"]
    roles = {"pruned": settings[2], "source_index": settings[3]}
    return {**config, "tables": {"table1": settings}, "figure3": [settings[2]], "claims": roles}


@pytest.fixture(scope="module")
def demo(cluster, tmp_path_factory):
    workflow = workflow_on(cluster, tmp_path_factory.mktemp("demo"))
    run = Run(workflow, cut_down(gpu_config(workflow)))
    # Subspace estimation is the run's second training.
    run.wait_until(lambda: any(rule_of(job) == "estimate_subspaces" for job in cluster.jobs(workflow.folder)))
    cluster.command("scontrol", "update", f"nodename={DRAINED}", "state=drain", "reason=test")
    drained_at = f"{datetime.now():%Y-%m-%dT%H:%M:%S}"
    try:
        status = run.wait(400)
        state = cluster.node_state(DRAINED)
    finally:
        cluster.command("scontrol", "update", f"nodename={DRAINED}", "state=resume")
    assert status == 0, run.output
    assert state == "drained"
    return Demo(workflow, run.output, cluster.jobs(workflow.folder), drained_at)


def test_the_run_is_complete(demo):
    results = demo.workflow.folder / "results/tiny"
    assert "figure6.png" in (results / "report.html").read_text()
    assert len((results / "tables/table1.csv").read_text().splitlines()) == 5
    again = demo.workflow.run(cut_down(gpu_config(demo.workflow)), "--dry-run")
    assert "Nothing to be done" in again.stdout


def test_stages_with_a_gpu_ran_as_jobs_that_asked_for_one(demo):
    jobs = [job for job in demo.jobs if rule_of(job) in ON_GPUS]
    assert {rule_of(job) for job in jobs} == set(ON_GPUS)
    for job in jobs:
        assert job["JobState"] == "COMPLETED"
        assert job["TresPerJob"] == "gres:gpu:1"
        assert job["Partition"] == "gpu"
        assert (job["MinMemoryNode"], job["TimeLimit"], job["NumCPUs"]) == ("16000M", "12:00:00", "2")
        assert job["NodeList"] in ("n1", "n2")


def test_scores_ran_as_jobs_without_a_gpu_and_the_rest_where_snakemake_did(demo):
    others = [job for job in demo.jobs if rule_of(job) not in ON_GPUS]
    assert {rule_of(job) for job in others} == {"score", "score_epochs"}
    for job in others:
        assert "TresPerJob" not in job
        assert (job["Partition"], job["MinMemoryNode"], job["TimeLimit"]) == ("cpu", "2000M", "01:00:00")
    for rule in (
        "make_corpus",
        "gather_translations",
        "make_figure",
        "make_results_table",
        "claims",
        "report",
    ):
        assert f"localrule {rule}:" in demo.output


def test_independent_settings_ran_at_the_same_time(demo):
    trainings = [job for job in demo.jobs if rule_of(job) == "finetune"]
    assert len({job["Comment"] for job in trainings}) == 3
    assert any(
        max(one["StartTime"], other["StartTime"]) < min(one["EndTime"], other["EndTime"])
        for one, other in combinations(trainings, 2)
    )
    # Both nodes had work.
    assert {job["NodeList"] for job in demo.before} == {"n1", "n2"}


def test_when_a_node_was_drained_the_run_went_on_on_the_other(demo):
    assert any(job["NodeList"] == DRAINED for job in demo.before)
    assert {rule_of(job) for job in demo.after} >= {"translate", "translate_epochs", "score"}
    assert {job["NodeList"] for job in demo.after} == {"n2"}
    # Jobs on the drained node could finish, and no job was submitted twice.
    assert {job["JobState"] for job in demo.jobs} == {"COMPLETED"}
    assert len({job["Comment"] for job in demo.jobs}) == len(demo.jobs)


def test_gres_instead_of_gpus(cluster, tmp_path):
    workflow = workflow_on(cluster, tmp_path, "slurm_gres")
    # The profile's number of GPUs takes precedence over this one.
    config = {**gpu_config(workflow), "gpus": 2}
    run = Run(workflow, config, adapter(LSLO_SETTING), adapter(FULL_SETTING))
    visible = []
    for setting in (LSLO_SETTING, FULL_SETTING):
        run.wait_until(lambda setting=setting: training_states(workflow, setting))
        (job,) = training_jobs(cluster, workflow, setting)
        visible.append(environment_of(training_process(cluster, job["JobId"]))["CUDA_VISIBLE_DEVICES"])
        assert job["TresPerNode"] == "gres:gpu:1"
        assert "TresPerJob" not in job
    assert run.wait() == 0, run.output
    # The two jobs are on the same node, each with a GPU of its own.
    assert sorted(visible) == ["0", "1"]
    assert "epoch 3/3" in training_log(workflow, LSLO_SETTING)
