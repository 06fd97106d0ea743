"""A SLURM cluster for the tests in this folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster
from packages import ClusterError, install
from processes import processes_of
from runs import workflow_on

from workflow_copy import Workflow


@pytest.fixture(scope="session")
def installed_slurm() -> None:
    """Installs SLURM's programs unless they are installed; skips the test where that is impossible."""
    try:
        install()
    except ClusterError as error:
        # Where the tests must not be skipped, it is a failure that they cannot run.
        if os.environ.get("LSLO_SKIP_NOTHING"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def cluster(installed_slurm: None) -> Iterator[Cluster]:
    """A cluster of two nodes, n1 and n2, with two stand-in GPUs each; nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="lslo-slurm-") as folder:
        cluster = Cluster(folder)
        # pytest may be killed, and then nothing below `finally` runs.
        cluster.watch(os.getpid())
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
            assert processes_of(folder) == []


@pytest.fixture
def slurm_workflow(cluster: Cluster, tmp_path: Path) -> Iterator[Workflow]:
    """A workflow that has not run yet and uses profiles/slurm; its jobs end with the test."""
    yield workflow_on(cluster, tmp_path)
    cluster.cancel_all()
