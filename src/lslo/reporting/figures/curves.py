"""Figure 3: spBLEU of the class pairs H2H and V2V after each epoch (Section 7.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lslo.reporting.figures.style import COLUMN_WIDTH, RC_PARAMETERS, line_style, plain_frame
from lslo.scoring.class_means import METRIC_NAMES, means_by_epoch


def epoch_figure(
    epoch_scores: Mapping[str, Sequence[pandas.DataFrame]],
    resource_classes: Mapping[str, str],
    *,
    columns: Sequence[str] = ("H2H", "V2V"),
    metric: str = "spbleu",
) -> tuple[Figure, pandas.DataFrame]:
    """Draws Figure 3: a panel for each class pair, a line for each setting, a point for each epoch.

    A line is the mean over seeds; with several seeds a band spans the lowest and the highest. Epoch 0 is
    the pretrained model, whose score goes on as a thin grey line.

    Args:
        epoch_scores: The scores by epoch of each seed of each setting (epoch_scores.csv), settings in the
            legend's order.
        resource_classes: The resource class of each language code.
        columns: The class pairs of the panels.
        metric: "spbleu" or "chrf".

    Returns:
        The figure, and its data: column, setting, epoch, mean, lowest, highest (over seeds).

    Raises:
        ValueError: There is no setting, or a setting has no scores of a class pair.
    """
    if not epoch_scores:
        raise ValueError("Figure 3 needs the epoch scores of at least one setting")
    data = _curves(epoch_scores, resource_classes, columns, metric)
    with matplotlib.rc_context(RC_PARAMETERS):
        # The legend has two entries in each row.
        legend_rows = (len(epoch_scores) + 2) // 2
        figure = Figure(
            figsize=(COLUMN_WIDTH, 1.55 * len(columns) + 0.13 * legend_rows), layout="constrained"
        )
        panels = figure.subplots(len(columns), 1, sharex=True, squeeze=False)[:, 0]
        for number, (axes, column) in enumerate(zip(panels, columns, strict=True)):
            _draw_panel(axes, data[data["column"] == column], list(epoch_scores))
            axes.set_title(f"({chr(ord('a') + number)}) {column}", pad=3)
            axes.set_ylabel(METRIC_NAMES[metric])
        panels[-1].set_xlabel("Epoch")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=2, columnspacing=1.2, handlelength=2.6
        )
    return figure, data


def _curves(
    epoch_scores: Mapping[str, Sequence[pandas.DataFrame]],
    resource_classes: Mapping[str, str],
    columns: Sequence[str],
    metric: str,
) -> pandas.DataFrame:
    parts = []
    for setting, seeds in epoch_scores.items():
        means = [means_by_epoch(scores, resource_classes, metric) for scores in seeds]
        for column in columns:
            if not means or any(column not in seed.columns for seed in means):
                raise ValueError(f"{setting}: no epoch scores of {column} directions")
            values = pandas.concat([seed[column] for seed in means], axis="columns", join="inner")
            part = pandas.DataFrame(
                {
                    "column": column,
                    "setting": setting,
                    "epoch": values.index,
                    "mean": values.mean(axis="columns").to_numpy(),
                    "lowest": values.min(axis="columns").to_numpy(),
                    "highest": values.max(axis="columns").to_numpy(),
                }
            )
            parts.append(part)
    return pandas.concat(parts, ignore_index=True)


def _draw_panel(axes: Axes, data: pandas.DataFrame, settings: Sequence[str]) -> None:
    start = data.loc[data["epoch"] == 0, "mean"]
    if len(start):
        axes.axhline(start.iloc[0], color="0.55", linewidth=0.8, label="Pretrain")
    for number, setting in enumerate(settings):
        line = data[data["setting"] == setting]
        style = line_style(number)
        axes.plot(line["epoch"], line["mean"], label=setting, **style)
        if (line["highest"] > line["lowest"]).any():
            axes.fill_between(
                line["epoch"], line["lowest"], line["highest"], color=style["color"], alpha=0.15, linewidth=0
            )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    plain_frame(axes)
