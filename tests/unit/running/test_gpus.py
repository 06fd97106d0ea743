"""Two jobs of one machine never claim the same GPU."""

import os
import subprocess
import sys
import threading

import pytest

from lslo.running.gpus import claimed_gpus, requested_gpus, visible_gpus


@pytest.fixture(autouse=True)
def no_batch_system(monkeypatch):
    for name in ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("resources", "gpus"),
    [
        ({}, 0),
        ({"gpu": 2}, 2),
        ({"gpu": 0, "gres": "gpu"}, 1),
        ({"gpu": 0, "gres": "gpu:3"}, 3),
        ({"gpu": 0, "gres": "gpu:a100:4"}, 4),
        ({"gpu": 0, "gres": "gpu:a100"}, 1),
        ({"gpu": 0, "gres": "licence:2"}, 0),
    ],
)
def test_gpus_are_asked_for_as_gpu_or_as_gres(resources, gpus):
    assert requested_gpus(resources) == gpus


def test_visible_gpus():
    assert visible_gpus({}, 3) == ["0", "1", "2"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "2, 5"}, 8) == ["2", "5"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}, 8) == []


def test_jobs_get_different_gpus_and_give_them_back(tmp_path):
    with claimed_gpus(1, tmp_path, installed=3) as first:
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
        os.environ.pop("CUDA_VISIBLE_DEVICES")
        with claimed_gpus(2, tmp_path, installed=3) as second:
            assert (first, second) == (["0"], ["1", "2"])
    with claimed_gpus(3, tmp_path, installed=3) as all_of_them:
        assert all_of_them == ["0", "1", "2"]


def test_a_job_waits_until_enough_are_free(tmp_path):
    claimed = []

    def second_job():
        with claimed_gpus(2, tmp_path, installed=2, poll_seconds=0.01) as gpus:
            claimed.append(gpus)

    with claimed_gpus(1, tmp_path, installed=2):
        os.environ.pop("CUDA_VISIBLE_DEVICES")
        thread = threading.Thread(target=second_job)
        thread.start()
        thread.join(0.2)
        assert claimed == []
    thread.join(10)
    assert claimed == [["0", "1"]]


def test_the_gpus_of_a_job_that_is_killed_are_free(tmp_path):
    program = (
        "import sys, time; from lslo.running.gpus import claimed_gpus\n"
        "with claimed_gpus(2, sys.argv[1], installed=3) as gpus: print(*gpus, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "0 1\n"
        with claimed_gpus(1, tmp_path, installed=3) as gpus:
            assert gpus == ["2"]
        other.kill()
    with claimed_gpus(3, tmp_path, installed=3) as gpus:
        assert gpus == ["0", "1", "2"]


def test_nothing_is_claimed_in_a_batch_job_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    with claimed_gpus(1, tmp_path, installed=4) as gpus:
        assert gpus == ["3"]
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
    assert not list(tmp_path.iterdir())


def test_jobs_of_a_whole_workflow_in_one_batch_job_share_its_gpus(tmp_path, monkeypatch):
    """`snakemake --resources gpu=2` within one allocation of two."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with claimed_gpus(1, tmp_path, installed=2) as first:
        os.environ["CUDA_VISIBLE_DEVICES"] = "0,1"
        with claimed_gpus(1, tmp_path, installed=2) as second:
            assert (first, second) == (["0"], ["1"])
        # Another allocation's GPU 0 is another.
        monkeypatch.setenv("SLURM_JOB_ID", "8")
        os.environ["CUDA_VISIBLE_DEVICES"] = "0,1"
        with claimed_gpus(1, tmp_path, installed=2) as third:
            assert third == ["0"]


def test_a_job_without_gpus_sees_none(tmp_path):
    with claimed_gpus(0, tmp_path, installed=2) as gpus:
        assert gpus == []
        assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_more_gpus_than_there_are_is_an_error(tmp_path):
    with (
        pytest.raises(ValueError, match="wants 4 GPUs, PyTorch sees 2"),
        claimed_gpus(4, tmp_path, installed=2),
    ):
        pass


@pytest.mark.parametrize("batch_system", [False, True])
def test_a_job_that_asks_for_a_gpu_does_not_compute_on_the_cpu(tmp_path, monkeypatch, batch_system):
    """A driver that does not work must not cost weeks; tests may have GPUs that are none."""
    if batch_system:
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(ValueError, match=r"wants 1 GPUs, PyTorch sees 0 on .* `gpus` in the configuration"):
        claimed_gpus(1, tmp_path, installed=0).__enter__()
    monkeypatch.setenv("LSLO_STAND_IN_GPUS", "1")
    with claimed_gpus(1, tmp_path, installed=0):
        pass
