"""Jobs of an earlier run are found in what squeue and scontrol say."""

import os
import stat

import pytest

from lslo.running.slurm import leftover_jobs

SQUEUE = """\
11|rule_finetune_wildcards_1-1-2_SRC_1|{folder}
12|rule_finetune_wildcards_1-1-2_SRC_1|{folder}/elsewhere
13|(null)|{folder}
14|rule_score_wildcards_Ft-all_1|{folder}
15|group_scores|{folder}
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Commands that answer as SLURM does: the script of job 14 is another experiment's, that of 15 secret."""
    commands = {
        "squeue": f"cat <<'END'\n{SQUEUE.format(folder=tmp_path)}END",
        "scontrol": 'case $3 in 11) echo "results/mine/x";; 14) echo "results/other/x";; *) exit 1;; esac',
    }
    for name, script in commands.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path


def test_jobs_of_this_folder_and_experiment_count(slurm):
    assert leftover_jobs(slurm, ["results/mine/"]) == ["11", "15"]
    assert leftover_jobs(slurm, ["results/other/"]) == ["14", "15"]
    assert leftover_jobs(slurm / "elsewhere", ["results/mine/"]) == ["12"]


def test_without_slurm_there_are_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert leftover_jobs(tmp_path, [""]) == []


def test_a_slurm_that_does_not_answer_is_no_hindrance(slurm):
    (slurm / "bin/squeue").write_text("#!/bin/sh\nexit 1\n")
    assert leftover_jobs(slurm, ["results/mine/"]) == []
