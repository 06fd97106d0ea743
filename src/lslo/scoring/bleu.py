"""The counts of spBLEU in each sentence, and its formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lslo.scoring.ngram_matches import ReferenceNgrams
from lslo.scoring.spbleu_tokenizer import SpbleuTokenizer

# Source language, target language.
Direction = tuple[str, str]

# The longest n-grams that BLEU counts.
BLEU_ORDER = 4

# The counts of a sentence in sacrebleu's order; the number at the end of a name is the n of the n-grams.
STATISTICS = (
    "hypothesis_length",
    "reference_length",
    *(f"matched_{n}" for n in range(1, BLEU_ORDER + 1)),
    *(f"total_{n}" for n in range(1, BLEU_ORDER + 1)),
)


@dataclass(frozen=True, eq=False)
class DirectionStatistics:
    """The counts of spBLEU in each sentence of each direction: its sufficient statistics.

    Attributes:
        directions: The directions in the order of `counts`.
        counts: int32 `[directions, sentences, 10]`, the last axis in the order of STATISTICS. Sentence i
            is the same one in every direction.
        signature: The signature of spBLEU; counts of different signatures do not compare.
    """

    directions: tuple[Direction, ...]
    counts: np.ndarray
    signature: str


def direction_statistics(
    hypotheses: Mapping[Direction, Sequence[str]],
    references: Mapping[str, Sequence[str]],
    tokenizer: SpbleuTokenizer,
) -> DirectionStatistics:
    """Counts, in each sentence of each direction, what spBLEU is computed from.

    Args:
        hypotheses: Detokenised translations of each direction, one for each test sentence.
        references: The test sentences of each language, in the same order.
        tokenizer: The tokenizer of spBLEU.

    Raises:
        ValueError: A direction has no hypotheses, has no references, has a different number of each, or
            has a different number of sentences than the first direction.
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
    # One target language at a time, so that only its references and hypotheses are in memory as pieces.
    for target in dict.fromkeys(target for _, target in hypotheses):
        rows = [row for row, direction in enumerate(hypotheses) if direction[1] == target]
        texts = [references[target], *(lines for (_, other), lines in hypotheses.items() if other == target)]
        pieces = tokenizer.numbered_pieces([line for lines in texts for line in lines])
        size = len(references[target])
        reference, *found = (pieces.part(start, start + size) for start in range(0, size * len(texts), size))
        ngrams = ReferenceNgrams(reference, BLEU_ORDER)
        for row, hypothesis in zip(rows, found, strict=True):
            lengths = np.stack([hypothesis.lengths, reference.lengths], axis=1)
            totals = hypothesis.ngrams(BLEU_ORDER)
            counts[row] = np.concatenate([lengths, ngrams.matches(hypothesis), totals], axis=1)
    return DirectionStatistics(tuple(hypotheses), counts, tokenizer.signature)


def corpus_spbleu(totals: np.ndarray) -> np.ndarray:
    """Computes spBLEU (0 to 100) from counts summed over sentences.

    The formula and the smoothing (`exp`) are sacrebleu's.

    Args:
        totals: Sums of counts, `[..., 10]`, the last axis in the order of STATISTICS.

    Returns:
        The scores, float64 `[...]`.
    """
    totals = np.asarray(totals, dtype=np.float64)
    hypothesis_length, reference_length = totals[..., 0], totals[..., 1]
    matched, total = totals[..., 2 : 2 + BLEU_ORDER], totals[..., 2 + BLEU_ORDER :]
    # The first order without a match counts as half a match, the next one as a quarter, …
    unmatched = matched == 0
    smoothed = np.where(unmatched, 0.5 ** np.cumsum(unmatched, axis=-1), matched)
    # The score is 0, not undefined, if nothing matches or all hypotheses are too short for the longest
    # n-grams.
    scored = matched.any(axis=-1) & (total > 0).all(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.exp(np.log(100 * smoothed / total).mean(axis=-1))
        penalty = np.exp(np.minimum(0, 1 - reference_length / hypothesis_length))
        return np.where(scored, penalty * precision, 0.0)


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
