"""The test cluster is started and stopped by hand, and nothing of it outlives the process that started it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from cluster import Cluster
from processes import processes_of, wait_until

pytestmark = pytest.mark.slurm

SCRIPT = Path(__file__).with_name("cluster.py")
# A test that starts a cluster as the fixture does, submits a job that does not end, and goes on.
INTERRUPTED = """
import os, sys, time
from cluster import Cluster
cluster = Cluster(sys.argv[1])
cluster.watch(os.getpid())
cluster.start()
cluster.command("sbatch", "--output=/dev/null", "--wrap", "trap '' TERM; while true; do sleep 1; done")
print("started", flush=True)
time.sleep(600)
"""
# A run of these tests on a machine where SLURM is not installed and cannot be installed.
NOT_INSTALLED = """
import os, sys, pytest
import packages
packages.SYSTEM_PATH = "/nowhere"
os.geteuid = lambda: 1000
sys.exit(pytest.main(["-m", "slurm", "-k", "by_hand", "-p", "no:cacheprovider", sys.argv[1]]))
"""


@pytest.fixture
def folder(installed_slurm):
    with tempfile.TemporaryDirectory(prefix="lslo-slurm-") as folder:
        yield Path(folder)
        Cluster(folder).stop()


def command_lines(folder: Path) -> str:
    return "\n".join(
        Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ") for process in processes_of(folder)
    )


def test_start_and_stop_by_hand(folder):
    started = subprocess.run(
        [sys.executable, SCRIPT, "start", folder], capture_output=True, text=True, timeout=120
    )
    assert started.stdout == f"source {folder}/environment\n", started.stderr
    # A job that somebody submits from a shell of their own.
    job = "echo $CUDA_VISIBLE_DEVICES; sleep 600"
    submit = f"source {folder}/environment && sbatch --gpus=2 --output={folder}/job --wrap '{job}'"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    subprocess.run(["bash", "-c", submit], check=True, timeout=60, env=environment)
    output = folder / "job"
    assert wait_until(lambda: output.exists() and output.read_text(), 30)
    assert output.read_text() == "0,1\n"
    running = command_lines(folder)
    for program in ("munged", "slurmctld", "slurmd -N n1", "slurmd -N n2", "slurmstepd", "sleep 600"):
        assert program in running
    subprocess.run([sys.executable, SCRIPT, "stop", folder], check=True, timeout=60)
    assert processes_of(folder) == []


def test_nothing_is_left_of_a_killed_test(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, folder], stdout=subprocess.PIPE, text=True, cwd=SCRIPT.parent
    )
    assert process.stdout.readline() == "started\n"
    time.sleep(1)
    assert "slurmctld" in command_lines(folder)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert wait_until(lambda: not processes_of(folder), 30), command_lines(folder)


@pytest.mark.parametrize(("required", "status", "outcome"), [("", 0, "1 skipped"), ("1", 1, "1 error")])
def test_without_slurm_tests_are_skipped_unless_they_are_required(required, status, outcome):
    result = subprocess.run(
        [sys.executable, "-c", NOT_INSTALLED, __file__],
        capture_output=True,
        text=True,
        cwd=SCRIPT.parent,
        env={**os.environ, "LSLO_SKIP_NOTHING": required},
        timeout=60,
    )
    assert result.returncode == status, result.stdout
    assert outcome in result.stdout
    assert "SLURM is not installed; as root: apt-get install" in result.stdout
