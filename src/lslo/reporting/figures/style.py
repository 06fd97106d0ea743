"""The style of the figures: sizes in inches for the paper's columns, fonts, and colours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.text import Text
from pandas import DataFrame

PNG_RESOLUTION = 200  # dots per inch

COLUMN_WIDTH = 3.03  # inches: one column of the ACL style
TEXT_WIDTH = 6.3  # inches: both columns
PAGE_HEIGHT = 9.2  # inches that a page leaves above a caption

# Blue for a low demand, red for a high one, as in the paper; safe for red-green colour blindness.
DEMAND_COLOURS = "RdBu_r"

# Text colours, each with a contrast of at least 4.5 on white.
CLASS_COLOURS = MappingProxyType({"H": "#1b7837", "M": "#2166ac", "L": "#b35806", "V": "#b2182b"})

# Okabe and Ito's colours for the colour-blind, without their yellow, which is too pale for a line.
LINE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINE_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
LINE_STYLES = ("-", "--", ":")

RC_PARAMETERS = MappingProxyType(
    {
        "font.family": "DejaVu Sans",
        "font.size": 7.0,
        "axes.titlesize": 7.5,
        "axes.labelsize": 7.0,
        "xtick.labelsize": 6.5,
        "ytick.labelsize": 6.5,
        "legend.fontsize": 6.5,
        "axes.linewidth": 0.6,
        "axes.unicode_minus": True,
        "xtick.major.width": 0.5,
        "ytick.major.width": 0.5,
        "xtick.major.size": 2.0,
        "ytick.major.size": 2.0,
        "xtick.major.pad": 2.0,
        "ytick.major.pad": 2.0,
        "lines.linewidth": 1.1,
        "lines.markersize": 3.2,
        "legend.frameon": False,
        # Type 42: fonts that a publisher's checks accept and a vector editor can edit.
        "pdf.fonttype": 42,
    }
)


def line_style(number: int) -> dict[str, str]:
    """Returns colour, marker and dashes of line `number` (from 0); the first 63 lines all look different."""
    return {
        "color": LINE_COLOURS[number % len(LINE_COLOURS)],
        "marker": LINE_MARKERS[number % len(LINE_MARKERS)],
        "linestyle": LINE_STYLES[number // len(LINE_COLOURS) % len(LINE_STYLES)],
    }


def demand_norm(demands: DataFrame) -> Normalize:
    """Returns colour limits symmetric about zero, so that white stands for a demand of zero.

    A matrix with this demand was pruned by exactly the pruning ratio.
    """
    limit = float(demands["demand"].abs().max())
    # Without any demand but zero, any limit except 0 will do.
    limit = limit if limit > 0 else 1.0
    return Normalize(-limit, limit)


def colour_language_labels(labels: list[Text], resource_classes: Mapping[str, str]) -> None:
    """Colours tick labels that are language codes by the language's resource class."""
    for label in labels:
        label.set_color(CLASS_COLOURS[resource_classes[label.get_text()]])


def plain_frame(axes: Axes) -> None:
    """Removes all spines but the left and the bottom one, and draws a faint horizontal grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", linewidth=0.4, color="0.88")
    axes.set_axisbelow(True)


def save_figure(figure: Figure, data: DataFrame, pdf: str | Path, png: str | Path, csv: str | Path) -> None:
    """Writes a figure as PDF and PNG and its data as CSV; the same input gives the same bytes."""
    with matplotlib.rc_context(RC_PARAMETERS):
        # Without None here the PDF would carry the time of writing.
        figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
        figure.savefig(png, format="png", dpi=PNG_RESOLUTION)
    data.to_csv(csv, index=False, float_format="%.6g", lineterminator="\n")
