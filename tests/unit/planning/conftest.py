"""Plans of the repository's configurations, benchmarks of finished jobs, and a small model with its sizes."""

from pathlib import Path

import pytest
import yaml

from lslo.experiment.experiment import Experiment
from lslo.planning.model_sizes import ModelSizes
from lslo.planning.plan import Plan

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def repository():
    return REPOSITORY


@pytest.fixture
def configuration():
    """A function that reads `config/{name}.yaml`."""

    def read(name: str) -> dict:
        return yaml.safe_load((REPOSITORY / "config" / f"{name}.yaml").read_text())

    return read


@pytest.fixture
def plan_of(tmp_path):
    """A function that plans a configuration in an empty folder."""

    def plan(config: dict) -> Plan:
        return Plan.of(Experiment(config, REPOSITORY, tmp_path))

    return plan


@pytest.fixture
def lang12(configuration, plan_of):
    """The plan of `config/lang12.yaml`."""
    return plan_of(configuration("lang12"))


@pytest.fixture
def demo(configuration, plan_of):
    """The plan of `config/demo.yaml`."""
    return plan_of(configuration("demo"))


@pytest.fixture
def write_benchmark():
    """A function that writes the benchmark of a finished job, as Snakemake does."""

    def write(file: Path, seconds: str, memory: str = "100.0") -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:10\t{memory}\n")

    return write


@pytest.fixture
def model():
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    torch.manual_seed(1)
    # Eager attention, whose products PyTorch counts on every machine.
    return M2M100ForConditionalGeneration._from_config(
        M2M100Config(
            vocab_size=50,
            d_model=16,
            encoder_layers=2,
            decoder_layers=3,
            encoder_ffn_dim=24,
            decoder_ffn_dim=40,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            dropout=0.0,
            attention_dropout=0.0,
            encoder_layerdrop=0.0,
            decoder_layerdrop=0.0,
        ),
        attn_implementation="eager",
    )


@pytest.fixture
def sizes():
    """The sizes of `model`."""
    return ModelSizes(16, 2, 3, 24, 40, 50)
