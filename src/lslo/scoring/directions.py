"""spBLEU and chrF++ of every direction (paper, Section 5: "spBLEU score with the FLORES-101 tokenizer").

A test set has n references but n·(n-1) directions, so references are tokenised and counted once a target
language and compared with the hypotheses of every source language; the scores are those of plain
``sacrebleu``. What spBLEU counts in each sentence can be kept: sums of these counts are all that the score of
resampled sentences takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas

from lslo.scoring.bleu import Direction, DirectionStatistics, corpus_spbleu, direction_statistics
from lslo.scoring.chrf import ChrfReferences
from lslo.scoring.score_files import EPOCH_SCORE_COLUMNS, SCORE_COLUMNS
from lslo.scoring.spbleu_tokenizer import SpbleuTokenizer


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


def epoch_scores(scores: Mapping[int, pandas.DataFrame]) -> pandas.DataFrame:
    """Scores after each epoch (0: the pretrained model) below each other, with EPOCH_SCORE_COLUMNS."""
    frames = [frame.assign(epoch=epoch) for epoch, frame in sorted(scores.items())]
    return pandas.concat(frames, ignore_index=True)[list(EPOCH_SCORE_COLUMNS)]
