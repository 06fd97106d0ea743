"""The check of a configuration by `workflow/schemas/config.schema.yaml`, and its faults in a user's words."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend

MAXIMUM_VALUES = 100_000


def fault(config: Mapping[str, Any], schema: Path) -> str | None:
    """The first thing that the schema finds wrong with a configuration, its key named; None if nothing is."""
    if not _is_small(config):
        return f"the configuration has more than {MAXIMUM_VALUES} values; does it use YAML's aliases (*name)?"
    validator = _Validator(yaml.safe_load(schema.read_text(encoding="utf-8")))
    error = best_match(validator.iter_errors(config))
    return None if error is None else _explain(error)


def _is_small(config: Mapping[str, Any]) -> bool:
    """With aliases, ten lines of YAML stand for billions of values, or a list is part of itself."""
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


def _is_integer(_, value: Any) -> bool:
    """JSON Schema takes 5.0 for an integer; range() does not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_, value: Any) -> bool:
    """YAML has NaN and infinity, which no bounds of a schema keep out."""
    return _is_integer(_, value) or (isinstance(value, float) and abs(value) <= sys.float_info.max)


def _match_whole(
    validator: Any, pattern: str, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """As JSON Schema's `pattern`; but Python's `$` also matches before a line break at the end."""
    if validator.is_type(instance, "string") and not re.fullmatch(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = extend(
    Draft202012Validator,
    validators={"pattern": _match_whole},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def _explain(error: ValidationError) -> str:
    key = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = next(name for name in error.instance if name not in known)
        close = difflib.get_close_matches(str(unknown), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known keys are {', '.join(known)}"
        return f"config key '{f'{key}.{unknown}'.lstrip('.')}' does not exist: {hint}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"config key '{f'{key}.{missing}'.lstrip('.')}' is missing"
    if error.validator == "pattern" and "description" in error.schema:
        return f"config key '{key}': {error.message} ({error.schema['description'].rstrip('.')})"
    if error.validator == "type" and isinstance(error.instance, bool):
        return f"config key '{key}': {error.message}; text such as no or on must be in quotes"
    return f"config key '{key}': {error.message}{_number_hint(error)}"


def _number_hint(error: ValidationError) -> str:
    """How to write a number that YAML took for text: with a point, and a sign of the exponent."""
    text = error.instance
    if error.validator != "type" or not isinstance(text, str) or len(text) > 40:
        return ""
    parts = re.fullmatch(r"([-+]?[0-9]+)(\.[0-9]*)?[eE]([-+]?)([0-9]+)", text)
    if parts is None:
        return ""
    if error.validator_value == "integer":
        return f"; write its digits (YAML takes {text} for text)"
    number = f"{parts[1]}{parts[2] or '.0'}e{parts[3] or '+'}{parts[4]}"
    return f"; write {number} (YAML takes {text} for text)"
