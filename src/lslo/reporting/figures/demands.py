"""Figures 2 and 4 to 6: demands for parameter space by language, layer and module (Equation 5)."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
import pandas
from matplotlib.figure import Figure

from lslo.adapters.weight_matrices import MODULES, SIDES
from lslo.reporting.figures.heatmaps import Block, Panel, draw_cells, draw_colour_bar, label_width, panel_grid
from lslo.reporting.figures.style import (
    COLUMN_WIDTH,
    RC_PARAMETERS,
    colour_language_labels,
    demand_norm,
)
from lslo.reporting.subspace_demand import demand_per_size

# A figure and the data that it shows.
Drawn = tuple[Figure, pandas.DataFrame]


def language_demand_figure(ise: pandas.DataFrame, resource_classes: Mapping[str, str]) -> Drawn:
    """Draws Figure 2: each language's demand by module, averaged over all layers (ISE).

    Args:
        ise: ise.csv, one row for each B matrix.
        resource_classes: The resource class of each language code, in display order.

    Returns:
        The figure, and its data: side, module, language, demand (a share of the matrix's size).

    Raises:
        ValueError: `ise` lacks a column, or has a language without a class.
    """
    demands = _mean_demand(ise, ["side", "module", "language"])
    languages = _languages(demands, resource_classes)
    panels = {
        side: Panel(side.capitalize(), _cells(demands[demands["side"] == side], side, "language", languages))
        for side in SIDES
    }
    with matplotlib.rc_context(RC_PARAMETERS):
        figure, sides = _two_sides(panels, demands, row_height=0.125)
        colour_language_labels(sides[0].get_yticklabels(), resource_classes)
    return figure, demands


def layer_demand_figure(lsp: pandas.DataFrame) -> Drawn:
    """Draws Figure 4: the demand of each weight matrix in each layer, averaged over all languages (LSP).

    Layer 1, next to the embeddings, is at the bottom.

    Args:
        lsp: lsp.csv, one row for each B matrix.

    Returns:
        The figure, and its data: side, layer, module, demand.

    Raises:
        ValueError: `lsp` lacks a column.
    """
    demands = _mean_demand(lsp, ["side", "layer", "module"])
    panels = {
        side: Panel(
            side.capitalize(), _cells(demands[demands["side"] == side], side, "layer", _layers(demands))
        )
        for side in SIDES
    }
    with matplotlib.rc_context(RC_PARAMETERS):
        figure, _ = _two_sides(panels, demands, row_height=0.14, row_axis="Layer")
    return figure, demands


def layerwise_demand_figure(ise: pandas.DataFrame, resource_classes: Mapping[str, str]) -> Drawn:
    """Draws Figure 5: each language's demand by module in every layer of encoder and decoder (ISE).

    Args:
        ise: ise.csv, one row for each B matrix.
        resource_classes: The resource class of each language code, in display order.

    Returns:
        The figure, and its data: side, layer, module, language, demand (a share of the matrix's size).

    Raises:
        ValueError: `ise` lacks a column, or has a language without a class.
    """
    demands = _mean_demand(ise, ["side", "layer", "module", "language"])
    languages = _languages(demands, resource_classes)
    blocks = []
    for side in SIDES:
        of_side = demands[demands["side"] == side]
        panels = [
            Panel(f"Layer {layer}", _cells(of_layer, side, "language", languages))
            for layer, of_layer in of_side.groupby("layer")
        ]
        blocks.append(Block(side.capitalize(), panels))
    with matplotlib.rc_context(RC_PARAMETERS):
        figure = panel_grid(blocks, demand_norm(demands), resource_classes=resource_classes)
    return figure, demands


def languagewise_demand_figure(lsp: pandas.DataFrame, resource_classes: Mapping[str, str]) -> Drawn:
    """Draws Figure 6: the demand of each weight matrix in each layer, for every language (LSP).

    Args:
        lsp: lsp.csv, one row for each B matrix.
        resource_classes: The resource class of each language code, in display order.

    Returns:
        The figure, and its data: side, layer, module, language, demand (a share of the matrix's size).

    Raises:
        ValueError: `lsp` lacks a column, or has a language without a class.
    """
    demands = _mean_demand(lsp, ["side", "layer", "module", "language"])
    languages = _languages(demands, resource_classes)
    layers = _layers(demands)
    blocks = []
    for side in SIDES:
        of_side = demands[demands["side"] == side]
        panels = [
            Panel(
                language,
                _cells(of_side[of_side["language"] == language], side, "layer", layers),
                resource_classes[language],
            )
            for language in languages
        ]
        blocks.append(Block(side.capitalize(), panels))
    with matplotlib.rc_context(RC_PARAMETERS):
        figure = panel_grid(blocks, demand_norm(demands), row_axis="Layer")
    return figure, demands


def _mean_demand(estimates: pandas.DataFrame, keys: list[str]) -> pandas.DataFrame:
    """Averages the demands of all B matrices with the same `keys`; one row for each combination of `keys`."""
    demands = demand_per_size(estimates).groupby(keys, sort=False, as_index=False)["demand"].mean()
    unknown = sorted(set(demands["side"]) - set(SIDES))
    if unknown:
        raise ValueError(f"subspace demands: side {unknown[0]!r} is neither encoder nor decoder")
    return demands


def _languages(demands: pandas.DataFrame, resource_classes: Mapping[str, str]) -> list[str]:
    """Returns the languages of `demands` in display order."""
    found = set(demands["language"])
    unknown = sorted(found - set(resource_classes))
    if unknown:
        raise ValueError(f"subspace demands of {', '.join(unknown)}, none of the configured languages")
    return [language for language in resource_classes if language in found]


def _layers(demands: pandas.DataFrame) -> list[int]:
    """Returns the layers' numbers from the top of the model to its bottom."""
    return sorted(demands["layer"].unique(), reverse=True)


def _cells(demands: pandas.DataFrame, side: str, rows: str, order: list) -> pandas.DataFrame:
    """Arranges demands as a heatmap: `rows` in `order`, the side's modules as columns; NaN if missing."""
    modules = [module for module in MODULES[side] if module in set(demands["module"])]
    return demands.pivot(index=rows, columns="module", values="demand").reindex(index=order, columns=modules)


def _two_sides(
    panels: Mapping[str, Panel], demands: pandas.DataFrame, row_height: float, row_axis: str | None = None
) -> tuple[Figure, list]:
    """Draws a column-wide figure: encoder beside decoder, with cells of one size, and a colour bar below.

    Args:
        panels: The heatmap of each side.
        demands: All demands, for the colour limits.
        row_height: The height of a row of cells, in inches.
        row_axis: The name of the rows, written at their left; None for no name.

    Returns:
        The figure and the axes of the sides.
    """
    cells = [panel.cells for panel in panels.values()]
    rows = len(cells[0])
    left = label_width([str(label) for label in cells[0].index]) + (0.16 if row_axis else 0.06)
    right, gap, above, below = 0.04, 0.08, 0.2, 0.72
    height = above + max(rows, 6) * row_height + below
    figure = Figure(figsize=(COLUMN_WIDTH, height))
    column_width = (COLUMN_WIDTH - left - right - gap) / sum(matrix.shape[1] for matrix in cells)
    norm = demand_norm(demands)
    sides, x = [], left
    for panel in panels.values():
        width = column_width * panel.cells.shape[1]
        axes = figure.add_axes(
            (x / COLUMN_WIDTH, below / height, width / COLUMN_WIDTH, (height - above - below) / height)
        )
        draw_cells(axes, panel.cells, norm)
        axes.set_title(panel.title, pad=3)
        axes.tick_params(axis="x", labelrotation=90)
        if sides:
            axes.set_yticklabels([])
        elif row_axis:
            axes.set_ylabel(row_axis, labelpad=2)
        sides.append(axes)
        x += width + gap
    bar = figure.add_axes((0.2, 0.33 / height, 0.66, 0.08 / height))
    draw_colour_bar(figure, bar, norm)
    return figure, sides
