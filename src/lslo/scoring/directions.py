"""spBLEU and chrF++ of every direction (Section 5: "spBLEU score with the FLORES-101 tokenizer").

A test set of n languages has n·(n-1) directions. References are therefore tokenised and counted once for
each target language, and compared with the hypotheses of every source language. The scores are those of
plain `sacrebleu`. The counts of spBLEU in each sentence can be kept: the scores of resampled sentences are
computed from sums of them.
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
    """Scores the hypotheses of each direction against the references of its target language.

    Args:
        hypotheses: Detokenised translations of each direction, one for each test sentence.
        references: The test sentences of each language, in the same order.
        tokenizer: The tokenizer of spBLEU.
        statistics: The result of `direction_statistics` for the same arguments, if already computed.

    Returns:
        A row for each direction in the order of `hypotheses`, with SCORE_COLUMNS; both scores are from 0
        to 100.

    Raises:
        ValueError: The arguments do not fit together (see `direction_statistics`), or `statistics` has
            other directions.
    """
    statistics = statistics or direction_statistics(hypotheses, references, tokenizer)
    if statistics.directions != tuple(hypotheses):
        raise ValueError("these statistics are of other directions than those to score, or in another order")
    spbleu = dict(
        zip(statistics.directions, corpus_spbleu(statistics.counts.sum(axis=1)).tolist(), strict=True)
    )
    rows: dict[Direction, tuple] = {}
    # One target language at a time, as for spBLEU.
    for target in dict.fromkeys(target for _, target in hypotheses):
        chrf = ChrfReferences(references[target])
        signatures = (statistics.signature, chrf.signature)
        for direction, lines in hypotheses.items():
            if direction[1] == target:
                rows[direction] = (*direction, spbleu[direction], chrf.score(lines), *signatures)
    return pandas.DataFrame([rows[direction] for direction in hypotheses], columns=list(SCORE_COLUMNS))


def stack_epochs(scores: Mapping[int, pandas.DataFrame]) -> pandas.DataFrame:
    """Stacks the scores after each epoch (0: the base model) into one frame with EPOCH_SCORE_COLUMNS."""
    frames = [frame.assign(epoch=epoch) for epoch, frame in sorted(scores.items())]
    return pandas.concat(frames, ignore_index=True)[list(EPOCH_SCORE_COLUMNS)]
