"""Means of scores by class pair, which tables, figures and claims share.

A class pair is the resource class of a direction's source language and that of its target language, written
as in the columns of the paper's tables (Section 6.3): H2V is from high- to very-low-resource languages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas

from lslo.experiment.languages import RESOURCE_CLASSES
from lslo.scoring.frame_columns import require_columns

# The column of the mean over all directions.
AVERAGE = "AVG"
METRIC_NAMES = {"spbleu": "spBLEU", "chrf": "chrF++"}


def class_pairs(resource_classes: Mapping[str, str]) -> list[str]:
    """Lists the class pairs (H2H, H2M, …, V2V) of the resource classes that occur, in the paper's order.

    Args:
        resource_classes: The class of each language code: "H", "M", "L" or "V".

    Raises:
        ValueError: A language has another class.
    """
    for language, resource_class in resource_classes.items():
        if resource_class not in RESOURCE_CLASSES:
            raise ValueError(f"{language}: resource class {resource_class!r} is none of H, M, L, V")
    present = [name for name in RESOURCE_CLASSES if name in resource_classes.values()]
    return [f"{source}2{target}" for source in present for target in present]


def with_class_pair(scores: pandas.DataFrame, resource_classes: Mapping[str, str]) -> pandas.DataFrame:
    """Adds a column `class_pair` with the class pair of each row's direction.

    Raises:
        ValueError: A language of a direction has no resource class.
    """
    require_columns(scores, ("source", "target"), "scores")
    unknown = sorted({*scores["source"], *scores["target"]} - set(resource_classes))
    if unknown:
        raise ValueError(f"scores of {', '.join(unknown)}, which is none of the configured languages")
    directions = zip(scores["source"], scores["target"], strict=True)
    pairs = [f"{resource_classes[source]}2{resource_classes[target]}" for source, target in directions]
    return scores.assign(class_pair=pairs)


def class_means(
    scores: pandas.DataFrame, resource_classes: Mapping[str, str], metric: str = "spbleu"
) -> pandas.Series:
    """Averages scores by class pair and over all directions: a row of Tables 1, 2, 6 and 7.

    Args:
        scores: One row for each direction (SCORE_COLUMNS of `score_files`); every direction between the
            languages of `resource_classes` exactly once.
        resource_classes: The resource class of each language code.
        metric: "spbleu" or "chrf".

    Returns:
        The means, indexed by the class pairs and AVG; NaN for a class pair without directions (that of a
        class with one language only).

    Raises:
        ValueError: A direction is missing, occurs twice, or has an unknown language.
    """
    check_directions(scores, resource_classes)
    labelled = with_class_pair(scores, resource_classes)
    means = labelled.groupby("class_pair")[metric].mean().reindex(class_pairs(resource_classes))
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
    # The rest are directions of an unknown language, or from a language into itself.
    extra = [f"{source}-{target}" for source, target in found if (source, target) not in set(expected)]
    if extra:
        raise ValueError(f"scores have {extra[0]}, which is no direction between two configured languages")


def means_by_epoch(
    scores: pandas.DataFrame, resource_classes: Mapping[str, str], metric: str = "spbleu"
) -> pandas.DataFrame:
    """Averages scores by class pair after each epoch (Figure 3).

    Args:
        scores: epoch_scores.csv, with all directions or only those of some class pairs.
        resource_classes: The resource class of each language code.
        metric: "spbleu" or "chrf".

    Returns:
        The means, indexed by epoch in ascending order, with a column for each class pair in `scores`.
    """
    labelled = with_class_pair(scores, resource_classes)
    return labelled.pivot_table(index="epoch", columns="class_pair", values=metric, aggfunc="mean")


def mean_over_seeds(scores: Sequence[pandas.DataFrame]) -> pandas.DataFrame:
    """Averages the scores of each direction (and epoch) over training runs with different seeds.

    Args:
        scores: One frame for each seed, all with the same directions; columns source, target, spbleu, chrf
            and, for scores by epoch, epoch.

    Returns:
        The means in the order of the first frame's rows, without signatures.

    Raises:
        ValueError: There are no frames, or they do not have the same directions.
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
