"""Fixtures: a workflow that has not run yet, and a finished one."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow_copy import Workflow, copy_workflow


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    """A workflow that has not run."""
    folder = tmp_path / "run"
    folder.mkdir()
    return Workflow(copy_workflow(tmp_path / "workflow"), folder)


@pytest.fixture(scope="session")
def finished_workflow(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A workflow that has run to its end; tests must leave its results alone."""
    folder = tmp_path_factory.mktemp("finished")
    # Users have folders with spaces in their names.
    workflow = Workflow(copy_workflow(folder / "work flow"), folder / "a run")
    workflow.folder.mkdir()
    result = workflow.run()
    assert result.returncode == 0, result.stdout
    return workflow
