"""The comparison of scoring engines: spBLEU and chrF++ of all directions of a test set."""

from __future__ import annotations

import agreement
from comparison import Comparison, Engine
from results import EngineResult
from scoring_work import write_scoring_work
from sizes import DIRECTIONS, Size
from work import Work


def _same_scores(work: Work, expected: EngineResult, found: EngineResult) -> str:
    """Compares every score of every direction."""
    return agreement.check_numbers("scores", expected.outputs, found.outputs, 0.0, agreement.ABSOLUTE_SCORE)


def scoring(size: Size) -> Comparison:
    """Returns the comparison of engines that score all directions with spBLEU and chrF++."""
    return Comparison(
        "scoring",
        f"Scoring, {size.name}",
        size,
        lambda folder: write_scoring_work(folder, size),
        (
            Engine(agreement.LSLO, "lslo, all directions", "scoring_engines:run_lslo"),
            Engine(
                "sacrebleu",
                "sacrebleu, one direction at a time",
                "scoring_engines:run_sacrebleu",
                _same_scores,
            ),
        ),
        "sentences",
        f"spBLEU (the base model's pieces) and chrF++ of {DIRECTIONS} directions of {size.lines} "
        "sentences, made from the references by leaving out and swapping words.",
        "the time that a process takes to start for each direction, if sacrebleu's command line is called; "
        "sacrebleu's flores101 tokenizer, whose model has many more pieces; reading and writing files.",
    )
