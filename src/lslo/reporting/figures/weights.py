"""Figure 1: the weights of source and target language in each layer, from weight learning (Section 6.1)."""

from __future__ import annotations

import matplotlib
import pandas
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from lslo.adapters.weight_matrices import SIDES
from lslo.reporting.figures.style import COLUMN_WIDTH, LINE_COLOURS, RC_PARAMETERS, plain_frame
from lslo.scoring.frame_columns import require_columns

WEIGHT_COLUMNS = ("side", "layer", "source_weight", "target_weight")


def learned_weights_figure(weights: pandas.DataFrame) -> tuple[Figure, pandas.DataFrame]:
    """Draws Figure 1: the learned weights of the source- and the target-indexed LSLo across the layers.

    Args:
        weights: weights.csv, one row for each layer; the two weights (after the softmax) add up to 1.

    Returns:
        The figure, and its data: side, layer, source_weight, target_weight; encoder first, layers ascending.

    Raises:
        ValueError: A column is missing, or a side is neither encoder nor decoder.
    """
    require_columns(weights, WEIGHT_COLUMNS, "learned weights")
    unknown = sorted(set(weights["side"]) - set(SIDES))
    if unknown:
        raise ValueError(f"learned weights: side {unknown[0]!r} is neither encoder nor decoder")
    sides = [weights[weights["side"] == side].sort_values("layer") for side in SIDES]
    data = pandas.concat(sides, ignore_index=True)[list(WEIGHT_COLUMNS)]
    with matplotlib.rc_context(RC_PARAMETERS):
        return _draw(data), data


def _draw(data: pandas.DataFrame) -> Figure:
    figure = Figure(figsize=(COLUMN_WIDTH, 1.75), layout="constrained")
    axes = figure.add_subplot()
    encoder_layers = int((data["side"] == "encoder").sum())
    for side in SIDES:
        rows = data[data["side"] == side]
        # Each side is a line of its own: the decoder does not go on where the encoder ends.
        named = side == "encoder"
        axes.plot(
            rows.index,
            rows["source_weight"],
            color=LINE_COLOURS[0],
            marker="o",
            label="source (src)" if named else None,
        )
        axes.plot(
            rows.index,
            rows["target_weight"],
            color=LINE_COLOURS[1],
            marker="s",
            linestyle="--",
            label="target (tgt)" if named else None,
        )
    axes.axvline(encoder_layers - 0.5, color="0.5", linewidth=0.6)
    axes.xaxis.set_major_locator(FixedLocator(list(data.index)))
    axes.set_xticklabels([str(layer) for layer in data["layer"]])
    # The numbers of 12 + 12 layers are smaller; of more layers, every second one is left out.
    axes.tick_params(axis="x", labelsize=5.2 if len(data) > 16 else 6.5)
    if len(data) > 26:
        for label in axes.get_xticklabels()[1::2]:
            label.set_visible(False)
    axes.set_xlim(-0.6, len(data) - 0.4)
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel("Learned weight")
    for name, first, count in (
        ("Encoder layer", 0, encoder_layers),
        ("Decoder layer", encoder_layers, len(data) - encoder_layers),
    ):
        if count:
            axes.text(
                first + (count - 1) / 2,
                -0.15,
                name,
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="top",
            )
    plain_frame(axes)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, borderaxespad=0.2)
    return figure
