"""A training that was killed goes on, one that has finished is not repeated, and damage is noticed."""

import os
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.faults


def test_a_killed_job_is_continued_and_ends_with_the_same_adapter(workflow):
    config = workflow.config()
    config["training"]["epochs"] = 6
    slug = "1-1-2_SRC_GPS0.9"
    target = f"results/tiny/settings/{slug}/seed1/adapter"
    state = workflow.folder / f"results/tiny/state/{slug}-seed1"
    process = subprocess.Popen(
        workflow.command(config, [target]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not list(state.glob("state-*.pt")):
        assert process.poll() is None, process.stdout.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (workflow.folder / target).exists()

    assert workflow.run(config, "--unlock").returncode == 0
    result = workflow.run(config, "--rerun-incomplete", target)
    assert result.returncode == 0, result.stdout
    log = (workflow.folder / f"logs/tiny/finetune/{slug}-seed1.log").read_text()
    assert "continuing after epoch" in log
    continued = (workflow.folder / target / "adapter.safetensors").read_bytes()
    assert not list(state.glob("*.pt"))

    # A finished training is not repeated, whatever becomes of its outputs.
    again = workflow.run(config, "--force", target)
    assert again.returncode == 0, again.stdout
    log = (workflow.folder / f"logs/tiny/finetune/{slug}-seed1.log").read_text()
    assert "finished before" in log
    assert "epoch" not in log
    assert (workflow.folder / target / "adapter.safetensors").read_bytes() == continued

    # Where its state is missing or damaged, the training is repeated.
    with (state / "result/output/adapter.safetensors").open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read()
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    again = workflow.run(config, "--force", target)
    assert again.returncode == 0, again.stdout
    log = (workflow.folder / f"logs/tiny/finetune/{slug}-seed1.log").read_text()
    assert "adapter.safetensors: damaged" in log
    assert "continuing" not in log
    assert "epoch 6/6" in log
    assert (workflow.folder / target / "adapter.safetensors").read_bytes() == continued


def test_a_damaged_adapter_is_set_aside_and_made_anew(workflow):
    config = workflow.config()
    seed = "results/tiny/settings/1-1-2_SRC_GPS0.9/seed1"
    assert workflow.run(config, f"{seed}/adapter").returncode == 0
    file = workflow.folder / seed / "adapter/adapter.safetensors"
    content = file.read_bytes()
    with file.open("rb+") as damaged:
        damaged.seek(-1, os.SEEK_END)
        damaged.write(bytes([content[-1] ^ 1]))
    result = workflow.run(config, f"{seed}/scores.csv")
    assert result.returncode == 1
    assert "adapter.safetensors: damaged, its SHA-256 is not that of" in result.stdout
    assert f"moved to {seed}/adapter.damaged, start again and it is made anew" in result.stdout
    result = workflow.run(config, f"{seed}/scores.csv")
    assert result.returncode == 0, result.stdout
    assert file.read_bytes() == content
