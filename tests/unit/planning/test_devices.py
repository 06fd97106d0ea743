"""The devices of a plan and their speed."""

from dataclasses import replace
from typing import get_args

import pytest

from lslo.experiment.config import Device, Planning
from lslo.experiment.experiment import Experiment
from lslo.planning.devices import DEVICES, Rates
from lslo.planning.markdown_report import as_markdown


def test_the_configuration_knows_every_device():
    assert list(get_args(Device)) == ["CPU", *DEVICES]


def test_rates_of_a_gpu_are_shares_of_its_peak():
    rates = Rates.of(Planning(device="A100-40GB", training_share=0.5), 1)
    assert rates.training_seconds("lslo", 312e12, 1) == pytest.approx(2)
    assert replace(rates, sentences_per_second=10).translation_seconds(1e15, 20) == 2


def test_measured_rates_take_the_place_of_shares(configuration, plan_of):
    config = configuration("lang12")
    config["plan"] = {
        "device": "L40S",
        "measured": {"tokens_per_second": {"lslo": 50_000}, "sentences_per_second": 200},
    }
    plan = plan_of(config)
    job = next(job for job in plan.jobs if job.rule == "learn_weights")
    assert job.seconds == pytest.approx(997 * 132 * 15 * 40 / 50_000, rel=0.01)
    job = next(job for job in plan.jobs if job.rule == "translate")
    assert job.seconds == pytest.approx(1012 * 132 / 200, rel=0.01)
    assert "50,000 target tokens/s in lslo trainings" in as_markdown(plan, 1440)


@pytest.mark.parametrize("plan", [{"device": "A1"}, {"training_share": 1.5}, {"measured": {"gpu": 1}}])
def test_a_wrong_key_is_named(configuration, repository, plan):
    with pytest.raises(ValueError, match="config key 'plan"):
        Experiment({**configuration("demo"), "plan": plan}, repository)
