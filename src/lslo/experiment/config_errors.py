"""The faults of a configuration in a user's words: each names its key and says what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from lslo.errors import one_line
from lslo.experiment.config import Config

# Faults that are told at once, and keys that are listed; more would not fit in a line.
MAXIMUM_FAULTS = 5
MAXIMUM_KEYS = 12
QUOTES = "; text such as no or on must be in quotes"
# What Config's types are called in YAML and JSON, by the kind of pydantic's error.
TYPE_NAMES = {
    **dict.fromkeys(["int_type", "int_from_float", "int_parsing", "int_parsing_size"], "integer"),
    **dict.fromkeys(["float_type", "float_parsing"], "number"),
    **dict.fromkeys(["string_type", "string_unicode"], "string"),
    "bool_type": "boolean",
    "tuple_type": "array",
    **dict.fromkeys(["dict_type", "model_type", "model_attributes_type"], "object"),
}
BOUNDS = {
    "greater_than_equal": ("ge", "is less than the minimum of"),
    "less_than_equal": ("le", "is greater than the maximum of"),
    "greater_than": ("gt", "must be greater than"),
    "less_than": ("lt", "must be less than"),
    "multiple_of": ("multiple_of", "must be a multiple of"),
    "too_short": ("min_length", "has fewer items than"),
    "string_too_short": ("min_length", "is shorter than"),
}


class ConfigError(ValueError):
    """A configuration that cannot be used; the message, one line, names each key at fault and what to do."""

    def __init__(self, message: str):
        super().__init__(one_line(message))


def joined(faults: list[str]) -> str:
    """Returns the first few faults in one line, with the number of the others."""
    faults = list(dict.fromkeys(faults))
    more = len(faults) - MAXIMUM_FAULTS
    return "; ".join([*faults[:MAXIMUM_FAULTS], *([f"and {more} more"] if more > 0 else [])])


def explain(fault: ErrorDetails) -> str:
    """Returns one fault that pydantic has found, in a user's words."""
    kind = fault["type"]
    path = tuple(part for part in fault["loc"] if part != "[key]")
    key = ".".join(map(str, path))
    if kind == "extra_forbidden" or "[key]" in fault["loc"]:
        return f"config key '{key}' does not exist: {_hint_at_key(path)}"
    if kind == "missing":
        return f"config key '{key}' is missing"
    return f"config key '{key}': {_reason(fault, path)}"


def _hint_at_key(path: tuple[str | int, ...]) -> str:
    if path in (("tables", "table3"), ("tables", "table4"), ("tables", "table5")):
        return "Tables 3, 4 and 5 are made of the configuration itself, without settings"
    known = _known_keys(path[:-1])
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    listed = ", ".join(known[:MAXIMUM_KEYS])
    return f"known keys are {listed}{', …' if len(known) > MAXIMUM_KEYS else ''}"


def _reason(fault: ErrorDetails, path: tuple[str | int, ...]) -> str:
    kind, value, context = fault["type"], fault["input"], fault.get("ctx", {})
    shown = _shown(value)
    if kind in TYPE_NAMES:
        wanted = TYPE_NAMES[kind]
        return f"{shown} is not of type '{wanted}'{_hint_at_type(value, wanted, path)}"
    if kind in BOUNDS:
        bound, words = BOUNDS[kind]
        return f"{shown} {words} {context[bound]}"
    if kind == "literal_error":
        return f"{shown} is not one of {context['expected']}"
    if kind == "finite_number":
        return f"{shown} is not a finite number"
    return fault["msg"]


def _shown(value: Any) -> str:
    """Returns a value as Python writes it, shortened in its middle."""
    try:
        text = repr(value)
    except ValueError:
        # Python writes no whole numbers of more than 4300 digits.
        text = "a number of thousands of digits"
    return text if len(text) <= 200 else f"{text[:150]} … {text[-40:]}"


def _hint_at_type(value: Any, wanted: str, path: tuple[str | int, ...]) -> str:
    """Returns how to write a value of the wanted type, empty where that is plain."""
    if isinstance(value, bool):
        return QUOTES
    if wanted == "array" and isinstance(value, str | int | float):
        return f"; write a list: [{value}]"
    if wanted == "object":
        keys = ", ".join(f"{key}: …" for key in _known_keys(path)[:MAXIMUM_KEYS])
        return f"; write its keys: {{{keys}}}" if keys else ""
    if wanted == "string" and isinstance(value, int | float):
        return "; put it in quotes"
    if wanted == "boolean":
        return "; write true or false"
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return f"; write {value:.0f}"
    return _hint_at_number(value, wanted) if wanted in ("integer", "number") else ""


def _hint_at_number(text: Any, wanted: str) -> str:
    """Returns how to write a number that YAML took for text: with a point, and a sign of the exponent."""
    if not isinstance(text, str) or len(text) > 40:
        return ""
    parts = re.fullmatch(r"([-+]?[0-9]+)(\.[0-9]*)?[eE]([-+]?)([0-9]+)", text)
    if parts is None:
        return ""
    if wanted == "integer":
        return f"; write its digits (YAML takes {text} for text)"
    number = f"{parts[1]}{parts[2] or '.0'}e{parts[3] or '+'}{parts[4]}"
    return f"; write {number} (YAML takes {text} for text)"


def _known_keys(path: tuple[str | int, ...]) -> list[str]:
    """Returns the keys that the section at a path may have."""
    annotation: Any = Config
    for part in path:
        model = next(_models(annotation), None)
        if model is None or part not in model.model_fields:
            return []
        annotation = model.model_fields[part].annotation
    model = next(_models(annotation), None)
    return list(model.model_fields) if model else list(_literals(annotation))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _literals(annotation: Any) -> Iterator[str]:
    """Yields the names that the keys of a mapping may have."""
    arguments = get_args(annotation)
    for argument in arguments[:1] if getattr(annotation, "__origin__", None) is dict else arguments:
        if isinstance(argument, str):
            yield argument
        else:
            yield from _literals(argument)
