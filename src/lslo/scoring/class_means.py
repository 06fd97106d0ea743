"""The arithmetic of results that tables, figures and claims share.

Directions are averaged by the resource classes of their two languages (paper, Section 6.3); demands for
parameter space follow from the scores of Equation 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas

from lslo.experiment.languages import RESOURCE_CLASSES

AVERAGE = "AVG"
METRIC_NAMES = {"spbleu": "spBLEU", "chrf": "chrF++"}

ENCODER_MODULES = ("q", "k", "v", "fc1", "fc2")
DECODER_MODULES = ("q", "k", "v", "c-q", "c-k", "c-v", "fc1", "fc2")
MODULES = {"encoder": ENCODER_MODULES, "decoder": DECODER_MODULES}


def require_columns(frame: pandas.DataFrame, columns: Sequence[str], what: str) -> None:
    """Raises ValueError if one of `columns` is missing from `frame`, which the message calls `what`."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(
            f"{what}: no column {', '.join(missing)}; its columns are {', '.join(frame.columns)}"
        )


def class_columns(resource_classes: Mapping[str, str]) -> list[str]:
    """The paper's columns (H2H, H2M, …, V2V) for the resource classes that occur.

    Args:
        resource_classes: language code -> "H", "M", "L" or "V".

    Raises:
        ValueError: a language has another class.
    """
    for language, resource_class in resource_classes.items():
        if resource_class not in RESOURCE_CLASSES:
            raise ValueError(f"{language}: resource class {resource_class!r} is none of H, M, L, V")
    present = [name for name in RESOURCE_CLASSES if name in resource_classes.values()]
    return [f"{source}2{target}" for source in present for target in present]


def direction_counts(class_sizes: Mapping[str, int]) -> dict[str, int]:
    """How many directions a column averages: |H|·|M| in H2M, |H|·(|H|-1) in H2H."""
    return {
        f"{source}2{target}": size * (class_sizes[target] - (source == target))
        for source, size in class_sizes.items()
        for target in class_sizes
    }


def average_of_columns(column_means: Mapping[str, float], class_sizes: Mapping[str, int]) -> float:
    """AVG from the columns' means: each weighs as many directions as it averages (DESIGN, Section 6)."""
    counts = direction_counts(class_sizes)
    total = sum(counts.values())
    return sum(column_means[column] * count for column, count in counts.items() if count) / total


def class_sizes(resource_classes: Mapping[str, str]) -> dict[str, int]:
    """How many languages each resource class has, in the paper's order."""
    counts = Counter(resource_classes.values())
    return {name: counts[name] for name in RESOURCE_CLASSES if counts[name]}


def with_column(scores: pandas.DataFrame, resource_classes: Mapping[str, str]) -> pandas.DataFrame:
    """`scores` with one more column, `column`: the paper's column (H2H, …) that a direction belongs to.

    Raises:
        ValueError: a direction's language has no resource class.
    """
    require_columns(scores, ("source", "target"), "scores")
    unknown = sorted({*scores["source"], *scores["target"]} - set(resource_classes))
    if unknown:
        raise ValueError(f"scores of {', '.join(unknown)}, which is none of the configured languages")
    pairs = zip(scores["source"], scores["target"], strict=True)
    columns = [f"{resource_classes[source]}2{resource_classes[target]}" for source, target in pairs]
    return scores.assign(column=columns)


def class_means(
    scores: pandas.DataFrame, resource_classes: Mapping[str, str], metric: str = "spbleu"
) -> pandas.Series:
    """A row of Tables 1, 2, 6 and 7: the mean of each column's directions, and AVG over all directions.

    Args:
        scores: one row a direction (scoring.SCORE_COLUMNS), every direction of `resource_classes` once.
        resource_classes: language code -> class.
        metric: "spbleu" or "chrf".

    Returns:
        Index: `class_columns`, then AVG. NaN where a column has no direction (one language in a class).

    Raises:
        ValueError: a direction is missing, occurs twice, or has an unknown language.
    """
    check_directions(scores, resource_classes)
    labelled = with_column(scores, resource_classes)
    means = labelled.groupby("column")[metric].mean().reindex(class_columns(resource_classes))
    means[AVERAGE] = scores[metric].mean()
    return means


def check_directions(scores: pandas.DataFrame, resource_classes: Mapping[str, str]) -> None:
    """Raises ValueError unless `scores` has each direction between two languages exactly once."""
    found = Counter(zip(scores["source"], scores["target"], strict=True))
    expected = [(s, t) for s in resource_classes for t in resource_classes if s != t]
    missing = [f"{source}-{target}" for source, target in expected if (source, target) not in found]
    if missing:
        raise ValueError(
            f"scores lack {len(missing)} of {len(expected)} directions ({missing[0]} …): "
            "a mean over the others would not compare with the paper's"
        )
    twice = [f"{source}-{target}" for (source, target), count in found.items() if count > 1]
    if twice:
        raise ValueError(f"scores have {twice[0]} more than once")
    # What is left over is a direction of an unknown language, or from a language into itself.
    extra = [f"{source}-{target}" for source, target in found if (source, target) not in set(expected)]
    if extra:
        raise ValueError(f"scores have {extra[0]}, which is no direction between two configured languages")


def means_by_epoch(
    scores: pandas.DataFrame, resource_classes: Mapping[str, str], metric: str = "spbleu"
) -> pandas.DataFrame:
    """The mean of each column's directions after each epoch (Figure 3).

    Args:
        scores: epoch_scores.csv, of all directions or only those of some columns.

    Returns:
        Index: epoch, ascending; columns: those of H2H, H2M, … that `scores` has directions of.
    """
    labelled = with_column(scores, resource_classes)
    return labelled.pivot_table(index="epoch", columns="column", values=metric, aggfunc="mean")


def mean_over_seeds(scores: Sequence[pandas.DataFrame]) -> pandas.DataFrame:
    """The mean of each direction's (and epoch's) scores over runs that differ in their seed.

    Args:
        scores: one frame a seed, all of the same directions; columns source, target, spbleu, chrf, and epoch
            or not.

    Returns:
        The same rows in the first frame's order, without signatures.

    Raises:
        ValueError: there are no frames, or seeds do not have the same directions.
    """
    if not scores:
        raise ValueError("no scores to average: name at least one seed")
    keys = [key for key in ("epoch", "source", "target") if key in scores[0].columns]
    indexed = [frame.set_index(keys)[list(METRIC_NAMES)] for frame in scores]
    for number, frame in enumerate(indexed[1:], start=2):
        if not frame.index.sort_values().equals(indexed[0].index.sort_values()):
            raise ValueError(f"seed number {number} does not have the same directions as the first")
    total = sum(frame.reindex(indexed[0].index) for frame in indexed)
    return (total / len(indexed)).reset_index()
