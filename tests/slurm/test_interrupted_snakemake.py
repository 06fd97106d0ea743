"""Snakemake itself is interrupted or killed, and started again."""

import signal

import pytest
from processes import wait_until
from runs import LSLO_SETTING, Run, adapter, gpu_config, hold_training, training_log

pytestmark = pytest.mark.slurm

TARGET = adapter(LSLO_SETTING)


@pytest.fixture
def config(slurm_workflow):
    """A configuration whose training is long enough to be ended in its second epoch."""
    config = gpu_config(slurm_workflow, epochs=6)
    config["corpus"]["embedded"]["rows"]["dev"] = 20
    return config


def signalled(cluster, workflow, config, number: signal.Signals) -> Run:
    """Starts a run, sends Snakemake a signal in the training's second epoch, and waits for its end."""
    run = Run(workflow, config, TARGET)
    hold_training(run, cluster, LSLO_SETTING)
    run.process.send_signal(number)
    run.wait()
    return run


def test_an_interrupted_run_cancels_its_jobs_and_is_continued(cluster, slurm_workflow, config):
    run = signalled(cluster, slurm_workflow, config, signal.SIGINT)
    assert run.process.returncode != 0
    assert wait_until(lambda: not cluster.queue(), 40)
    result = slurm_workflow.run(config, TARGET)
    assert result.returncode == 0, result.stdout
    assert [job["JobState"] for job in cluster.jobs(slurm_workflow.folder)] == ["CANCELLED", "COMPLETED"]
    assert "continuing after epoch" in training_log(slurm_workflow, LSLO_SETTING)


def test_no_second_job_starts_beside_that_of_a_killed_run(cluster, slurm_workflow, config):
    signalled(cluster, slurm_workflow, config, signal.SIGKILL)
    (job,) = cluster.jobs(slurm_workflow.folder)
    assert job["JobState"] == "RUNNING"

    locked = slurm_workflow.run(config, TARGET)
    assert locked.returncode != 0
    assert "--unlock" in locked.stdout

    assert slurm_workflow.run(config, "--unlock").returncode == 0
    refused = slurm_workflow.run(config, TARGET)
    assert refused.returncode != 0
    assert f"scancel {job['JobId']}`" in refused.stdout
    assert len(cluster.jobs(slurm_workflow.folder)) == 1
    assert cluster.queue() == [job["JobId"]]

    cluster.command("scancel", job["JobId"])
    assert wait_until(lambda: not cluster.queue(), 40)
    result = slurm_workflow.run(config, TARGET)
    assert result.returncode == 0, result.stdout
    assert [job["JobState"] for job in cluster.jobs(slurm_workflow.folder)] == ["CANCELLED", "COMPLETED"]
    assert "continuing after epoch" in training_log(slurm_workflow, LSLO_SETTING)
