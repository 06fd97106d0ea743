"""What surrounds a script: its log, the lines of progress, and what a user is told when it fails."""

import errno
import logging
import os
import re
import subprocess
import sys

import pytest
import torch

import lslo.running.progress
from lslo.errors import user_message
from lslo.running.progress import Progress

JOB = """
import logging
from pathlib import Path
import lslo.running.progress
from lslo.running.script import script_job

lslo.running.progress.SECONDS_BETWEEN_LINES = 0
with script_job(Path("logs/demo/finetune/2-2-8_WL-seed1.log")):
    logging.getLogger("lslo.training.trainer").info("a line")
    with lslo.running.progress.Progress("epoch 1/2", "update", None, total=2, later=2) as progress:
        progress.step(tokens=5, loss=1.5)
    {end}
"""


def run(folder, end):
    return subprocess.run(
        [sys.executable, "-c", JOB.format(end=end)], cwd=folder, capture_output=True, text=True
    )


def test_log_lines_have_the_time_and_the_stage_and_progress_a_file_of_its_own(tmp_path):
    assert run(tmp_path, "pass").returncode == 0
    log = (tmp_path / "logs/demo/finetune/2-2-8_WL-seed1.log").read_text()
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
    assert re.fullmatch(rf"{time} demo/finetune/2-2-8_WL-seed1: a line\n", log)
    progress = (tmp_path / "logs/demo/finetune/2-2-8_WL-seed1.log.progress").read_text()
    assert re.fullmatch(
        rf"{time} demo/finetune/2-2-8_WL-seed1: epoch 1/2: update 1 of 2, loss 1\.5000, [\d,]+ tokens/s, "
        r"\d+:\d\d:\d\d left, \d+:\d\d:\d\d with what follows\n",
        progress,
    )


def test_a_users_error_is_one_line_and_a_defect_a_traceback(tmp_path):
    told = run(tmp_path, 'raise ValueError("corpus.txt, line 3: empty")')
    assert (told.returncode, told.stderr) == (1, "error: corpus.txt, line 3: empty\n")
    assert told.stderr in (tmp_path / "logs/demo/finetune/2-2-8_WL-seed1.log").read_text()
    defect = run(tmp_path, "1 / 0")
    assert defect.returncode == 1
    assert "ZeroDivisionError" in (tmp_path / "logs/demo/finetune/2-2-8_WL-seed1.log").read_text()


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "state.pt"), " (state.pt)"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), ""),
        (RuntimeError("I/O error: No space left on device (os error 28)"), ""),
    ],
)
def test_a_full_disk_is_told_in_one_line_whatever_library_met_it(error, named):
    assert user_message(error) == (
        f"error: the disk is full{named}; make room and start again: "
        "a training goes on from its last saved state"
    )


def test_other_errors_of_the_machine_are_one_line_too():
    assert user_message(OSError(errno.EIO, os.strerror(errno.EIO))) == "error: [Errno 5] Input/output error"
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nMore")
    assert user_message(full) == (
        "error: the GPU's memory is full (CUDA out of memory); a smaller `tokens_per_batch` in the "
        "configuration needs less"
    )
    assert user_message(ZeroDivisionError()) is None


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_job_that_is_stopped_says_so_in_one_line(tmp_path, name):
    # Started in the background of a shell, the tests and all that they start would ignore SIGINT.
    told = run(
        tmp_path,
        "import os, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"os.kill(os.getpid(), signal.{name})",
    )
    assert (told.returncode, told.stderr) == (1, f"error: stopped by {name}; start again\n")


def test_the_logs_of_earlier_attempts_are_kept(tmp_path):
    for number in range(5):
        run(tmp_path, f'raise ValueError("attempt {number}")')
    logs = sorted((tmp_path / "logs/demo/finetune").glob("*.log*"))
    assert [path.name.removeprefix("2-2-8_WL-seed1.log") for path in logs] == [
        "",
        ".1",
        ".2",
        ".3",
        ".progress",
    ]
    for path, number in zip(logs[:4], (4, 3, 2, 1), strict=True):
        assert f"error: attempt {number}" in path.read_text()


def test_progress_is_logged_once_a_minute(monkeypatch, caplog):
    clock = [0.0]
    monkeypatch.setattr(lslo.running.progress.time, "monotonic", lambda: clock[0])
    progress = Progress("epoch 3/4", "update", None, total=1000, done=400, later=1000)
    with caplog.at_level(logging.INFO, logger="lslo.running.progress"):
        for _ in range(300):
            clock[0] += 1.0
            progress.step(tokens=50, loss=2.0)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 5
    # What was done before a kill is not counted as done in this life.
    assert lines[0] == (
        "epoch 3/4: update 460 of 1,000, loss 2.0000, 50 tokens/s, 0:09:00 left, 0:25:40 with what follows"
    )
    hidden = Progress("epoch 3/4", "update", None, total=10, shown=False)
    clock[0] += 100
    hidden.step()
    assert len(caplog.records) == 5
