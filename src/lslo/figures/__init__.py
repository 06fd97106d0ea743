"""The paper's figures: each function takes data frames and returns a figure and the data it is drawn from."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pandas
from matplotlib.figure import Figure

from lslo.figures.curves import epoch_figure
from lslo.figures.demands import (
    language_demand_figure,
    languagewise_demand_figure,
    layer_demand_figure,
    layerwise_demand_figure,
)
from lslo.figures.style import RC_PARAMETERS
from lslo.figures.weights import learned_weights_figure

__all__ = [
    "epoch_figure",
    "language_demand_figure",
    "languagewise_demand_figure",
    "layer_demand_figure",
    "layerwise_demand_figure",
    "learned_weights_figure",
    "save_figure",
]

PNG_RESOLUTION = 200  # dots an inch


def save_figure(
    figure: Figure, data: pandas.DataFrame, pdf: str | Path, png: str | Path, csv: str | Path
) -> None:
    """Writes a figure as vector PDF and as PNG, and its data as CSV; the same input gives the same bytes."""
    with matplotlib.rc_context(RC_PARAMETERS):
        # Without None here the PDF would carry the time of writing.
        figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
        figure.savefig(png, format="png", dpi=PNG_RESOLUTION)
    data.to_csv(csv, index=False, float_format="%.6g", lineterminator="\n")
