"""Whether engines did the same work: what makes a comparison of their times one at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from lslo.scoring.directions import score_directions
from lslo.scoring.spbleu_tokenizer import spbleu_tokenizer
from models import Merger
from results import EngineResult
from translation_engines import Translations, source_sequences
from work import Work

LSLO = "lslo"
RELATIVE_LOSS = 1e-4
RELATIVE_GRADIENT = 1e-3
# Of 100.
ABSOLUTE_SCORE = 1e-9
# Of the same search in float32: rounding may turn a near-tie, so a few lines may differ, in score hardly.
LEAST_IDENTICAL = 0.99
NEAR_TIE = 1e-3


class DisagreementError(Exception):
    """Engines that are compared gave different results."""


@dataclass(frozen=True)
class TranslationTolerance:
    """How far an engine's translations may be from lslo's.

    identical: the least share of lines that are the same. score: the most that the mean score of its
    hypotheses, by the float32 model, may be worse. each: the most that a line that differs may be better or
    worse; None where any may be. language_token: whether its search counts the language token's
    log-probability, as fairseq's does; its hypotheses are judged by what it searched for.
    """

    identical: float
    score: float
    each: float | None = None
    language_token: bool = True


SAME_SEARCH = TranslationTolerance(LEAST_IDENTICAL, NEAR_TIE, NEAR_TIE)
# CTranslate2 does not count the language token's log-probability and ends a search by another rule.
OTHER_SEARCH = TranslationTolerance(0.4, 0.01, language_token=False)
LOW_PRECISION = TranslationTolerance(0.1, 0.02, language_token=False)


@torch.inference_mode()
def scores(merger: Merger, work: Work, direction: str, row: int, tokens: list[int]) -> tuple[float, float]:
    """Log-probability a token of a hypothesis, `</s>` included: with the language token, as fairseq scores,
    and without it."""
    source, target = direction.split("-")
    tokenizer = work.tokenizer
    end = tokenizer.end_of_sentence
    sequence = [tokenizer.language_token(target), *tokens, end]
    logits = merger.model(
        input_ids=torch.tensor([source_sequences(work, source)[row]]),
        decoder_input_ids=torch.tensor([[end, *sequence[:-1]]]),
    ).logits[0]
    log_probabilities = logits.log_softmax(dim=-1).gather(1, torch.tensor(sequence).unsqueeze(1))
    return log_probabilities.mean().item(), log_probabilities[1:].mean().item()


def check_translations(
    work: Work, expected: Translations, found: Translations, tolerance: TranslationTolerance
) -> str:
    """Compare translations line by line; what there is to say about it, in words.

    Only directions of `found` are compared, which must not be empty. Raises DisagreementError.
    """
    lines = [
        (direction, row, expected[direction][row], tokens)
        for direction, of in found.items()
        for row, tokens in enumerate(of)
    ]
    if not lines or any(len(found[direction]) != len(expected[direction]) for direction in found):
        raise DisagreementError("not as many translations as there are sentences")
    other = [line for line in lines if line[2] != line[3]]
    merger = Merger(work.base_model, work.adapter) if other else None
    differences, merged = [], None
    for direction, row, ours, theirs in other:
        if direction != merged:
            merger.merge(direction.split("-"))
            merged = direction
        pair = (scores(merger, work, direction, row, tokens) for tokens in (theirs, ours))
        differences.append([one - another for one, another in zip(*pair, strict=True)])
    identical = 1 - len(other) / len(lines)
    with_token, without = (sum(column) / len(lines) for column in zip(*differences or [(0, 0)], strict=True))
    mean = with_token if tolerance.language_token else without
    largest = max((abs(one) for one, _ in differences), default=0.0)
    text = f"{100 * identical:.1f} % of lines identical"
    if other:
        text += f", mean score {with_token:+.4f}"
        if not tolerance.language_token:
            text += f" ({without:+.4f} without the language token, which its search does not count)"
    if work.content["references"] is not None and other:
        text += f", spBLEU {mean_spbleu(work, found) - mean_spbleu(work, expected, found):+.2f}"
    if (
        identical < tolerance.identical
        or mean < -tolerance.score
        or (tolerance.each is not None and largest > tolerance.each)
    ):
        raise DisagreementError(f"translations differ: {text}")
    return text


def mean_spbleu(work: Work, translations: Translations, directions: Translations | None = None) -> float:
    """spBLEU with the base model's own pieces, the mean over directions (those of `directions`)."""
    hypotheses = {
        tuple(direction.split("-")): work.tokenizer.decode(translations[direction])
        for direction in directions or translations
    }
    tokenizer = spbleu_tokenizer("base_model", work.base_model)
    return float(score_directions(hypotheses, work.content["references"], tokenizer)["spbleu"].mean())


def check_numbers(
    name: str,
    expected: Mapping[str, float],
    found: Mapping[str, float],
    relative: float,
    absolute: float = 0.0,
) -> str:
    """Compare named numbers; what there is to say about it. Raises DisagreementError."""
    if not expected or expected.keys() != found.keys():
        raise DisagreementError(f"{name}: not of the same things ({sorted(expected)}, {sorted(found)})")
    worst = 0.0
    for key, number in expected.items():
        difference = abs(found[key] - number)
        # `not <=`, so that NaN is a disagreement too.
        if not difference <= relative * abs(number) + absolute:
            raise DisagreementError(f"{name} of {key}: {found[key]!r} instead of {number!r}")
        worst = max(worst, difference if absolute else difference / abs(number))
    return f"{name} within {worst:.0e}" + ("" if absolute else " (relative)")


def check_repetition(first: EngineResult, again: EngineResult) -> None:
    """A later round must give what the first one gave: translations nearly, numbers closely.

    Of an engine that makes what is compared beside its work, later rounds have none of it.
    """
    if not again.outputs:
        return
    if isinstance(first.outputs, dict) and all(isinstance(value, list) for value in first.outputs.values()):
        pairs = [
            (ours, theirs)
            for key in first.outputs
            for ours, theirs in zip(first.outputs[key], again.outputs[key], strict=True)
        ]
        same = sum(ours == theirs for ours, theirs in pairs) / len(pairs)
        if same < LEAST_IDENTICAL:
            raise DisagreementError(f"only {100 * same:.1f} % of lines are those of the first round")
    else:
        check_numbers("numbers", first.outputs, again.outputs, RELATIVE_LOSS, 1e-9)
