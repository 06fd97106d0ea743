"""The inputs and parameters that the two translation rules share, as a TranslationJob."""

from pathlib import Path
from typing import Any, TextIO

from lslo.experiment.hyperparameters import Decoding
from lslo.translation.translation_job import TranslationJob


def translation_job(snakemake: Any, terminal: TextIO | None) -> TranslationJob:
    """Returns the job of a rule with the input base_model and the corpus, named so or as the first input."""
    return TranslationJob(
        base_model=Path(snakemake.input.base_model[0]).parent,
        corpus=Path(snakemake.input.get("corpus", snakemake.input)[0]).parent,
        codes=dict(snakemake.params.codes),
        directions=[tuple(direction) for direction in snakemake.params.directions],
        decoding=Decoding(**snakemake.params.translation),
        progress=terminal,
    )
