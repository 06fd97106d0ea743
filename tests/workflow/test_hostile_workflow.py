"""The real Snakemake refuses hostile input in one line and runs nothing: configurations, targets, folders."""

import re
import shlex
import subprocess
import sys

import pytest
from test_bad_input import error_of

DRY_RUN = ("--dry-run", "--quiet", "all", "--")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"experiment": "x\nerror: y"}, "'experiment'"),
        ({"corpus": {"folder": ".", "pattern": "{code.__class__}"}}, "'corpus.pattern'"),
    ],
)
def test_a_hostile_configuration_is_refused_in_one_line(workflow, changes, part):
    message = error_of(workflow.run(workflow.config() | changes, *DRY_RUN))
    assert part in message
    assert not (workflow.folder / "results").exists()


def test_an_object_in_a_configuration_is_not_made(workflow):
    command = workflow.command(workflow.config(), DRY_RUN)
    marker = workflow.folder / "was_run"
    with (workflow.folder / "config.yaml").open("a") as file:
        file.write(f"extra: !!python/object/apply:os.system ['touch {marker}']\n")
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout + result.stderr
    assert not marker.exists()


@pytest.mark.parametrize(
    "target",
    [
        "data/sources/no_such_file",
        "results/tiny/settings/2-2-2_WL/seed99999999999999999999/scores.csv",
    ],
)
def test_a_hostile_target_is_refused_without_a_traceback(workflow, target):
    result = workflow.run(None, *DRY_RUN, target)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    assert "No rule to produce" in result.stdout
    assert [path.name for path in workflow.folder.iterdir() if not path.name.startswith(".")] == [
        "config.yaml"
    ]


def test_a_folder_with_a_hostile_name_is_one_word_of_a_command(workflow, tmp_path):
    workflow.source = workflow.source.rename(tmp_path / 'it\'s; $(touch was_run) `touch was_run` & "x"')
    result = workflow.run(None, "--dry-run", "--printshellcmds", "--", "report")
    assert result.returncode == 0, result.stdout
    commands = re.findall(r"^Shell command: (.* --report .*)$", result.stdout, re.MULTILINE)
    assert len(commands) == 1
    words = shlex.split(commands[0])
    assert words[:5] == [sys.executable, "-m", "snakemake", "--snakefile", str(workflow.source / "Snakefile")]
    assert not list(tmp_path.rglob("was_run"))
