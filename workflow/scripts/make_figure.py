"""Figures 1 to 6."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas

from lslo.experiment.provenance import recorded
from lslo.reporting.figures.curves import epoch_figure
from lslo.reporting.figures.demands import (
    language_demand_figure,
    languagewise_demand_figure,
    layer_demand_figure,
    layerwise_demand_figure,
)
from lslo.reporting.figures.style import save_figure
from lslo.reporting.figures.weights import learned_weights_figure
from lslo.running.script import script_job
from lslo.scoring.score_files import read_scores


def main(
    number: int,
    data: str,
    epoch_scores: Mapping[str, Sequence[str]],
    resource_classes: Mapping[str, str],
    outputs: Mapping[str, Path],
) -> None:
    """Write figure `number`.

    data: weights.csv (Figure 1), ise.csv (2, 5) or lsp.csv (4, 6). epoch_scores: setting ->
    epoch_scores.csv of each seed (Figure 3).
    """
    drawings: dict[int, Callable] = {
        1: lambda: learned_weights_figure(pandas.read_csv(data)),
        2: lambda: language_demand_figure(_demands(data), resource_classes),
        3: lambda: epoch_figure(
            {setting: [read_scores(path) for path in paths] for setting, paths in epoch_scores.items()},
            resource_classes,
        ),
        4: lambda: layer_demand_figure(_demands(data)),
        5: lambda: layerwise_demand_figure(_demands(data), resource_classes),
        6: lambda: languagewise_demand_figure(_demands(data), resource_classes),
    }
    save_figure(*drawings[number](), **outputs)


def _demands(path: str) -> pandas.DataFrame:
    # By default pandas would read the language code "nan" (Min Nan Chinese) as a missing value.
    return pandas.read_csv(path, keep_default_na=False)


if "snakemake" in globals():
    with script_job(snakemake.log[0]), recorded(snakemake):
        main(
            int(snakemake.wildcards.number),
            snakemake.params.data,
            snakemake.params.epoch_scores,
            snakemake.params.resource_classes,
            {form: Path(snakemake.output[form]) for form in ("pdf", "png", "csv")},
        )
