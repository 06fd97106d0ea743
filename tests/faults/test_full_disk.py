"""A real disk becomes full while results are written; once there is room again, the run completes."""

import os
import subprocess
from contextlib import contextmanager

import pytest

from lslo.files.checksums import check_checksums

pytestmark = pytest.mark.faults

SEED = "results/tiny/settings/Ft-all/seed1"
STATE = "results/tiny/state/Ft-all-seed1"


@contextmanager
def small_disk(folder, size):
    """Mounts a file system on a folder and yields a function that resizes it; sizes are in KiB."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "lslo-test", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        assert not os.environ.get("LSLO_SKIP_NOTHING"), mounted.stderr
        pytest.skip(f"a file system cannot be mounted here ({mounted.stderr.strip()})")

    def resize(size):
        subprocess.run(["mount", "-o", f"remount,size={size}k", str(folder)], check=True)

    try:
        yield resize
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def told_of_a_full_disk(result):
    return "error: the disk is full" in result.stdout and "make room and start again" in result.stdout


@pytest.fixture
def expected(workflow):
    """The weights of an undisturbed run, whose results are removed again."""
    assert workflow.run(None, f"{SEED}/adapter").returncode == 0
    weights = (workflow.folder / SEED / "adapter/model.safetensors").read_bytes()
    subprocess.run(
        ["rm", "-r", "results/tiny/settings", "results/tiny/state"], cwd=workflow.folder, check=True
    )
    return weights


def test_a_disk_that_is_full_under_a_checkpoint(workflow, expected):
    # A saved state of full fine-tuning has 20 MB and the model of an epoch 7 MB: the first state fits, the
    # second does not.
    with small_disk(workflow.folder / "results/tiny/state", 45_000) as resize:
        result = workflow.run(None, f"{SEED}/adapter")
        assert result.returncode == 1
        assert told_of_a_full_disk(result), result.stdout
        assert not (workflow.folder / SEED / "adapter").exists()
        # The disk became full only in the second epoch.
        assert "epoch 2/3" in (workflow.folder / "logs/tiny/finetune/Ft-all-seed1.log").read_text()
        check_checksums(workflow.folder / STATE / "epochs/epoch2")
        (state,) = (workflow.folder / STATE).glob("*.pt")
        assert state.name.startswith("state-1-")
        resize(200_000)
        result = workflow.run(None, f"{SEED}/adapter")
        assert result.returncode == 0, result.stdout
        log = (workflow.folder / "logs/tiny/finetune/Ft-all-seed1.log").read_text()
        assert "continuing after epoch 1" in log
        assert (workflow.folder / SEED / "adapter/model.safetensors").read_bytes() == expected


def test_a_disk_that_is_full_under_an_adapter(workflow, expected):
    with small_disk(workflow.folder / "results/tiny/settings", 2_000) as resize:
        result = workflow.run(None, f"{SEED}/adapter")
        assert result.returncode == 1
        assert told_of_a_full_disk(result), result.stdout
        assert [path.name for path in (workflow.folder / SEED).glob("*adapter*")] == []
        resize(200_000)
        result = workflow.run(None, f"{SEED}/adapter")
        assert result.returncode == 0, result.stdout
        log = (workflow.folder / "logs/tiny/finetune/Ft-all-seed1.log").read_text()
        assert "finished before" in log
        assert (workflow.folder / SEED / "adapter/model.safetensors").read_bytes() == expected


def test_a_disk_that_is_full_under_hypotheses(workflow):
    folder = workflow.folder / "results/tiny/settings/Pretrain/seed1"
    with small_disk(folder, 60) as resize:
        result = workflow.run(None, "results/tiny/settings/Pretrain/seed1/scores.csv")
        assert result.returncode == 1
        assert told_of_a_full_disk(result), result.stdout
        assert not (folder / "shards/0").exists()
        assert not (folder / "hypotheses").exists()
        resize(20_000)
        result = workflow.run(None, "results/tiny/settings/Pretrain/seed1/scores.csv")
        assert result.returncode == 0, result.stdout
        assert len(list((folder / "hypotheses").glob("*.txt"))) == 20
