"""Trainings that SLURM ends, by scancel or at the end of their walltime, go on and give the same bits."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from runs import (
    FULL_SETTING,
    LSLO_SETTING,
    Run,
    adapter,
    adapter_files,
    gpu_config,
    hold_training,
    training_jobs,
    training_log,
    training_states,
    workflow_on,
)

from workflow_copy import Workflow, copy_workflow

pytestmark = pytest.mark.slurm

SETTINGS = (LSLO_SETTING, FULL_SETTING)
TARGETS = [adapter(setting) for setting in SETTINGS]


def config_of(workflow: Workflow) -> dict:
    """Returns a configuration whose trainings are long enough to be ended in their second epoch."""
    config = gpu_config(workflow, epochs=6)
    config["corpus"]["embedded"]["rows"]["dev"] = 20
    return config


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """A run that trains both settings without SLURM and without a break; it may still be running."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    source = copy_workflow(folder / "workflow")
    workflow = Workflow(source, folder / "run", environment={"LSLO_STAND_IN_GPUS": "1"})
    workflow.folder.mkdir()
    run = Run(workflow, config_of(workflow), *TARGETS)
    yield run
    run.process.kill()


@dataclass
class Disturbed:
    """A run in which one training was cancelled and another exceeded its walltime, both in the second epoch.

    Attributes:
        workflow: The workflow.
        logs: The log of each setting's first job.
        leaving: The seconds that each setting's training took to end, once it was told to.
    """

    workflow: Workflow
    logs: dict[str, str] = field(default_factory=dict)
    leaving: dict[str, float] = field(default_factory=dict)


@pytest.fixture(scope="module")
def disturbed(cluster, tmp_path_factory, request):
    disturbed = Disturbed(workflow_on(cluster, tmp_path_factory.mktemp("disturbed")))
    workflow = disturbed.workflow
    run = Run(workflow, config_of(workflow), *TARGETS)

    def job(setting: str) -> dict[str, str]:
        return training_jobs(cluster, workflow, setting)[0]

    held = {setting: hold_training(run, cluster, setting) for setting in SETTINGS}
    cluster.command("scancel", held[LSLO_SETTING][0])
    # SLURM checks every half minute whether a job's time is over.
    cluster.command("scontrol", "update", f"jobid={held[FULL_SETTING][0]}", "EndTime=now")
    for setting, (_, process) in held.items():
        run.wait_until(lambda setting=setting: job(setting)["JobState"] != "RUNNING")
        told = time.monotonic()
        run.wait_until(lambda process=process: not Path(f"/proc/{process}").exists())
        disturbed.leaving[setting] = time.monotonic() - told
        disturbed.logs[setting] = training_log(workflow, setting)
    # The undisturbed run trains while this Snakemake waits for SLURM.
    request.getfixturevalue("uninterrupted")
    assert run.wait() == 0, run.output
    return disturbed


@pytest.mark.parametrize(("setting", "state"), [(LSLO_SETTING, "CANCELLED"), (FULL_SETTING, "TIMEOUT")])
def test_a_job_that_slurm_ended_is_submitted_again_with_more_memory_and_time(
    cluster, disturbed, setting, state
):
    first, second = training_jobs(cluster, disturbed.workflow, setting)
    assert (first["JobState"], second["JobState"]) == (state, "COMPLETED")
    assert (first["MinMemoryNode"], second["MinMemoryNode"]) == ("16000M", "32000M")
    assert second["TimeLimit"] == "1-00:00:00"
    # The first job's processes had ended before the second job was submitted.
    assert first["EndTime"] < second["SubmitTime"]


@pytest.mark.parametrize("setting", SETTINGS)
def test_it_goes_on_from_its_saved_state_and_gives_the_same_bits(disturbed, uninterrupted, setting):
    assert "continuing after epoch" in training_log(disturbed.workflow, setting)
    assert uninterrupted.wait() == 0, uninterrupted.output
    assert "continuing" not in training_log(uninterrupted.workflow, setting)
    expected = adapter_files(uninterrupted.workflow, setting)
    assert any(name.endswith(".safetensors") for name in expected)
    assert adapter_files(disturbed.workflow, setting) == expected
    assert training_states(disturbed.workflow, setting) == []


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_training_that_slurm_ends_saves_its_state_and_says_so(disturbed, setting):
    log = disturbed.logs[setting]
    assert len([line for line in log.splitlines() if "SIGTERM" in line]) == 1, log
    # SLURM sends SIGKILL 30 seconds after SIGTERM, unless a cluster is set otherwise.
    assert disturbed.leaving[setting] < 10
    # The state was saved when the training was told to end, not only at the end of an epoch.
    updates = [int(number) for number in re.findall(r"epoch \d+/\d+: (\d+) updates", log)]
    again = training_log(disturbed.workflow, setting)
    continued = re.search(r"continuing after epoch (\d+), update (\d+)", again)
    assert int(continued[1]) == len(updates)
    assert int(continued[2]) > sum(updates)
