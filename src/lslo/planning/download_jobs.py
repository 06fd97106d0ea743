"""The jobs that download, extract and convert what an experiment is made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lslo.experiment.experiment import Experiment
from lslo.planning.model_sizes import FLOAT32, ModelSizes
from lslo.planning.planned_job import PlannedJob

# A fairseq archive has weights in float16 and Adam's two moments in float32.
ARCHIVE_BYTES_PER_PARAMETER = 10
CONVERTED_BYTES_PER_PARAMETER = 2
# The source of config/sources.tsv that holds the pieces of sacrebleu's flores101 tokenizer.
FLORES101_PIECES = "flores101_spm"


def download_jobs(experiment: Experiment, sizes: ModelSizes, text_bytes: float) -> Iterator[PlannedJob]:
    """Yields the jobs of rules/sources.smk that an experiment needs. Downloads are given no time.

    Args:
        experiment: The experiment.
        sizes: The sizes of the base model.
        text_bytes: Size of the text of all languages and splits.
    """
    config, paths = experiment.config, experiment.paths
    text, model, hub_model = config.corpus.source, config.base_model.source, config.base_model.hub
    flores101 = config.scoring.tokenizer == "flores101"
    expected_bytes = {text: text_bytes, model: ARCHIVE_BYTES_PER_PARAMETER * sizes.parameters}
    for name in _named(text, model, FLORES101_PIECES if flores101 else None):
        source = experiment.sources[name]
        size = source.size if source.size is not None else expected_bytes.get(name, 0)
        yield _job(experiment, "fetch_source", source.file, paths.download(source.file), size)
    for name in _named(text, model):
        yield _job(experiment, "extract_source", name, paths.extracted(name), expected_bytes[name])
    if model:
        size = sizes.model_bytes(CONVERTED_BYTES_PER_PARAMETER)
        yield _job(experiment, "convert_base_model", model, paths.converted_model(model), size)
    if hub_model:
        # The models of the hub whose sizes are known are stored in float32.
        size = sizes.model_bytes(FLOAT32)
        name = hub_model.replace("/", "-")
        yield _job(experiment, "fetch_hub_model", name, paths.hub_model(hub_model), size)
    if flores101:
        yield PlannedJob("fetch_scoring_model", "", paths.shared_benchmark("fetch_scoring_model"))


def _named(*names: str | None) -> list[str]:
    """Returns the names that are not None, each once."""
    return [name for name in dict.fromkeys(names) if name]


def _job(experiment: Experiment, rule: str, name: str, output: Path, size: float) -> PlannedJob:
    benchmark = experiment.paths.shared_benchmark(rule, name)
    return PlannedJob(rule, name, benchmark, outputs=(output,), bytes=size)
