"""Draws one of Figures 1 to 6."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas
from matplotlib.figure import Figure

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
from lslo.reporting.subspace_demand import read_estimates
from lslo.running.script import script_job
from lslo.scoring.score_files import read_scores


def drawn(
    number: int, data: str, epoch_scores: Mapping[str, Sequence[str]], resource_classes: Mapping[str, str]
) -> tuple[Figure, pandas.DataFrame]:
    """Returns a figure and the data that it shows.

    Args:
        number: The number of the figure.
        data: The file of weights.csv (Figure 1), ise.csv (2, 5) or lsp.csv (4, 6).
        epoch_scores: The files epoch_scores.csv of each seed, by setting (Figure 3).
        resource_classes: The resource class of each language code.
    """
    if number == 1:
        return learned_weights_figure(pandas.read_csv(data))
    if number == 3:
        scores = {setting: [read_scores(path) for path in paths] for setting, paths in epoch_scores.items()}
        return epoch_figure(scores, resource_classes)
    estimates = read_estimates(data)
    if number == 4:
        return layer_demand_figure(estimates)
    figures = {2: language_demand_figure, 5: layerwise_demand_figure, 6: languagewise_demand_figure}
    return figures[number](estimates, resource_classes)


if "snakemake" in globals():
    with script_job(snakemake.log[0]), recorded(snakemake):
        figure, shown = drawn(
            int(snakemake.wildcards.number),
            snakemake.params.data,
            snakemake.params.epoch_scores,
            snakemake.params.resource_classes,
        )
        save_figure(figure, shown, **{form: Path(snakemake.output[form]) for form in ("pdf", "png", "csv")})
