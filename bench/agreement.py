"""Checks that engines did the same work, without which their times could not be compared."""

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
# Scores go up to 100.
ABSOLUTE_SCORE = 1e-9
# For the same search in float32. Rounding may decide between two hypotheses whose scores are almost equal, so
# a few lines may differ, with almost the same scores.
LEAST_IDENTICAL = 0.99
NEAR_TIE = 1e-3


class DisagreementError(Exception):
    """Engines that are compared gave different results."""


@dataclass(frozen=True)
class TranslationTolerance:
    """The limits within which an engine's translations may differ from lslo's.

    A hypothesis's score is its log-probability per token by the float32 model.

    Attributes:
        identical: The smallest share of lines that must be identical.
        score: The most by which the engine's mean score may be below lslo's.
        each: The most by which the score of a single line may differ, in either direction; None for no limit.
        language_token: Whether the engine's search counts the log-probability of the language token, as
            fairseq's does. The mean score then counts it too, since hypotheses are judged by what the engine
            searched for.
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
    """Returns the log-probability per token of a hypothesis, with the language token and without it.

    With the language token is how fairseq scores. `</s>` counts in both.

    Args:
        merger: The base model, with the adapter of the hypothesis's direction merged.
        work: The work, which holds the source sentences.
        direction: The direction, such as `en-de`.
        row: The row of the source sentence.
        tokens: The hypothesis, without language token and `</s>`.
    """
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
    """Compares translations line by line and returns in words how they agree.

    Args:
        work: The work, whose model scores lines that differ.
        expected: lslo's translations.
        found: The engine's translations, of all directions or of some of them; at least one sentence.
        tolerance: The limits within which translations may differ.

    Raises:
        DisagreementError: Translations are missing or differ by more than the tolerance.
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
    """Returns the mean spBLEU over directions, computed with the base model's own pieces.

    Args:
        work: The work, which holds the references.
        translations: The translations.
        directions: A mapping whose keys are the directions to count; all of `translations` where it is None.
    """
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
    """Compares named numbers and returns in words how they agree.

    Args:
        name: The name of the numbers in messages.
        expected: The numbers of the reference.
        found: The engine's numbers, which must have the same names.
        relative: The largest difference, relative to the expected number.
        absolute: A difference that is allowed in addition.

    Raises:
        DisagreementError: The names differ, or a number differs by more than is allowed.
    """
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
    """Checks that a later round gave the results of the first one.

    Of translations, a share of LEAST_IDENTICAL must be the same; numbers must agree to RELATIVE_LOSS. A later
    round without outputs passes: some engines make outputs in the first round only.

    Raises:
        DisagreementError: The results differ by more than is allowed.
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
