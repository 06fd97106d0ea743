"""The paired bootstrap equals its slow, obvious form, and its p values mean what they say."""

import dataclasses
import random

import numpy as np
import pandas
import pytest
from sacrebleu.metrics import BLEU
from scipy.stats import kstest

from lslo.scoring import bootstrap as significance
from lslo.scoring.bleu import BLEU_ORDER, STATISTICS, DirectionStatistics, corpus_spbleu, direction_statistics
from lslo.scoring.class_means import class_means, class_pairs
from lslo.scoring.directions import score_directions
from lslo.scoring.ngram_matches import Sentences
from lslo.scoring.score_files import write_statistics

CLASSES = {"en": "H", "fr": "H", "ko": "M", "wo": "V", "or": "V"}
DIRECTIONS = tuple((source, target) for source in CLASSES for target in CLASSES if source != target)


class Words:
    """Stands in for SpbleuTokenizer: splits at spaces, which needs no model."""

    signature = "words"

    def numbered_pieces(self, lines):
        split = [line.split() for line in lines]
        numbers = {word: number for number, word in enumerate({word for words in split for word in words})}
        return Sentences(
            np.array([numbers[word] for words in split for word in words]),
            np.array([len(words) for words in split]),
        )


@pytest.fixture(scope="module")
def references():
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefgh", k=4)) for _ in range(60)]
    return {
        language: [" ".join(draw.choices(words, k=draw.randint(3, 12))) for _ in range(25)]
        for language in CLASSES
    }


def translations(references, share_right, seed):
    """Hypotheses with about this share of the reference's words; some lines are cut short, one is empty."""
    draw = random.Random(seed)
    result = {}
    for source, target in DIRECTIONS:
        lines = []
        for line in references[target]:
            words = [word if draw.random() < share_right else "wrong" for word in line.split()]
            lines.append(" ".join(words[: len(words) - draw.randint(0, 1)]))
        result[source, target] = ["", *lines[1:]]
    return result


def simulated(seed, *, sentences=60, share_right=0.6, directions=DIRECTIONS, deviation=0.0):
    """Statistics without any text: reference lengths are alike for all seeds, matches differ by chance.

    `deviation` varies the share of right words from sentence to sentence.
    """
    lengths = np.random.default_rng(0).integers(5, 40, size=(1, sentences))
    draw = np.random.default_rng(seed)
    counts = np.zeros((len(directions), sentences, len(STATISTICS)), np.int32)
    counts[..., :2] = lengths[..., None]
    share = np.clip(share_right + deviation * draw.standard_normal(sentences), 0, 1)
    for n in range(1, 5):
        counts[..., 5 + n] = lengths - n + 1
        counts[..., 1 + n] = draw.binomial(lengths - n + 1, share**n, size=counts.shape[:2])
    return DirectionStatistics(tuple(directions), counts, "tok:test")


def sacrebleus_score(totals):
    hypothesis_length, reference_length, *counts = map(int, totals)
    matched, total = counts[:BLEU_ORDER], counts[BLEU_ORDER:]
    return BLEU.compute_bleu(matched, total, hypothesis_length, reference_length, smooth_method="exp").score


def compared(setting, baseline, resamples=200, classes=CLASSES, seed=1):
    rows = [
        significance.bootstrap(seeds, classes, resamples=resamples, seed=seed)
        for seeds in (setting, baseline)
    ]
    return significance.significance(*rows)


def test_equal_to_resampling_sentences_and_calling_sacrebleu(references):
    settings = [translations(references, 0.75, 2), translations(references, 0.6, 3)]
    statistics = [direction_statistics(hypotheses, references, Words()) for hypotheses in settings]
    resamples = 12
    fast = [significance.bootstrap([counts], CLASSES, resamples=resamples, seed=5) for counts in statistics]
    ids = significance.resampled_ids(25, resamples, seed=5)

    def slow_row(hypotheses, chosen):
        rows = []
        for source, target in DIRECTIONS:
            lines = [hypotheses[source, target][number] for number in chosen]
            metric = BLEU(tokenize="none", force=True)
            score = metric.corpus_score(lines, [[references[target][number] for number in chosen]]).score
            rows.append((source, target, score))
        scores = pandas.DataFrame(rows, columns=["source", "target", "spbleu"])
        return class_means(scores, CLASSES).to_numpy()

    for hypotheses, row in zip(settings, fast, strict=True):
        slow = np.array([slow_row(hypotheses, chosen) for chosen in ids])
        np.testing.assert_allclose(row.resampled, slow, rtol=0, atol=1e-9)
        np.testing.assert_allclose(row.full, slow_row(hypotheses, range(25)), rtol=0, atol=1e-9)
    assert len(np.unique(fast[0].resampled[:, -1])) == resamples


def test_whole_test_set_gives_the_rows_of_results_tables(references):
    hypotheses = translations(references, 0.7, 4)
    statistics = direction_statistics(hypotheses, references, Words())
    row = significance.bootstrap([statistics], CLASSES, resamples=1)
    expected = class_means(score_directions(hypotheses, references, Words()), CLASSES)
    assert row.columns == tuple(expected.index)
    np.testing.assert_allclose(row.full, expected.to_numpy(), rtol=0, atol=1e-9)


def test_smoothing_and_degenerate_counts_are_sacrebleus():
    rows = [
        (20, 25, 10, 5, 2, 1, 20, 18, 16, 14),
        (25, 20, 10, 5, 2, 0, 25, 23, 21, 19),  # no match of the longest: smoothed
        (25, 20, 10, 0, 0, 0, 25, 23, 21, 19),  # three orders smoothed, each more
        (25, 20, 0, 0, 0, 0, 25, 23, 21, 19),  # nothing matches
        (3, 20, 3, 2, 1, 0, 3, 2, 1, 0),  # too short for the longest
        (0, 20, 0, 0, 0, 0, 0, 0, 0, 0),  # empty
        (20, 20, 20, 18, 16, 14, 20, 18, 16, 14),  # perfect
    ]
    scores = corpus_spbleu(np.array(rows))
    np.testing.assert_allclose(scores, [sacrebleus_score(row) for row in rows], rtol=1e-12, atol=0)
    assert list(scores[3:6]) == [0, 0, 0]
    assert scores[6] == pytest.approx(100)


def test_spbleu_of_any_counts_is_sacrebleus():
    draw = np.random.default_rng(7)
    # From a single short sentence to a corpus; hypotheses may be empty, or shorter than the longest n-gram.
    lengths = draw.integers(0, 10 ** draw.integers(1, 6, size=(2000, 1)), size=(2000, 2))
    totals = np.maximum(lengths[:, :1] - np.arange(BLEU_ORDER), 0)
    # Matches of every share; each order is without any now and then.
    matched = draw.binomial(totals, draw.random((2000, 1)) ** np.arange(1, BLEU_ORDER + 1))
    matched *= draw.random(matched.shape) > 0.15
    counts = np.concatenate([lengths, matched, totals], axis=1)
    expected = np.array([sacrebleus_score(row) for row in counts])
    assert (matched == 0).any(axis=0).all()
    assert (totals[:, -1] == 0).sum() > 100
    assert (expected > 0).sum() > 1000
    np.testing.assert_allclose(corpus_spbleu(counts), expected, rtol=1e-12, atol=0)
    np.testing.assert_array_equal(
        corpus_spbleu(counts.reshape(2, 1000, -1)), corpus_spbleu(counts).reshape(2, 1000)
    )


def test_chunks_of_directions_change_nothing(monkeypatch):
    whole = significance.bootstrap([simulated(1)], CLASSES, resamples=20).resampled
    monkeypatch.setattr(significance, "CHUNK", 3)
    np.testing.assert_array_equal(
        significance.bootstrap([simulated(1)], CLASSES, resamples=20).resampled, whole
    )


def test_identical_settings_differ_by_nothing():
    result = compared([simulated(1)], [simulated(1)])
    # ko is the only medium-resource language.
    assert list(result.index) == [*class_pairs(CLASSES), "AVG"]
    assert result.loc["M2M"].isna().all()
    there = result.drop(index="M2M")
    assert (there[["difference", "lower", "upper"]] == 0).all(axis=None)
    assert (there["p"] == 1).all()


def test_a_clear_difference_is_found_in_either_direction():
    better, worse = simulated(1, share_right=0.7), simulated(2, share_right=0.6)
    result = compared([better], [worse]).drop(index="M2M")
    assert (result["p"] == 1 / 201).all()
    assert (result["lower"] > 0).all()
    assert (result["lower"] < result["difference"]).all()
    assert (result["difference"] < result["upper"]).all()
    turned = compared([worse], [better]).drop(index="M2M")
    assert (turned["p"] == 1 / 201).all()
    np.testing.assert_allclose(turned["upper"], -result["lower"], atol=1e-12)


def test_p_is_uniform_between_settings_that_are_equally_good():
    values, covered = [], 0
    for trial in range(200):
        pair = [simulated(1000 + 2 * trial + side, deviation=0.15, sentences=100) for side in (0, 1)]
        average = compared([pair[0]], [pair[1]], resamples=100, seed=trial).loc["AVG"]
        values.append(average["p"])
        covered += average["lower"] <= 0 <= average["upper"]
    assert kstest(values, "uniform").pvalue > 0.01
    assert np.mean(np.array(values) < 0.05) < 0.1
    assert 0.88 < covered / 200 < 0.99


def test_sentences_are_drawn_once_for_all_directions():
    # Were directions resampled one by one, AVG over twenty alike directions would hardly vary.
    one = simulated(1, deviation=0.2)
    alike = dataclasses.replace(one, counts=np.repeat(one.counts[:1], len(DIRECTIONS), axis=0))
    row = significance.bootstrap([alike], CLASSES, resamples=50)
    spread = row.resampled.std(axis=0)
    np.testing.assert_allclose(spread[~np.isnan(spread)], spread[-1])
    assert spread[-1] > 0.5


def test_average_weighs_directions_not_columns():
    row = significance.bootstrap([simulated(1)], CLASSES, resamples=3)
    scores = [sacrebleus_score(counts.sum(axis=0)) for counts in simulated(1).counts]
    assert row.full[-1] == pytest.approx(np.mean(scores), abs=1e-9)
    counts = simulated(1).counts.copy()
    counts[DIRECTIONS.index(("en", "fr")), :, 2:6] = 0
    # H2H has two directions, all columns together twenty.
    lost = (
        row.full
        - significance.bootstrap(
            [dataclasses.replace(simulated(1), counts=counts)], CLASSES, resamples=3
        ).full
    )
    assert lost[-1] == pytest.approx(lost[0] / 10)


def test_same_seed_same_result_whatever_the_order_of_directions():
    first = compared([simulated(1)], [simulated(2)])
    pandas.testing.assert_frame_equal(compared([simulated(1)], [simulated(2)]), first, check_exact=True)
    turned = DirectionStatistics(DIRECTIONS[::-1], simulated(1).counts[::-1], "tok:test")
    pandas.testing.assert_frame_equal(compared([turned], [simulated(2)]), first, check_exact=True)
    other = compared([simulated(1)], [simulated(2)], seed=2)
    assert list(other["difference"].dropna()) == list(first["difference"].dropna())
    assert other.loc["AVG", "lower"] != first.loc["AVG", "lower"]


def test_differences_are_averaged_over_pairs_of_seeds():
    settings, baselines = [simulated(1), simulated(2)], [simulated(3), simulated(4)]
    both = compared(settings, baselines)["difference"]
    each = [compared([s], [b])["difference"] for s, b in zip(settings, baselines, strict=True)]
    pandas.testing.assert_series_equal(both, sum(each) / 2)
    with pytest.raises(ValueError, match="the setting has 2 seeds but the baseline has 1"):
        compared(settings, baselines[:1])


def refusal(setting, baseline, **options):
    with pytest.raises(ValueError, match=r"\w") as caught:
        compared(setting, baseline, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_paired_is_refused_in_one_line():
    one = simulated(1)
    assert "60 test sentences but the baseline has 50" in refusal([one], [simulated(1, sentences=50)])
    assert "seed number 2 has 50 test sentences" in refusal([one, simulated(1, sentences=50)], [one])
    other_way = dataclasses.replace(one, signature="tok:other")
    assert "scored as tok:test but the baseline as tok:other" in refusal([one], [other_way])
    longer = dataclasses.replace(one, counts=one.counts + 1)
    assert "against other references than the baseline" in refusal([one], [longer])
    fewer = DirectionStatistics(one.directions[1:], one.counts[1:], "tok:test")
    assert "scores lack 1 of 20 directions" in refusal([fewer], [one])
    assert "seed number 2 does not have the same directions" in refusal([one, fewer], [one])
    assert "no statistics" in refusal([], [one])
    assert "0 resamples" in refusal([one], [one], resamples=0)
    rows = [significance.bootstrap([one], CLASSES, resamples=5, seed=seed) for seed in (1, 2)]
    with pytest.raises(ValueError, match="not resampled alike"):
        significance.significance(*rows)


def test_settings_are_tested_from_their_files(tmp_path):
    def written(setting, *seeds):
        paths = [tmp_path / f"{setting}{number}.npz" for number in range(len(seeds))]
        for path, seed in zip(paths, seeds, strict=True):
            write_statistics(simulated(seed), path)
        return paths

    statistics = {"Pretrain": written("Pretrain", 1), "Ft-all": written("Ft-all", 2, 3)}
    found = significance.significance_by_setting(statistics, CLASSES, resamples=50)
    # The base model's single run is paired with every seed.
    rows = [
        significance.bootstrap([simulated(seed) for seed in seeds], CLASSES, resamples=50)
        for seeds in ((1, 1), (2, 3))
    ]
    assert list(found) == ["Pretrain"]
    pandas.testing.assert_frame_equal(found["Pretrain"], significance.significance(*rows))
    assert significance.significance_by_setting({"Pretrain": statistics["Pretrain"]}, CLASSES) == {}
