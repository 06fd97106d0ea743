"""Runs of the workflow on a cluster, and the jobs, logs, states and adapters of their trainings."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from cluster import Cluster
from processes import environment_of, processes_of, wait_until

from lslo.experiment.setting_notation import Setting
from workflow_copy import Workflow, copy_workflow

LSLO_SETTING = Setting.parse("1;1;2+SRC+GPS(0.9)").slug
FULL_SETTING = Setting.parse("Ft-all").slug


class Run:
    """A Snakemake that runs while the test goes on."""

    def __init__(self, workflow: Workflow, config: dict, *arguments: str):
        self.workflow = workflow
        self.output_file = Path(tempfile.mkstemp(prefix="run-", suffix=".log", dir=workflow.folder)[1])
        with self.output_file.open("w") as file:
            self.process = subprocess.Popen(
                workflow.command(config, arguments),
                stdout=file,
                stderr=subprocess.STDOUT,
                env=workflow.variables,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """The output so far."""
        return self.output_file.read_text()

    def wait_until(self, condition: Callable[[], object], seconds: float = 90) -> None:
        """Waits for a condition that must become true while Snakemake runs."""
        wait_until(lambda: condition() or self.process.poll() is not None, seconds)
        assert condition(), self.output

    def wait(self, seconds: float = 240) -> int:
        """Waits for Snakemake's end and returns the exit status."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"Snakemake did not end:\n{self.output}") from None


def workflow_on(cluster: Cluster, folder: Path, *profiles: str) -> Workflow:
    """Makes a workflow in a folder that runs through profiles/slurm and possibly further profiles."""
    source, run = copy_workflow(folder / "workflow"), folder / "run"
    run.mkdir()
    options = [
        part for name in ("slurm", *profiles) for part in ("--profile", str(source / "profiles" / name))
    ]
    # Jobs are small and the cluster is idle, so shorter waits than the profile's are enough.
    options += ["--slurm-init-seconds-before-status-checks", "10", "--latency-wait", "10"]
    return Workflow(source, run, options, cluster.environment)


def gpu_config(workflow: Workflow, **training: object) -> dict:
    """Returns the tiny configuration with a GPU for each training.

    Args:
        workflow: The workflow.
        **training: Changes of the configuration's section `training`.
    """
    config = workflow.config()
    config["training"].update(training)
    return {**config, "gpus": 1}


def adapter(setting: str) -> str:
    """Returns the target of a fine-tuning job."""
    return f"results/tiny/settings/{setting}/seed1/adapter"


def adapter_files(workflow: Workflow, setting: str) -> dict[str, bytes]:
    """Returns the contents of the files of an adapter or of a fine-tuned model, by file name."""
    files = (workflow.folder / adapter(setting)).iterdir()
    return {file.name: file.read_bytes() for file in files if file.name != ".snakemake_timestamp"}


def training_log(workflow: Workflow, setting: str) -> str:
    """Returns the log of the last job that trained a setting."""
    return (workflow.folder / f"logs/tiny/finetune/{setting}-seed1.log").read_text()


def training_states(workflow: Workflow, setting: str) -> list[Path]:
    """Returns the states that a training has saved; it saves the first when its first epoch ends."""
    return list((workflow.folder / f"results/tiny/state/{setting}-seed1").glob("state*.pt"))


def training_jobs(cluster: Cluster, workflow: Workflow, setting: str) -> list[dict[str, str]]:
    """Returns SLURM's records of the fine-tuning jobs of a setting, in the order of submission."""
    comment = f"rule_finetune_wildcards_{setting}_1"
    return [job for job in cluster.jobs(workflow.folder) if job["Comment"] == comment]


def training_process(cluster: Cluster, job: str) -> int:
    """Returns the id of the process that trains in a fine-tuning job."""
    (found,) = (
        process
        for process in processes_of(cluster.folder)
        if environment_of(process).get("SLURM_JOB_ID") == job
        and ".finetune.py" in Path(f"/proc/{process}/cmdline").read_text().split("\0")[1]
    )
    return found


def hold_training(run: Run, cluster: Cluster, setting: str) -> tuple[str, int]:
    """Stops a training in its second epoch with SIGSTOP, so that it cannot end before the test goes on.

    SLURM wakes a job before it ends the job: it sends SIGCONT, then SIGTERM.

    Returns:
        The ids of the job and of the process.
    """
    run.wait_until(lambda: training_states(run.workflow, setting))
    job = training_jobs(cluster, run.workflow, setting)[-1]["JobId"]
    process = training_process(cluster, job)
    os.kill(process, signal.SIGSTOP)
    return job, process
