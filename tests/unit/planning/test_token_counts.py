"""Sums over all sentence pairs, and lengths of sentences that are not there."""

import pytest

from lslo.experiment.languages import all_directions
from lslo.planning.token_counts import lengths_of_distribution, pair_sums


def test_sums_of_pairs_are_those_of_a_loop(toy_corpus):
    examples = toy_corpus.examples(all_directions(toy_corpus.languages))
    source = toy_corpus.lengths[examples[:, 0], examples[:, 2]]
    target = toy_corpus.lengths[examples[:, 1], examples[:, 2]]
    sums = pair_sums(toy_corpus.lengths)
    assert sums.pairs == len(examples)
    assert (sums.source_tokens, sums.target_tokens) == (source.sum(), target.sum())
    assert (sums.source_squares, sums.target_squares) == ((source**2).sum(), (target**2).sum())
    assert sums.products == (source * target).sum()


def test_lengths_of_a_distribution():
    lengths = lengths_of_distribution(3, 997, 38, 0.36)
    assert lengths.shape == (3, 997)
    assert lengths.mean() == pytest.approx(40)
    assert lengths.std() == pytest.approx(0.36 * 38, rel=0.02)
