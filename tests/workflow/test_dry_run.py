"""A dry run starts at once: it imports none of the large libraries that only jobs need."""

import subprocess
import sys

import pytest
import yaml

from workflow_copy import REPOSITORY

NOT_NEEDED = ("torch", "transformers", "sentencepiece")


@pytest.fixture
def guarded(workflow, tmp_path):
    """The workflow in an environment where importing one of these libraries ends the process."""
    folder = tmp_path / "guard"
    folder.mkdir()
    for name in NOT_NEEDED:
        # No ImportError, which an optional import would pass over.
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')\n")
    workflow.environment = {"PYTHONPATH": str(folder)}
    return workflow


@pytest.mark.parametrize("name", NOT_NEEDED)
def test_the_guard_sees_an_import(guarded, name):
    result = subprocess.run(
        [sys.executable, "-c", f"import {name}"], capture_output=True, text=True, env=guarded.variables
    )
    assert result.returncode != 0
    assert result.stderr == f"{name} was imported\n"


def test_a_dry_run_of_lang12_imports_no_library_of_its_jobs(guarded):
    config = yaml.safe_load((REPOSITORY / "config/lang12.yaml").read_text())
    result = guarded.run(config, "--dry-run", "--quiet", "rules")
    assert result.returncode == 0, result.stdout
    assert "finetune" in result.stdout
    assert "was imported" not in result.stdout
