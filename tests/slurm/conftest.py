"""A SLURM cluster for the tests of this folder."""

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
    """SLURM's programs, installed if need be."""
    try:
        install()
    except ClusterError as error:
        # Where these tests have to run, not being able to is a failure.
        if os.environ.get("LSLO_SKIP_NOTHING"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def cluster(installed_slurm: None) -> Iterator[Cluster]:
    """Two nodes, n1 and n2, of two stand-in GPUs each; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="lslo-slurm-") as folder:
        cluster = Cluster(folder)
        # Not for nothing: pytest itself may be killed.
        cluster.watch(os.getpid())
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
            assert processes_of(folder) == []


@pytest.fixture
def slurm_workflow(cluster: Cluster, tmp_path: Path) -> Iterator[Workflow]:
    """A workflow that has not run and runs through profiles/slurm; its jobs end with the test."""
    yield workflow_on(cluster, tmp_path)
    cluster.cancel_all()
