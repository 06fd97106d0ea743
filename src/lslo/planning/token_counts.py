"""How many tokens there are in all pairs of a corpus, without going through the directions one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# The language token and `</s>`.
SPECIAL_TOKENS = 2


@dataclass(frozen=True)
class PairSums:
    """Sums over sentence pairs of n source and m target tokens: how many, Σ n, Σ m, Σ n², Σ m², Σ n m."""

    pairs: float
    source_tokens: float
    target_tokens: float
    source_squares: float
    target_squares: float
    products: float

    def __mul__(self, times: float) -> PairSums:
        return PairSums(*(times * value for value in vars(self).values()))

    def __add__(self, other: PairSums) -> PairSums:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return PairSums(*(one + another for one, another in pairs))


NO_PAIRS = PairSums(0, 0, 0, 0, 0, 0)


def pair_sums(lengths: np.ndarray) -> PairSums:
    """Of every row in all directions between languages.

    lengths: [languages, rows], language token and `</s>` included. In n·(n−1) directions each language is
    source n − 1 times, and Σ over s ≠ t of l_s l_t is (Σ l)² − Σ l².
    """
    lengths = np.asarray(lengths, dtype=np.float64)
    languages, rows = lengths.shape
    others = languages - 1
    tokens, squares = lengths.sum(), (lengths**2).sum()
    products = (lengths.sum(axis=0) ** 2).sum() - squares
    return PairSums(
        float(languages * others * rows),
        *(float(others * value) for value in (tokens, tokens, squares, squares)),
        float(products),
    )


def lengths_of_characters(sentences: Mapping[str, Sequence[str]], characters_per_piece: float) -> np.ndarray:
    """[languages, rows] of a text whose tokenizer is not there: characters / characters_per_piece and two."""
    table = [[len(sentence) for sentence in rows] for rows in sentences.values()]
    return np.asarray(table) / characters_per_piece + SPECIAL_TOKENS


def lengths_of_distribution(languages: int, rows: int, mean: float, variation: float) -> np.ndarray:
    """[languages, rows] of a text that is not there: a gamma distribution's quantiles, of this mean.

    mean: pieces. variation: standard deviation / mean. All languages have the same lengths, since a long
    sentence is long in every language.
    """
    from scipy.stats import gamma

    quantiles = gamma.ppf((np.arange(rows) + 0.5) / rows, variation**-2, scale=mean * variation**2)
    quantiles *= mean / quantiles.mean()
    return np.tile(quantiles + SPECIAL_TOKENS, (languages, 1))
