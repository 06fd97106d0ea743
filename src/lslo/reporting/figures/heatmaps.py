"""Grids of heatmaps, laid out in inches so that cells and labels keep their size whatever their number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lslo.reporting.figures.style import (
    CLASS_COLOURS,
    DEMAND_COLOURS,
    PAGE_HEIGHT,
    TEXT_WIDTH,
    colour_language_labels,
)

DEMAND_LABEL = r"Demand per size, $-\mathrm{Score}(B)\,/\,\#_B$"

ROW_LABEL_WIDTH = 0.26  # inches at least, left of the first panel
TITLE_HEIGHT = 0.16  # inches, above each panel
COLUMN_LABEL_HEIGHT = 0.27  # inches, below the last row of a block
BLOCK_TITLE_HEIGHT = 0.14  # inches, above a block's first row
PANEL_GAP = 0.07  # inches between panels side by side
COLOUR_BAR_HEIGHT = 0.52  # inches, at the bottom, with its label
MARGIN = 0.06  # inches around everything
ROW_HEIGHTS = (0.105, 0.095, 0.085, 0.075)  # inches for a row of cells; the first that fits the page is taken


@dataclass(frozen=True)
class Panel:
    """A heatmap.

    Attributes:
        title: The title above the heatmap; empty for none.
        cells: The values. The index has the row labels, from top to bottom, the columns the column labels.
        title_class: The resource class in whose colour the title is set; None for black.
    """

    title: str
    cells: pandas.DataFrame
    title_class: str | None = None


@dataclass(frozen=True)
class Block:
    """The panels of the encoder or of the decoder, all with the same row and column labels.

    Attributes:
        title: The title above the panels.
        panels: The panels in reading order.
    """

    title: str
    panels: Sequence[Panel]


def draw_cells(axes: Axes, cells: pandas.DataFrame, norm: Normalize) -> None:
    """Draws one heatmap with thin white lines between its cells; a missing value is grey."""
    axes.set_facecolor("0.75")
    axes.pcolormesh(
        cells.to_numpy(dtype=float), cmap=DEMAND_COLOURS, norm=norm, edgecolors="white", linewidth=0.3
    )
    axes.set_xticks([position + 0.5 for position in range(cells.shape[1])], cells.columns)
    axes.set_yticks([position + 0.5 for position in range(cells.shape[0])], cells.index)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_color("0.4")


def label_width(labels: Sequence[str]) -> float:
    """Returns the inches that the longest tick label takes, at a generous 0.62 of the font size a letter."""
    return max(map(len, labels)) * 6.5 * 0.62 / 72 + 0.05


def draw_colour_bar(figure: Figure, axes: Axes, norm: Normalize) -> None:
    """Draws a horizontal colour bar that fills `axes`."""
    # Few ticks: labels such as −0.075 would touch each other at column width.
    bar = figure.colorbar(
        ScalarMappable(norm, DEMAND_COLOURS), cax=axes, orientation="horizontal", ticks=MaxNLocator(4)
    )
    bar.set_label(DEMAND_LABEL, labelpad=1.5)
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(length=1.5)


def panel_grid(
    blocks: Sequence[Block],
    norm: Normalize,
    *,
    row_axis: str | None = None,
    resource_classes: Mapping[str, str] | None = None,
) -> Figure:
    """Draws a page-wide figure: blocks of heatmaps below each other, and one colour bar.

    Args:
        blocks: The blocks, each with at least one panel.
        norm: The colour limits of all panels.
        row_axis: The name of the rows, written once in each row of panels; None for no name.
        resource_classes: The resource class of each language code, to colour row labels that are language
            codes; None for row labels of another kind.
    """
    rows = len(blocks[0].panels[0].cells)
    panels_across, row_height = _arrangement(blocks, rows)
    height = _figure_height(blocks, panels_across, rows * row_height)
    figure = Figure(figsize=(TEXT_WIDTH, height))
    labels = [str(label) for label in blocks[0].panels[0].cells.index]
    left = MARGIN + max(ROW_LABEL_WIDTH, label_width(labels)) + (0.12 if row_axis else 0.0)
    panel_width = (TEXT_WIDTH - left - MARGIN - (panels_across - 1) * PANEL_GAP) / panels_across

    def add_axes(x: float, y_from_top: float, width: float, tall: float) -> Axes:
        return figure.add_axes(
            (x / TEXT_WIDTH, 1 - (y_from_top + tall) / height, width / TEXT_WIDTH, tall / height)
        )

    top = MARGIN
    for block in blocks:
        figure.text(left / TEXT_WIDTH, 1 - top / height, block.title, va="top", weight="bold", size=8)
        top += BLOCK_TITLE_HEIGHT
        for number, panel in enumerate(block.panels):
            column = number % panels_across
            if number and column == 0:
                top += TITLE_HEIGHT + rows * row_height
            x = left + column * (panel_width + PANEL_GAP)
            axes = add_axes(x, top + TITLE_HEIGHT, panel_width, rows * row_height)
            draw_cells(axes, panel.cells, norm)
            axes.set_title(panel.title, pad=2, color=CLASS_COLOURS.get(panel.title_class, "black"))
            _label_rows(axes, column == 0, row_axis, row_height, resource_classes)
            _label_columns(axes, number + panels_across >= len(block.panels), panel_width)
        top += TITLE_HEIGHT + rows * row_height + COLUMN_LABEL_HEIGHT
    bar_width = 2.6
    draw_colour_bar(figure, add_axes((TEXT_WIDTH - bar_width) / 2, top + 0.1, bar_width, 0.09), norm)
    return figure


def _label_rows(
    axes: Axes,
    first: bool,
    row_axis: str | None,
    row_height: float,
    resource_classes: Mapping[str, str] | None,
) -> None:
    if not first:
        axes.set_yticklabels([])
        return
    # An inch has 72 points; a line of text needs about 1.05 times its size.
    size = min(6.5, row_height * 72 / 1.05)
    axes.tick_params(axis="y", labelsize=size, pad=1.5)
    if row_axis:
        axes.set_ylabel(row_axis, labelpad=2)
    if resource_classes is not None:
        colour_language_labels(axes.get_yticklabels(), resource_classes)


def _label_columns(axes: Axes, last: bool, panel_width: float) -> None:
    labels = [label.get_text() for label in axes.get_xticklabels()]
    if not last:
        axes.set_xticklabels([])
        return
    # Labels are horizontal if the longest fits its cell, and vertical otherwise.
    flat = label_width(labels) - 0.05 < panel_width / len(labels)
    if flat:
        # Labels share a baseline; aligned at their tops, "q" and "k" would not.
        axes.tick_params(axis="x", pad=7, labelsize=6.5)
        for label in axes.get_xticklabels():
            label.set_verticalalignment("baseline")
    else:
        axes.tick_params(axis="x", labelrotation=90, pad=1.5, labelsize=6)


def _arrangement(blocks: Sequence[Block], rows: int) -> tuple[int, float]:
    """Chooses the number of panels side by side, and the height of a row of cells in inches."""
    most = max(len(block.panels) for block in blocks)
    candidates = [most] if most <= 3 else [count for count in (3, 4, 6) if count <= most]
    for row_height in ROW_HEIGHTS:
        for count in candidates:
            if _figure_height(blocks, count, rows * row_height) <= PAGE_HEIGHT:
                return count, row_height
    return candidates[-1], ROW_HEIGHTS[-1]


def _figure_height(blocks: Sequence[Block], panels_across: int, panel_height: float) -> float:
    height = 2 * MARGIN + COLOUR_BAR_HEIGHT
    for block in blocks:
        panel_rows = math.ceil(len(block.panels) / panels_across)
        height += BLOCK_TITLE_HEIGHT + COLUMN_LABEL_HEIGHT + panel_rows * (TITLE_HEIGHT + panel_height)
    return height
