"""spBLEU and chrF++ of every direction (paper, Section 5: "spBLEU score with the FLORES-101 tokenizer").

A test set has n references but n·(n-1) directions, so references are tokenised and counted once a target
language and compared with the hypotheses of every source language; the scores are those of plain
``sacrebleu``. What spBLEU counts in each sentence can be kept: sums of these counts are all that the score of
resampled sentences takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas
from sacrebleu.metrics import BLEU

from lslo.errors import one_line
from lslo.scoring.chrf import ChrfReferences
from lslo.scoring.ngram_matches import ReferenceNgrams
from lslo.scoring.spbleu_tokenizer import SpbleuTokenizer

Direction = tuple[str, str]

SCORE_COLUMNS = ("source", "target", "spbleu", "chrf", "spbleu_signature", "chrf_signature")
EPOCH_SCORE_COLUMNS = ("epoch", "source", "target", "spbleu", "chrf")

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


def score_directions(
    hypotheses: Mapping[Direction, Sequence[str]],
    references: Mapping[str, Sequence[str]],
    tokenizer: SpbleuTokenizer,
    statistics: DirectionStatistics | None = None,
) -> pandas.DataFrame:
    """Scores each direction's hypotheses against the references of its target language.

    Args:
        hypotheses: (source language, target language) -> detokenised translations, one a test sentence.
        references: language -> its test sentences, in the same order.
        tokenizer: of spBLEU.
        statistics: `direction_statistics` of the same arguments, if they are there already.

    Returns:
        One row a direction in the order of `hypotheses`, with SCORE_COLUMNS; both scores from 0 to 100.

    Raises:
        ValueError: as `direction_statistics`, or `statistics` are of other directions.
    """
    statistics = statistics or direction_statistics(hypotheses, references, tokenizer)
    if statistics.directions != tuple(hypotheses):
        raise ValueError("these statistics are of other directions than those to score, or in another order")
    totals = dict(zip(statistics.directions, statistics.counts.sum(axis=1), strict=True))
    rows: dict[Direction, tuple] = {}
    # One target language at a time, as for spBLEU.
    for target in dict.fromkeys(target for _, target in hypotheses):
        chrf = ChrfReferences(references[target])
        signatures = (statistics.signature, chrf.signature)
        for direction, lines in hypotheses.items():
            if direction[1] == target:
                scores = (corpus_spbleu(totals[direction]), chrf.score(lines))
                rows[direction] = (*direction, *scores, *signatures)
    return pandas.DataFrame([rows[direction] for direction in hypotheses], columns=list(SCORE_COLUMNS))


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


def epoch_scores(scores: Mapping[int, pandas.DataFrame]) -> pandas.DataFrame:
    """Scores after each epoch (0: the pretrained model) below each other, with EPOCH_SCORE_COLUMNS."""
    frames = [frame.assign(epoch=epoch) for epoch, frame in sorted(scores.items())]
    return pandas.concat(frames, ignore_index=True)[list(EPOCH_SCORE_COLUMNS)]


def write_scores(scores: pandas.DataFrame, path: str | Path) -> None:
    """Writes scores.csv or epoch_scores.csv: UTF-8, a header, scores with four decimals."""
    scores.to_csv(path, index=False, float_format="%.4f", lineterminator="\n")


def read_scores(path: str | Path) -> pandas.DataFrame:
    """Reads scores.csv or epoch_scores.csv.

    Raises:
        ValueError: a column is missing, or a score is not a number.
    """
    # By default pandas would read the language code "nan" (Min Nan Chinese) as a missing value.
    try:
        scores = pandas.read_csv(path, keep_default_na=False)
    except ValueError as error:
        raise ValueError(f"{path}: not a file of scores ({one_line(error)})") from None
    required = EPOCH_SCORE_COLUMNS if "epoch" in scores.columns else SCORE_COLUMNS
    missing = [column for column in required if column not in scores.columns]
    if missing:
        columns = one_line(", ".join(scores.columns))
        raise ValueError(f"{path}: no column {', '.join(missing)}; its columns are {columns}")
    for column in ("spbleu", "chrf"):
        try:
            scores[column] = pandas.to_numeric(scores[column])
        except ValueError as error:
            raise ValueError(
                f"{path}: column {column} has a score that is not a number ({one_line(error)})"
            ) from error
        if not np.isfinite(scores[column]).all():
            raise ValueError(f"{path}: column {column} has a score that is not a number")
    return scores


def write_statistics(statistics: DirectionStatistics, path: str | Path) -> None:
    """Writes statistics.npz: compressed, without pickles, the same bytes for the same statistics."""
    counts = statistics.counts
    # The narrowest integers that hold the counts: half the memory and time of compressing int32.
    narrow = counts.astype(np.min_scalar_type(counts.max(initial=0)))
    with Path(path).open("wb") as file:  # np.savez would append .npz to another name
        np.savez_compressed(
            file,
            directions=np.array(statistics.directions, dtype=str),
            statistics=np.array(STATISTICS),
            counts=narrow,
            signature=np.array(statistics.signature),
        )


def read_statistics(path: str | Path) -> DirectionStatistics:
    """Reads statistics.npz.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or not a file of `write_statistics`.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            directions, names, counts, signature = (
                arrays[name] for name in ("directions", "statistics", "counts", "signature")
            )
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: no such statistics of spBLEU; score this setting first") from error
    # Of what kind depends on where the file is damaged.
    except Exception as error:
        raise ValueError(f"{path}: not a file of spBLEU statistics, or damaged") from error
    if directions.ndim != 2 or directions.shape[1] != 2 or names.ndim != 1 or counts.dtype.kind not in "iu":
        raise ValueError(f"{path}: not a file of spBLEU statistics, or damaged")
    expected = (len(directions), len(STATISTICS))
    if tuple(names) != STATISTICS or counts.ndim != 3 or (counts.shape[0], counts.shape[2]) != expected:
        raise ValueError(f"{path}: spBLEU statistics of another form (counts {list(counts.shape)})")
    pairs = tuple((str(source), str(target)) for source, target in directions)
    return DirectionStatistics(pairs, counts.astype(np.int32), str(signature))
