"""What spBLEU counts in each sentence, and the score that the counts give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sacrebleu.metrics import BLEU

from lslo.scoring.ngram_matches import ReferenceNgrams
from lslo.scoring.spbleu_tokenizer import SpbleuTokenizer

Direction = tuple[str, str]


BLEU_ORDER = 4


# What BLEU counts in a sentence, in sacrebleu's order; the numbers are the n of n-grams.
STATISTICS = (
    "hypothesis_length",
    "reference_length",
    *(f"matched_{n}" for n in range(1, BLEU_ORDER + 1)),
    *(f"total_{n}" for n in range(1, BLEU_ORDER + 1)),
)


@dataclass(frozen=True, eq=False)
class DirectionStatistics:
    """What spBLEU counts in each sentence of each direction: its sufficient statistics.

    Attributes:
        directions: (source language, target language), in the order of `counts`.
        counts: int32 [directions, sentences, 10], the last axis in the order of STATISTICS. Sentence i is
            the same one in every direction.
        signature: of spBLEU; counts of different signatures do not compare.
    """

    directions: tuple[Direction, ...]
    counts: np.ndarray
    signature: str


def direction_statistics(
    hypotheses: Mapping[Direction, Sequence[str]],
    references: Mapping[str, Sequence[str]],
    tokenizer: SpbleuTokenizer,
) -> DirectionStatistics:
    """Counts what spBLEU compares in each sentence; arguments as for `score_directions`.

    Raises:
        ValueError: a direction has no hypotheses, no references, not as many of one as of the other, or
            not as many sentences as the first direction.
    """
    for direction, lines in hypotheses.items():
        _check_lines(direction, lines, references)
    sizes = {direction: len(lines) for direction, lines in hypotheses.items()}
    first = next(iter(sizes), None)
    for direction, size in sizes.items():
        if size != sizes[first]:
            raise ValueError(
                f"{'-'.join(direction)} has {size} sentences but {'-'.join(first)} has {sizes[first]}: "
                "a test set has the same sentences in every language"
            )
    counts = np.zeros((len(hypotheses), sizes.get(first, 0), len(STATISTICS)), np.int32)
    # One target language at a time: its references and hypotheses are the memory this takes.
    for target in dict.fromkeys(target for _, target in hypotheses):
        rows = [row for row, direction in enumerate(hypotheses) if direction[1] == target]
        texts = [references[target], *(lines for (_, of), lines in hypotheses.items() if of == target)]
        pieces = tokenizer.numbered_pieces([line for lines in texts for line in lines])
        size = len(references[target])
        reference, *found = (pieces.part(start, start + size) for start in range(0, size * len(texts), size))
        ngrams = ReferenceNgrams(reference, BLEU_ORDER)
        for row, hypothesis in zip(rows, found, strict=True):
            lengths = np.stack([hypothesis.lengths, reference.lengths], axis=1)
            totals = hypothesis.ngrams(BLEU_ORDER)
            counts[row] = np.concatenate([lengths, ngrams.matches(hypothesis), totals], axis=1)
    return DirectionStatistics(tuple(hypotheses), counts, tokenizer.signature)


def corpus_spbleu(totals: Sequence[int]) -> float:
    """spBLEU (0 to 100) from STATISTICS summed over sentences, by sacrebleu's formula and smoothing."""
    hypothesis_length, reference_length, *counts = (int(total) for total in totals)
    score = BLEU.compute_bleu(
        counts[:BLEU_ORDER], counts[BLEU_ORDER:], hypothesis_length, reference_length, smooth_method="exp"
    )
    return score.score


def _check_lines(direction: Direction, lines: Sequence[str], references: Mapping[str, Sequence[str]]) -> None:
    source, target = direction
    if target not in references:
        raise ValueError(f"{source}-{target}: no references for {target}; there are {', '.join(references)}")
    if len(lines) != len(references[target]):
        raise ValueError(
            f"{source}-{target}: {len(lines)} hypotheses for {len(references[target])} references; "
            "translate this direction again"
        )
    if not lines:
        raise ValueError(f"{source}-{target}: no hypotheses and no references to score")


MAX_ORDER = 4


def spbleu_of_totals(totals: np.ndarray) -> np.ndarray:
    """spBLEU (0 to 100) from summed counts, as sacrebleu computes it with its smoothing ``exp``.

    Args:
        totals: [..., 10], the last axis in the order of scoring.STATISTICS.

    Returns:
        [...].
    """
    totals = np.asarray(totals, dtype=np.float64)
    hypothesis_length, reference_length = totals[..., 0], totals[..., 1]
    matched, total = totals[..., 2 : 2 + MAX_ORDER], totals[..., 2 + MAX_ORDER :]
    # The first order without a match counts as half a match, the next as a quarter, …
    unmatched = matched == 0
    smoothed = np.where(unmatched, 0.5 ** np.cumsum(unmatched, axis=-1), matched)
    # Nothing matched, or hypotheses too short for the longest n-grams: the score is 0, not undefined.
    scored = matched.any(axis=-1) & (total > 0).all(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.exp(np.log(100 * smoothed / total).mean(axis=-1))
        penalty = np.exp(np.minimum(0, 1 - reference_length / hypothesis_length))
        return np.where(scored, penalty * precision, 0.0)
