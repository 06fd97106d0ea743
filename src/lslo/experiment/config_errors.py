"""The faults of a configuration in a user's words: each names its key and says what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lslo.errors import one_line
from lslo.experiment.config import Config

MAXIMUM_VALUES = 100_000
# Faults that are told at once; more would not fit in a line.
MAXIMUM_FAULTS = 5
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


def read_config(values: Mapping[str, Any]) -> Config:
    """Returns a configuration with its types checked and its defaults filled in.

    Args:
        values: The configuration as Snakemake has read it.

    Raises:
        ConfigError: A key is missing, does not exist, or has a value that it cannot have.
    """
    if not _is_small(values):
        raise ConfigError(
            f"the configuration has more than {MAXIMUM_VALUES} values; does it use YAML's aliases (*name)?"
        )
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(joined([_explain(fault) for fault in error.errors(include_url=False)])) from None


def joined(faults: list[str]) -> str:
    """Returns the first few faults in one line, with the number of the others."""
    faults = list(dict.fromkeys(faults))
    more = len(faults) - MAXIMUM_FAULTS
    return "; ".join([*faults[:MAXIMUM_FAULTS], *([f"and {more} more"] if more > 0 else [])])


def _is_small(config: Mapping[str, Any]) -> bool:
    """Returns whether a configuration has a bounded number of values.

    With aliases, ten lines of YAML stand for billions of values, or a list is part of itself.
    """
    count, waiting = 0, [config]
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MAXIMUM_VALUES:
            return False
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple | set):
            waiting.extend(value)
    return True


def _explain(fault: ErrorDetails) -> str:
    """Returns one fault in a user's words."""
    kind, value = fault["type"], fault["input"]
    path = tuple(part for part in fault["loc"] if part != "[key]")
    key = ".".join(map(str, path))
    if kind in ("extra_forbidden", "invalid_key") or "[key]" in fault["loc"]:
        known = _known_keys(path[:-1])
        close = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known keys are {', '.join(known)}"
        return f"config key '{key}' does not exist: {hint}"
    if kind == "missing":
        return f"config key '{key}' is missing"
    return f"config key '{key}': {_reason(kind, value, fault)}"


def _reason(kind: str, value: Any, fault: ErrorDetails) -> str:
    shown = _shown(value)
    if kind in TYPE_NAMES:
        hint = _number_hint(value, TYPE_NAMES[kind])
        if isinstance(value, bool):
            hint = "; text such as no or on must be in quotes"
        return f"{shown} is not of type '{TYPE_NAMES[kind]}'{hint}"
    context = fault.get("ctx", {})
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


def _number_hint(text: Any, wanted: str) -> str:
    """Returns how to write a number that YAML took for text: with a point, and a sign of the exponent."""
    if wanted not in ("integer", "number") or not isinstance(text, str) or len(text) > 40:
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
    return list(model.model_fields) if model else [str(name) for name in _literals(annotation)]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _literals(annotation: Any) -> Iterator[str]:
    """Yields the names that the keys of a mapping may have."""
    arguments = get_args(annotation)
    keys = arguments[:1] if getattr(annotation, "__origin__", None) is dict else arguments
    for argument in keys:
        if isinstance(argument, str):
            yield argument
        else:
            yield from _literals(argument)
