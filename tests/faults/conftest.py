"""The fixture that the tests of faults share."""

from pathlib import Path

import pytest

from workflow_copy import Workflow, copy_workflow


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    """A workflow that has not run."""
    folder = tmp_path / "run"
    folder.mkdir()
    return Workflow(copy_workflow(tmp_path / "workflow"), folder)
