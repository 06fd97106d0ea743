"""Tests whether a setting differs from Ft-all by more than the choice of test sentences explains.

The test is a paired bootstrap (Koehn, 2004; Riezler and Maxwell, 2005). Test sentences are drawn with
replacement, and everything in a table's row, the spBLEU of every direction and its means by class pair, is
computed again from the drawn sentences. One draw of sentence ids serves every direction, both settings and
all seeds: line i is the same sentence in all languages, so its difficulty moves all directions together.
Drawing anew for each direction would make the intervals of the means far too narrow.

The test says nothing about training seeds. The seeds themselves show how much another one would change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas

from lslo.experiment.setting_notation import FULL_FINE_TUNING
from lslo.scoring.bleu import Direction, DirectionStatistics, corpus_spbleu
from lslo.scoring.class_means import AVERAGE, check_directions, class_pairs, with_class_pair
from lslo.scoring.score_files import read_statistics

RESAMPLES = 1000
SEED = 1
CONFIDENCE = 0.95
SIGNIFICANCE_COLUMNS = ("setting", "baseline", "difference", "lower", "upper", "p")

# Directions that are scored at once: 1,000 resamples of 64 directions take 40 MB.
CHUNK = 64


@dataclass(frozen=True, eq=False)
class BootstrapScores:
    """A setting's row of a results table, on the whole test set and on resamples of it.

    Attributes:
        columns: The columns of the row: the class pairs and AVG.
        full: spBLEU on the whole test set, the mean over seeds, `[columns]`; NaN without directions.
        resampled: The same on each resample, `[resamples, columns]`.
        seeds: The number of training seeds that are averaged.
        resampling_seed: The seed that the resamples were drawn with.
        signature: The signature of spBLEU.
        reference_lengths: Lengths of the references, int `[directions, sentences]`, which tell one test
            set from another.
    """

    columns: tuple[str, ...]
    full: np.ndarray
    resampled: np.ndarray
    seeds: int
    resampling_seed: int
    signature: str
    reference_lengths: np.ndarray


def resampled_ids(sentences: int, resamples: int = RESAMPLES, seed: int = SEED) -> np.ndarray:
    """Draws ids of test sentences with replacement: int `[resamples, sentences]`, the same for one seed."""
    return np.random.default_rng(seed).integers(sentences, size=(resamples, sentences))


def resampled_spbleu(counts: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Computes the spBLEU of each direction on each resample.

    Args:
        counts: The counts of `DirectionStatistics`, int `[directions, sentences, 10]`.
        ids: The sentences of each resample from `resampled_ids`, int `[resamples, sentences]`.

    Returns:
        The scores, `[resamples, directions]`.
    """
    directions, sentences, statistics = counts.shape
    resamples = len(ids)
    # With the number of times that each resample has each sentence, the sums are one matrix product.
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
        seeds: The statistics of each training seed, whose scores are averaged.
        resource_classes: The resource class of each language code; the directions are all those between
            these languages.
        resamples: The number of times that the test sentences are drawn.
        seed: The seed of the draws.

    Raises:
        ValueError: There are no seeds or no resamples, a direction is missing or unknown, or the seeds were
            scored on different sentences or in different ways.
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
    """Tests, for each class pair and AVG, whether a setting differs from a baseline such as Ft-all.

    The p value is two-sided. Chance alone is how far the difference on a resample lies from that on the
    whole test set; p is how often this is at least as large as the difference itself,
    (1 + count) / (1 + resamples). Each p is that of one column: of ten columns, one may well be below 0.05
    by chance.

    Args:
        setting: The setting's scores from `bootstrap`.
        baseline: The baseline's scores, with the same resamples and as many seeds. Seeds are paired by
            position, and the difference is the mean over the pairs.

    Returns:
        A frame indexed by class pair and AVG with SIGNIFICANCE_COLUMNS; lower and upper bound the 95 %
        interval of the difference. A column without directions has NaN.

    Raises:
        ValueError: The two were scored on different sentences or in different ways, resampled differently,
            or have different numbers of seeds.
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
    # A comparison with NaN is false, so that p would come out as small as it can be.
    frame.loc[frame["difference"].isna(), "p"] = np.nan
    return frame


def significance_by_setting(
    statistics: Mapping[str, Sequence[str | Path]],
    resource_classes: Mapping[str, str],
    *,
    resamples: int = RESAMPLES,
    baseline: str = FULL_FINE_TUNING,
) -> dict[str, pandas.DataFrame]:
    """Tests each setting against a baseline, from the settings' files.

    Args:
        statistics: The statistics.npz of each seed of each setting. A setting with a single run, which the
            base model has, is paired with every seed of the baseline.
        resource_classes: The resource class of each language code.
        resamples: The number of times that the test sentences are drawn.
        baseline: The setting that the others are tested against.

    Returns:
        The result of `significance` for each setting but the baseline; empty if `statistics` lacks the
        baseline.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged, or the files do not fit together.
    """
    if baseline not in statistics:
        return {}

    # One setting is read at a time: those of a whole table may take gigabytes.
    def resampled(setting: str) -> BootstrapScores:
        seeds = [read_statistics(path) for path in statistics[setting]]
        seeds *= len(statistics[baseline]) // len(seeds)
        return bootstrap(seeds, resource_classes, resamples=resamples)

    of_baseline = resampled(baseline)
    return {
        setting: significance(resampled(setting), of_baseline)
        for setting in statistics
        if setting != baseline
    }


def _in_order(statistics: DirectionStatistics) -> np.ndarray:
    """Returns the counts with directions in alphabetical order, so that all settings have the same order."""
    order = sorted(range(len(statistics.directions)), key=lambda number: statistics.directions[number])
    return statistics.counts[order]


def _averaging(
    directions: Sequence[Direction], resource_classes: Mapping[str, str]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns the columns of a row and the weight of each direction in each of them.

    The weights are `[directions, columns]`, directions in alphabetical order.
    """
    frame = pandas.DataFrame(sorted(directions), columns=["source", "target"])
    check_directions(frame, resource_classes)
    pair_of_direction = with_class_pair(frame, resource_classes)["class_pair"].to_numpy()
    pairs = class_pairs(resource_classes)
    everything = np.ones(len(frame))
    members = np.stack([*(pair_of_direction == pair for pair in pairs), everything], axis=1).astype(float)
    with np.errstate(invalid="ignore"):  # NaN for a class of one language, which has no direction within it.
        return (*pairs, AVERAGE), members / members.sum(axis=0)


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
