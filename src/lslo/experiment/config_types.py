"""The types of configuration keys: numbers, texts and lists, as strict as what is done with them asks for."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lslo.experiment.languages import FOREIGN_CODE

Item = TypeVar("Item")


def _read_number(value: Any) -> Any:
    """Returns the number that YAML reads in a text; nested values of a command line arrive as text."""
    if not isinstance(value, str) or len(value) > 40:
        return value
    try:
        number = yaml.safe_load(value)
    except yaml.YAMLError:
        return value
    return number if type(number) in (int, float) else value


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


def check_code(value: Any) -> str:
    """Returns the code of a language in other people's files and models; raises an error for what is none."""
    if isinstance(value, bool):
        raise PydanticCustomError("string_type", "not text")
    if not isinstance(value, str) or not FOREIGN_CODE.fullmatch(value):
        raise PydanticCustomError(
            "unmatched",
            "{value} does not match (letters, digits, '_' and '-', 100 at most)",
            {"value": repr(value)},
        )
    return value


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
