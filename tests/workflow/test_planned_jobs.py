"""`snakemake plan` counts the same jobs as a dry run."""

import pytest
import yaml

from lslo.experiment.experiment import Experiment
from lslo.planning.plan import Plan
from workflow_copy import REPOSITORY

pytestmark = pytest.mark.slow


def twelve_languages(workflow) -> dict:
    return yaml.safe_load((REPOSITORY / "config/lang12.yaml").read_text())


def unusual(workflow) -> dict:
    """Returns an unusual configuration: two seeds, shards, no claims, and the base model only in Figure 3.

    Figure 3 shows the base model as epoch 0, while no table shows it.
    """
    config = workflow.config()
    config |= {"seeds": [1, 2], "figures": [3], "figure3": ["Ft-all"]}
    config["tables"] = {"table1": ["Ft-all", "1;1;2+SRC"]}
    config["translation"]["shards"] = 3
    del config["claims"]
    return config


@pytest.mark.parametrize("make", [twelve_languages, unusual])
def test_the_jobs_are_those_of_a_dry_run(workflow, make):
    config = make(workflow)
    result = workflow.run(config, "--dry-run", "--quiet", "rules")
    assert result.returncode == 0, result.stdout
    rows = (line.split() for line in result.stdout.splitlines())
    jobs = {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
    del jobs["total"]
    folder = workflow.folder
    plan = Plan.of(Experiment(config, REPOSITORY, folder))
    assert plan.rules == jobs
    # A dry run downloads nothing.
    assert not (folder / "data").exists()
