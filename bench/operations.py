"""Floating-point operations of a work's matrix products, by the formulas of `snakemake plan`.

Divided by an engine's time, they say how close the engine comes to the machine's peak.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from lslo.corpus.tokenized import TokenizedCorpus
from lslo.planning.flops import LsloShape, lslo_training_flops, translation_flops
from lslo.planning.model_sizes import ModelSizes
from lslo.planning.token_counts import PairSums
from training_work import TrainingData
from work import Work, experiment_of_demo, ranks_of


def sums_of(lengths: Iterable[tuple[int, int]]) -> PairSums:
    """Returns the sums of token counts that the formulas need.

    Args:
        lengths: (source tokens, target tokens) of each sentence pair, language token and `</s>` included.
    """
    source, target = np.array(list(lengths), dtype=float).T
    return PairSums(
        len(source),
        source.sum(),
        target.sum(),
        (source**2).sum(),
        (target**2).sum(),
        (source * target).sum(),
    )


def _sizes_and_shape(work: Work) -> tuple[ModelSizes, LsloShape]:
    ranks = ranks_of(work.content["setting"], experiment_of_demo())
    return ModelSizes.read(work.base_model / "config.json"), LsloShape(float(np.mean(list(ranks.values()))))


def training_operations(work: Work, data: TrainingData) -> int:
    """Returns the operations of all timed updates of LSLo, forward and backward."""
    sizes, shape = _sizes_and_shape(work)
    examples = np.concatenate([batch for group in data.mixed for batch in group])
    lengths = (data.corpus.lengths[examples[:, side], examples[:, 2]] for side in (0, 1))
    sums = sums_of(zip(*lengths, strict=True))
    return work.size.passes * int(lslo_training_flops(sizes, sums, shape))


def translation_operations(work: Work, translations: Mapping[str, Sequence[Sequence[int]]]) -> int:
    """Returns the operations of beam search, if every hypothesis is as long as the best one of its sentence.

    Args:
        work: The work, which holds the source sentences and the beam's width.
        translations: The tokens of each sentence, without language token and `</s>`, by direction such as
            `en-de`.
    """
    sizes, shape = _sizes_and_shape(work)
    corpus = TokenizedCorpus.of(work.content["sources"], work.tokenizer)
    place = {language: index for index, language in enumerate(corpus.languages)}
    sums = sums_of(
        (corpus.lengths[place[direction.partition("-")[0]], row], len(tokens) + 2)
        for direction, lines in translations.items()
        for row, tokens in enumerate(lines)
    )
    return int(translation_flops(sizes, sums, work.size.decoding["beam"], shape))
