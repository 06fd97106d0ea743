"""Targets that cannot be made are refused before anything runs."""

from pathlib import Path

import pytest
import yaml

from lslo.experiment.config_errors import ConfigError
from lslo.experiment.experiment import Experiment
from lslo.experiment.targets import check_targets

REPOSITORY = Path(__file__).parents[3]
FOLDER = "results/tiny/settings"


@pytest.fixture(scope="module")
def experiment():
    return Experiment(yaml.safe_load((REPOSITORY / "tests/data/tiny.yaml").read_text()), REPOSITORY)


@pytest.mark.parametrize(
    ("target", "part"),
    [
        (f"{FOLDER}/Pretrain/seed1/adapter", "not trained"),
        (f"./{FOLDER}/2-2-x_WL/seed1/scores.csv", "2-2-x_WL"),
        (f"{FOLDER}/2-2-2-2_WL/seed1/scores.csv", None),
        (f"{FOLDER}/2-2-2_SRC/seed1/epoch_scores.csv", "add 2;2;2+SRC to `figure3`"),
        (f"{FOLDER}/1-1-2_WL_GPS0.9/seed1/epoch_scores.csv", None),
        (f"{FOLDER}/Pretrain/seed1/scores.csv", None),
        ("results/other/settings/2-2-x_WL/seed1/scores.csv", None),
        ("base_model", "`pretraining`"),
        ("tables", None),
    ],
)
def test_what_cannot_be_made_is_refused_by_name(experiment, target, part):
    if part is None:
        check_targets(experiment, [target])
        return
    with pytest.raises(ConfigError) as caught:
        check_targets(experiment, ["--cores", "2", target])
    assert part in str(caught.value)
    assert target.removeprefix("./") in str(caught.value)


def test_the_demo_can_pretrain_its_base_model():
    demo = yaml.safe_load((REPOSITORY / "config/demo.yaml").read_text())
    check_targets(Experiment(demo, REPOSITORY), ["base_model"])
    demo["pretraining"]["tokens_per_batch"] = 300
    with pytest.raises(ConfigError, match=r"'pretraining\.tokens_per_update': must be a multiple"):
        check_targets(Experiment(demo, REPOSITORY), ["base_model"])
