"""Sums of tokens over all sentence pairs of a corpus, without going through the directions one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Tokens of each sequence beside its pieces: the language token and `</s>`.
SPECIAL_TOKENS = 2


@dataclass(frozen=True)
class PairSums:
    """Sums over sentence pairs, each of n source and m target tokens.

    Attributes:
        pairs: Number of pairs.
        source_tokens: Σ n.
        target_tokens: Σ m.
        source_squares: Σ n².
        target_squares: Σ m².
        products: Σ n m.
    """

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
    """Returns the sums over the pairs of every row in all directions between languages.

    In n (n − 1) directions between n languages, each language is the source n − 1 times; and the sum of
    l_s l_t over s ≠ t is (Σ l)² − Σ l².

    Args:
        lengths: Tokens of each sentence [languages, rows], language token and `</s>` included.
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
    """Estimates the tokens of sentences [languages, rows] by their characters, without a tokenizer.

    Args:
        sentences: The sentences of each language.
        characters_per_piece: The mean number of characters of a piece.

    Returns:
        Characters / characters_per_piece + 2, for the language token and `</s>`.
    """
    table = [[len(sentence) for sentence in rows] for rows in sentences.values()]
    return np.asarray(table) / characters_per_piece + SPECIAL_TOKENS


def lengths_of_distribution(languages: int, rows: int, mean: float, variation: float) -> np.ndarray:
    """Estimates the tokens of sentences [languages, rows] by the distribution of their lengths.

    The lengths are quantiles of a gamma distribution. All languages have the same ones, since a sentence
    that is long in one language is long in every language.

    Args:
        languages: Number of languages.
        rows: Sentences of each language.
        mean: Mean pieces of a sentence.
        variation: Standard deviation of the pieces / mean.

    Returns:
        Tokens, language token and `</s>` included.
    """
    from scipy.stats import gamma

    quantiles = gamma.ppf((np.arange(rows) + 0.5) / rows, variation**-2, scale=mean * variation**2)
    quantiles *= mean / quantiles.mean()
    return np.tile(quantiles + SPECIAL_TOKENS, (languages, 1))
