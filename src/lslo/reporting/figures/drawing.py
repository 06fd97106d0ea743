"""Figures 1 to 6 by their numbers, drawn from the files of analyses and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas
from matplotlib.figure import Figure

from lslo.reporting.figures.curves import epoch_figure
from lslo.reporting.figures.demands import (
    language_demand_figure,
    languagewise_demand_figure,
    layer_demand_figure,
    layerwise_demand_figure,
)
from lslo.reporting.figures.weights import learned_weights_figure
from lslo.reporting.subspace_demand import read_estimates
from lslo.scoring.score_files import read_scores


def draw_figure(
    number: int,
    data: str | Path,
    epoch_scores: Mapping[str, Sequence[str | Path]],
    resource_classes: Mapping[str, str],
) -> tuple[Figure, pandas.DataFrame]:
    """Draws one of the paper's figures.

    Args:
        number: The number of the figure, from 1 to 6.
        data: weights.csv (Figure 1), ise.csv (Figures 2 and 5) or lsp.csv (Figures 4 and 6); Figure 3 does
            not use it.
        epoch_scores: The epoch_scores.csv of each seed of each setting (Figure 3), settings in the legend's
            order; the other figures do not use it.
        resource_classes: The resource class of each language code.

    Returns:
        The figure, and its data.

    Raises:
        ValueError: A column is missing, or another part of the data; the message names it.
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
