"""Is the difference between a setting and Ft-all more than the choice of test sentences explains?

Paired bootstrap (Koehn, 2004; Riezler and Maxwell, 2005): test sentences are drawn with replacement, and all
that a table row needs, the spBLEU of every direction and its means by class pair, is computed again from
the drawn sentences. One draw of sentence ids serves every direction, both settings and all seeds: line i
is the same sentence in all languages, so its difficulty moves all directions together, and drawing anew
for each direction would make the intervals of their means far too narrow.

The test is about test sentences only. What another training seed would change shows in the seeds themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas

from lslo.scoring.bleu import Direction, DirectionStatistics, corpus_spbleu
from lslo.scoring.class_means import AVERAGE, check_directions, class_columns, with_column

RESAMPLES = 1000
SEED = 1
CONFIDENCE = 0.95
SIGNIFICANCE_COLUMNS = ("setting", "baseline", "difference", "lower", "upper", "p")

# Directions scored at once: 1,000 resamples of as many take 40 MB.
CHUNK = 64


@dataclass(frozen=True, eq=False)
class BootstrapScores:
    """A setting's row of a results table, on the whole test set and on resamples of it.

    Attributes:
        columns: H2H, …, AVG.
        full: [columns], spBLEU on the whole test set, the mean over seeds; NaN without directions.
        resampled: [resamples, columns], the same on each resample.
        seeds: how many training seeds these are the mean of.
        resampling_seed: what the resamples were drawn with.
        signature: of spBLEU.
        reference_lengths: int [directions, sentences], which tell one test set from another.
    """

    columns: tuple[str, ...]
    full: np.ndarray
    resampled: np.ndarray
    seeds: int
    resampling_seed: int
    signature: str
    reference_lengths: np.ndarray


def resampled_ids(sentences: int, resamples: int = RESAMPLES, seed: int = SEED) -> np.ndarray:
    """Ids of test sentences drawn with replacement: int [resamples, sentences]; the same for one seed."""
    return np.random.default_rng(seed).integers(sentences, size=(resamples, sentences))


def resampled_spbleu(counts: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """spBLEU of each direction on each resample.

    Args:
        counts: int [directions, sentences, 10], scoring.DirectionStatistics.
        ids: int [resamples, sentences], of `resampled_ids`.

    Returns:
        [resamples, directions].
    """
    directions, sentences, statistics = counts.shape
    resamples = len(ids)
    # How often a resample has each sentence: sums over a resample are then one matrix product.
    cells = ids + sentences * np.arange(resamples)[:, None]
    weights = np.bincount(cells.ravel(), minlength=resamples * sentences)
    weights = weights.reshape(resamples, sentences).astype(np.float64)
    scores = np.empty((resamples, directions))
    for first in range(0, directions, CHUNK):
        chunk = counts[first : first + CHUNK].astype(np.float64)
        chunk = np.ascontiguousarray(chunk.transpose(1, 0, 2)).reshape(sentences, -1)
        # Sums of counts are whole numbers far below 2^53, so this is exact in any order of summation.
        totals = (weights @ chunk).reshape(resamples, -1, statistics)
        scores[:, first : first + CHUNK] = corpus_spbleu(totals)
    return scores


def bootstrap(
    seeds: Sequence[DirectionStatistics],
    resource_classes: Mapping[str, str],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> BootstrapScores:
    """Scores a setting by class pair, on the whole test set and on resamples of it.

    Args:
        seeds: the statistics of each training seed; their scores are averaged.
        resource_classes: language code -> class; all directions between these languages are averaged.
        resamples: how often the test sentences are drawn.
        seed: of the draws.

    Raises:
        ValueError: no seeds; a direction is missing or unknown; seeds were scored on different sentences or
            in different ways.
    """
    if not seeds:
        raise ValueError("no statistics to resample: name at least one seed")
    if resamples < 1:
        raise ValueError(f"{resamples} resamples: a bootstrap needs at least one")
    columns, averaging = _averaging(seeds[0].directions, resource_classes)
    reference_lengths = _in_order(seeds[0])[..., 1]
    ids = resampled_ids(reference_lengths.shape[1], resamples, seed)
    full, resampled = np.zeros(len(columns)), np.zeros((resamples, len(columns)))
    for number, statistics in enumerate(seeds, start=1):
        if set(statistics.directions) != set(seeds[0].directions):
            raise ValueError(f"seed number {number} does not have the same directions as the first")
        counts = _in_order(statistics)
        signatures = (statistics.signature, seeds[0].signature)
        _check_same_test(
            counts[..., 1], reference_lengths, signatures, (f"seed number {number}", "the first")
        )
        full += corpus_spbleu(counts.sum(axis=1)) @ averaging / len(seeds)
        resampled += resampled_spbleu(counts, ids) @ averaging / len(seeds)
    return BootstrapScores(
        columns,
        full,
        resampled,
        len(seeds),
        seed,
        seeds[0].signature,
        np.ascontiguousarray(reference_lengths),
    )


def significance(setting: BootstrapScores, baseline: BootstrapScores) -> pandas.DataFrame:
    """Whether a setting differs from a baseline, such as Ft-all, by class pair.

    The p value is two-sided: how often chance alone, which is how far a resample's difference lies from that
    of the whole test set, is at least as large as the difference: (1 + count) / (1 + resamples). It is that
    of one column: of ten columns looked at, one may well be below 0.05 by chance.

    Args:
        setting, baseline: of `bootstrap`, with the same resamples and as many seeds; seeds are paired by
            position, and the difference is the mean over the pairs.

    Returns:
        Index: column (H2H, …, AVG); columns: SIGNIFICANCE_COLUMNS, with the bounds of the 95 % interval of
        the difference. NaN in a column without directions.

    Raises:
        ValueError: the two were scored on different sentences, in different ways, resampled differently or
            with different numbers of seeds.
    """
    if setting.columns != baseline.columns:
        raise ValueError("the setting and the baseline are averaged by different resource classes")
    signatures = (setting.signature, baseline.signature)
    names = ("the setting", "the baseline")
    _check_same_test(setting.reference_lengths, baseline.reference_lengths, signatures, names)
    if setting.seeds != baseline.seeds:
        raise ValueError(
            f"the setting has {setting.seeds} seeds but the baseline has {baseline.seeds}: seeds are "
            "compared in pairs"
        )
    draws = [(len(scores.resampled), scores.resampling_seed) for scores in (setting, baseline)]
    if draws[0] != draws[1]:
        raise ValueError(
            "the setting and the baseline were not resampled alike: use the same seed and number"
        )
    difference = setting.full - baseline.full
    resampled = setting.resampled - baseline.resampled
    by_chance = (np.abs(resampled - difference) >= np.abs(difference)).sum(axis=0)
    lower, upper = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    values = (setting.full, baseline.full, difference, lower, upper, (1 + by_chance) / (1 + len(resampled)))
    frame = pandas.DataFrame(
        dict(zip(SIGNIFICANCE_COLUMNS, values, strict=True)),
        index=pandas.Index(setting.columns, name="column"),
    )
    # A comparison with NaN counts as false and would come out as the smallest p there is.
    frame.loc[frame["difference"].isna(), "p"] = np.nan
    return frame


def _in_order(statistics: DirectionStatistics) -> np.ndarray:
    """Counts with directions in alphabetical order, so that settings line up however they were scored."""
    order = sorted(range(len(statistics.directions)), key=lambda number: statistics.directions[number])
    return statistics.counts[order]


def _averaging(
    directions: Sequence[Direction], resource_classes: Mapping[str, str]
) -> tuple[tuple[str, ...], np.ndarray]:
    """The columns, and [directions in alphabetical order, columns]: what a direction weighs in each mean."""
    pairs = pandas.DataFrame(sorted(directions), columns=["source", "target"])
    check_directions(pairs, resource_classes)
    column_of = with_column(pairs, resource_classes)["column"].to_numpy()
    columns = class_columns(resource_classes)
    everything = np.ones(len(column_of))
    members = np.stack([*(column_of == column for column in columns), everything], axis=1).astype(float)
    with np.errstate(invalid="ignore"):  # a class of one language has no direction within it: NaN
        return (*columns, AVERAGE), members / members.sum(axis=0)


def _check_same_test(
    lengths: np.ndarray, others: np.ndarray, signatures: tuple[str, str], names: tuple[str, str]
) -> None:
    """Raises ValueError unless two settings were scored in one way against the same references."""
    if signatures[0] != signatures[1]:
        raise ValueError(
            f"{names[0]} was scored as {signatures[0]} but {names[1]} as {signatures[1]}: score both in the "
            "same way"
        )
    if lengths.shape[1] != others.shape[1]:
        raise ValueError(
            f"{names[0]} has {lengths.shape[1]} test sentences but {names[1]} has {others.shape[1]}: score "
            "both on the same"
        )
    if lengths.shape != others.shape or not np.array_equal(lengths, others):
        raise ValueError(f"{names[0]} was scored against other references than {names[1]}")
