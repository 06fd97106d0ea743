"""Snakemake itself interrupted or killed while a fine-tuning runs, and started again."""

import json
import os
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.faults

SLUG = "1-1-2_SRC_GPS0.9"
TARGET = f"results/tiny/settings/{SLUG}/seed1/adapter"
LOG = f"logs/tiny/finetune/{SLUG}-seed1.log"


def configured(workflow):
    config = workflow.config()
    # Enough epochs that the training can be interrupted.
    config["training"]["epochs"] = 100
    return config


def started(workflow, config, target):
    """Starts a Snakemake in a process group of its own."""
    return subprocess.Popen(
        workflow.command(config, [target]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=workflow.variables,
        start_new_session=True,
    )


def begun(workflow, config):
    """Starts a Snakemake and waits until its fine-tuning has saved a state."""
    process = started(workflow, config, TARGET)
    wait(lambda: list((workflow.folder / "results/tiny/state").glob("*/state-*.pt")), process)
    return process


def wait(condition, process=None):
    deadline = time.monotonic() + 180
    while not condition():
        assert process is None or process.poll() is None, process.stdout.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def weights(workflow):
    return (workflow.folder / TARGET / "adapter.safetensors").read_bytes()


def undisturbed(workflow, config):
    """Trains the same setting and seed elsewhere, without interruption, and returns the weights."""
    other = {**config, "experiment": "undisturbed"}
    target = TARGET.replace("tiny", "undisturbed")
    assert workflow.run(other, target).returncode == 0
    return (workflow.folder / target / "adapter.safetensors").read_bytes()


@pytest.mark.parametrize("whom", ["group", "snakemake"])
def test_an_interrupted_snakemake_goes_on_where_it_was(workflow, whom):
    """Ctrl-C reaches all processes of the terminal; `kill -INT` reaches Snakemake alone.

    After `kill -INT`, Snakemake waits for its jobs, which learn nothing of the signal.
    """
    config = configured(workflow)
    process = begun(workflow, config)
    (os.killpg if whom == "group" else os.kill)(process.pid, signal.SIGINT)
    output = process.communicate(timeout=300)[0].decode()
    assert process.returncode != 0, output
    if whom == "group":
        assert "stopped by SIGINT at epoch" in output
        assert not (workflow.folder / TARGET).exists()
    else:
        assert (workflow.folder / TARGET / "adapter.safetensors").is_file(), output
    # Nothing has to be unlocked or removed before the next run.
    result = workflow.run(config, TARGET)
    assert result.returncode == 0, result.stdout
    assert weights(workflow) == undisturbed(workflow, config)


def test_a_killed_snakemakes_job_is_neither_doubled_nor_lost(workflow):
    config = configured(workflow)
    process = begun(workflow, config)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    locked = workflow.run(config, TARGET)
    assert locked.returncode != 0
    assert "--unlock" in locked.stdout
    assert workflow.run(config, "--unlock").returncode == 0
    second = workflow.run(config, TARGET)
    assert second.returncode != 0
    assert "another job is at work on this; wait until it has ended or end it" in second.stdout

    # The first Snakemake's job goes on alone to its end, and the next run uses its results.
    record = workflow.folder / TARGET.replace("adapter", "records/finetune.json")
    wait(record.exists)
    made = weights(workflow)
    third = workflow.run(config, TARGET)
    assert third.returncode == 0, third.stdout
    assert "epoch 1/" not in (workflow.folder / LOG).read_text()
    assert weights(workflow) == made == undisturbed(workflow, config)

    # Even where the outputs are removed, the finished training is still in its state.
    (workflow.folder / TARGET / "adapter.safetensors").parent.rename(workflow.folder / "elsewhere")
    fourth = workflow.run(config, TARGET)
    assert fourth.returncode == 0, fourth.stdout
    assert "finished before, nothing has changed since" in (workflow.folder / LOG).read_text()
    assert weights(workflow) == made
    assert len(json.loads(record.read_text())["attempts"]) == 1


def test_a_killed_snakemakes_translation_is_not_doubled(workflow):
    """The leftover translation, with other parameters, must not interfere with a later one."""
    config = workflow.config()
    target = "results/tiny/settings/Pretrain/seed1/scores.csv"
    process = started(workflow, config, target)
    log = workflow.folder / "logs/tiny/translate/Pretrain-seed1-0.log"
    wait(lambda: log.exists() and "translating 20 directions" in log.read_text(), process)
    os.kill(process.pid, signal.SIGKILL)
    # The job is stopped, so that it cannot end before the second run starts.
    command = ["pgrep", "-g", str(process.pid), "-f", "scripts/tmp.*translate"]
    (job,) = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    os.kill(int(job), signal.SIGSTOP)
    try:
        assert workflow.run(config, "--unlock").returncode == 0
        config["translation"]["beam"] = 1
        second = workflow.run(config, target)
        assert second.returncode != 0
        assert "another job is at work on this" in second.stdout
    finally:
        os.kill(int(job), signal.SIGKILL)
    third = workflow.run(config, target)
    assert third.returncode == 0, third.stdout
    record = json.loads(
        (workflow.folder / "results/tiny/settings/Pretrain/seed1/records/translate0.json").read_text()
    )
    assert record["config"]["translation"]["beam"] == 1
