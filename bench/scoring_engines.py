"""Engines that score the hypotheses of all directions with spBLEU and chrF++."""

from __future__ import annotations

import time

import torch
from sacrebleu.metrics import BLEU, CHRF

from lslo.scoring.chrf import CHRF_WORD_ORDER
from lslo.scoring.directions import score_directions
from lslo.scoring.spbleu_tokenizer import spbleu_tokenizer
from results import EngineResult, say
from work import Work


def _result(work: Work, seconds: float, parts: dict[str, float], outputs: dict[str, float]) -> EngineResult:
    lines = sum(len(of) for of in work.content["hypotheses"].values())
    return EngineResult({"": seconds}, {"sentences": lines}, parts, outputs)


def run_lslo(work: Work, device: torch.device) -> EngineResult:
    """Scores all directions with `lslo.scoring.directions.score_directions`."""
    hypotheses = {
        tuple(direction.split("-")): lines for direction, lines in work.content["hypotheses"].items()
    }
    tokenizer = spbleu_tokenizer("base_model", work.base_model)
    started = time.perf_counter()
    scores = score_directions(hypotheses, work.content["references"], tokenizer)
    seconds = time.perf_counter() - started
    outputs = {
        f"{metric} {row.source}-{row.target}": getattr(row, metric)
        for row in scores.itertuples()
        for metric in ("spbleu", "chrf")
    }
    return _result(work, seconds, {"score": seconds}, outputs)


def run_sacrebleu(work: Work, device: torch.device) -> EngineResult:
    """Scores with sacrebleu, called once for each direction and metric, as its command line does.

    spBLEU is of the same pieces as lslo's.
    """
    tokenizer = spbleu_tokenizer("base_model", work.base_model)
    references, outputs = work.content["references"], {}
    parts = {"spbleu": 0.0, "chrf": 0.0}
    for number, (direction, lines) in enumerate(work.content["hypotheses"].items(), start=1):
        reference = references[direction.split("-")[1]]
        started = time.perf_counter()
        # As lslo does, with `force`: sacrebleu then does not check whether the text is tokenized already.
        bleu = BLEU(tokenize="none", force=True)
        found = bleu.corpus_score(tokenizer.pieces(lines), [tokenizer.pieces(reference)])
        outputs[f"spbleu {direction}"] = found.score
        middle = time.perf_counter()
        outputs[f"chrf {direction}"] = CHRF(word_order=CHRF_WORD_ORDER).corpus_score(lines, [reference]).score
        parts["spbleu"] += middle - started
        parts["chrf"] += time.perf_counter() - middle
        say(f"{number} of {len(work.content['hypotheses'])} directions", every=33, number=number)
    return _result(work, sum(parts.values()), parts, outputs)
