"""The SLURM profiles and the rules must agree: Snakemake says nothing of a name that no rule has."""

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
ON_GPUS = {"learn_weights", "estimate_subspaces", "finetune", "translate", "translate_epochs"}


def profile(name: str) -> dict:
    return yaml.safe_load((REPOSITORY / "profiles" / name / "config.v9+.yaml").read_text())


@pytest.fixture(scope="module")
def submitted() -> set[str]:
    """The rules whose jobs go to a cluster: those that do something, and are not local."""
    text = "\n".join(path.read_text() for path in sorted((REPOSITORY / "rules").glob("*.smk")))
    bodies = re.split(r"^rule (\w+):\n", text, flags=re.MULTILINE)[1:]
    working = {name for name, body in zip(bodies[::2], bodies[1::2], strict=True) if "log:" in body}
    local = {
        name
        for names in re.findall(r"^localrules:\n((?:    .*\n)+)", text, re.MULTILINE)
        for name in re.findall(r"\w+", names)
    }
    assert local < working
    return working - local


@pytest.mark.parametrize("name", ["slurm", "slurm_gres"])
def test_every_rule_that_is_submitted_names_memory_and_time_that_grow(name, submitted):
    resources = profile(name)["set-resources"]
    assert set(resources) == submitted
    for rule in resources.values():
        assert "attempt" in rule["mem_mb"]
        assert "attempt" in rule["runtime"]


def test_the_gpus_of_a_job_are_on_one_node():
    for name in ON_GPUS:
        assert profile("slurm")["set-resources"][name]["nodes"] == 1


def test_gres_stands_in_for_the_gpus_of_the_same_rules():
    for name, values in profile("slurm")["set-resources"].items():
        expected = dict(values)
        if name in ON_GPUS:
            expected["cpus_per_task"] = expected.pop("cpus_per_gpu")
            expected |= {"gpu": 0, "gres": "gpu:1"}
        assert profile("slurm_gres")["set-resources"][name] == expected


def test_what_profiles_default_says_is_not_said_again():
    assert not set(profile("default")) & {*profile("slurm"), *profile("slurm_gres")}
