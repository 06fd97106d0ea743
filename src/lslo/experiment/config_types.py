"""The types of configuration keys: numbers, texts and lists, as strict as what is done with them asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lslo.experiment.languages import FOREIGN_CODE

Item = TypeVar("Item")


# Numbers as YAML and JSON both write them. YAML reads 1e-3 as text, and 010 as eight.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
_TRUTH = {"true": True, "false": False}


def _read_number(value: Any) -> Any:
    """Returns the number that a text is; nested values of a command line arrive as text."""
    if not isinstance(value, str) or len(value) > 40:
        return value
    if _INTEGER.fullmatch(value):
        return int(value)
    return float(value) if _DECIMAL.fullmatch(value) else value


def _read_truth(value: Any) -> Any:
    """Returns the truth value that a text is; values of a command line arrive as text."""
    return _TRUTH.get(value.lower(), value) if isinstance(value, str) else value


def _refuse_repeats(values: tuple) -> tuple:
    """Raises an error that names an item which a list has twice."""
    for place, value in enumerate(values):
        if value in values[:place]:
            raise PydanticCustomError("repeated", "has {value} twice", {"value": repr(value)})
    return values


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def matching(pattern: str, description: str) -> AfterValidator:
    """Returns a check that a whole text matches a pattern; its error says what the text should be."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        # Not pydantic's own pattern: `$` in it also matches before a line break at the end.
        if not compiled.fullmatch(text):
            raise PydanticCustomError(
                "unmatched",
                "{text} does not match ({description})",
                {"text": repr(text), "description": description},
            )
        return text

    return AfterValidator(check)


def check_codes(value: Any) -> str | dict[str, str]:
    """Returns a column of the table of languages, or the codes of languages, where every code is one."""
    if not isinstance(value, Mapping):
        _check_code(value, "")
        return value
    for language, code in value.items():
        _check_code(code, f"the code of {language!r}: ")
    return dict(value)


def _check_code(value: Any, whose: str) -> None:
    if isinstance(value, str) and FOREIGN_CODE.fullmatch(value):
        return
    hint = "letters, digits, '_' and '-', 100 at most"
    if isinstance(value, bool):
        hint = "text such as no or on must be in quotes"
    raise PydanticCustomError(
        "unmatched",
        "{whose}{value} does not match ({hint})",
        {"whose": whose, "value": repr(value), "hint": hint},
    )


Truth = Annotated[bool, BeforeValidator(_read_truth)]
WholeNumber = Annotated[int, BeforeValidator(_read_number)]
Number = Annotated[float, BeforeValidator(_read_number), Field(allow_inf_nan=False)]

# Beyond these numbers torch has no seeds and a run no end.
Count = Annotated[WholeNumber, Field(ge=1, le=1_000_000_000)]
Rank = Annotated[WholeNumber, Field(ge=1, le=99_999)]
Seed = Annotated[WholeNumber, Field(ge=0, le=999_999_999)]
Positive = Annotated[Number, Field(gt=0)]
NonNegative = Annotated[Number, Field(ge=0)]
# From 0 to 1: without 0, without 1.
Fraction = Annotated[Number, Field(gt=0, le=1)]
Share = Fraction
OpenFraction = Annotated[Number, Field(ge=0, lt=1)]

NotEmpty = Annotated[str, Field(min_length=1)]
# Snakemake would take braces for wildcards.
PathText = Annotated[
    str, matching(r"[^{}\x00-\x1f\x7f\ud800-\udfff]+", "a path without braces and control characters")
]
Unique = Annotated[tuple[Item, ...], BeforeValidator(_as_tuple), AfterValidator(_refuse_repeats)]
