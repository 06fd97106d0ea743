"""Reading of a configuration: typed sections, with their defaults, from the values that Snakemake read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from lslo.experiment.config import Config
from lslo.experiment.config_errors import QUOTES, ConfigError, explain, joined
from lslo.experiment.wanted_results import WantedResults

MAXIMUM_VALUES = 100_000
# The sections that a run may leave unused. A fault in one that is not used does not block the run.
OPTIONAL_SECTIONS = frozenset({"pretraining", "pruning", "subspaces", "weight_learning"})


def read_config(values: Mapping[str, Any], needed: Collection[str] = ()) -> Config:
    """Returns a configuration with its types checked and its defaults filled in.

    Args:
        values: The configuration as Snakemake has read it.
        needed: Sections that are used, though no wanted result depends on them.

    Raises:
        ConfigError: A key is missing, does not exist, or has a value that it cannot have.
    """
    if not _is_small(values):
        raise ConfigError(
            f"the configuration has more than {MAXIMUM_VALUES} values; does it use YAML's aliases (*name)?"
        )
    odd = list(_odd_keys(values, ""))
    if odd:
        raise ConfigError(joined(odd))
    values = {key: value for key, value in values.items() if not _is_empty_section(key, value)}
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    sections = {str(fault["loc"][0]) for fault in faults}
    unused = frozenset({"pretraining"})
    if sections <= OPTIONAL_SECTIONS:
        # Which sections are used can be told without them.
        config = Config.model_validate({key: of for key, of in values.items() if key not in sections})
        unused = WantedResults(config).unused_sections
    told = [explain(fault) for fault in faults if fault["loc"][0] not in unused - set(needed)]
    if told or not sections <= OPTIONAL_SECTIONS:
        raise ConfigError(joined(told))
    return config


def full_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns all keys and values of a configuration, its defaults among them, as JSON has them.

    Two configurations that ask for the same are equal in this form. One that cannot be read, such as a
    configuration of an earlier version, is returned as it is.
    """
    try:
        return read_config(values).model_dump(mode="json")
    except ConfigError:
        return dict(values)


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


def _odd_keys(values: Mapping[Any, Any], path: str) -> Iterator[str]:
    """Yields a fault for each key that is no text; YAML makes a truth value of a bare `no`."""
    for key, value in values.items():
        if not isinstance(key, str):
            yield f"config key '{path}{key!r}' is no text{QUOTES if isinstance(key, bool) else ''}"
        # The codes of languages say by themselves what a bare `no` is.
        elif isinstance(value, Mapping) and key != "codes":
            yield from _odd_keys(value, f"{path}{key}.")


def _is_empty_section(key: str, value: Any) -> bool:
    """Returns whether a key has no value, as a section has whose keys are all commented out."""
    field = Config.model_fields.get(key)
    return value is None and field is not None and not field.is_required()
