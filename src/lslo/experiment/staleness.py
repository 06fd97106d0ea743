"""Staleness of results: what has changed since a result was made, by the record beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lslo.experiment.config_reading import full_config
from lslo.experiment.provenance import software
from lslo.experiment.setting_notation import Setting
from lslo.files.checksums import file_or_folder_sha256, file_sha256

# The keys of the configuration that decide what is shown and how, and change no result.
PRESENTATION = (
    *("tables", "figures", "figure3", "claims", "compare_with_paper", "significance"),
    *("seeds", "mirrors", "gpus", "plan", "training.checkpoint_minutes"),
)
# The sections that matter only after a training.
LATER = ("translation", "scoring")
# The sections that the result of each rule does not depend on.
IRRELEVANT = {
    "learn_weights": (*LATER, "pruning", "subspaces"),
    "estimate_subspaces": LATER,
    "finetune": (*LATER, "subspaces"),
    "translate": ("subspaces", "scoring"),
    "score": ("subspaces",),
    "translate_epochs": ("subspaces", "scoring"),
    "score_epochs": ("subspaces",),
    "make_corpus": (*LATER, "base_model", "training", "pruning", "weight_learning", "subspaces"),
    "make_results_table": ("subspaces",),
}


def changes(record: Mapping[str, Any], config: Mapping[str, Any], root: Path) -> list[str]:
    """Returns what makes a result stale: a line for each part that is not as it was recorded.

    The parts are the configuration, the code, the inputs, the outputs and the software. Paths of inputs and
    outputs start at the working directory.

    Args:
        record: The record of the result.
        config: The configuration of the run that asks.
        root: The folder of the Snakefile.
    """
    left_out = (*PRESENTATION, *_irrelevant(record["rule"], record["wildcards"]))
    before, now = (
        {
            key: value
            for key, value in _flat(values)
            if not any(key == name or key.startswith(f"{name}.") for name in left_out)
        }
        for values in (full_config(record["config"]), full_config(config))
    )
    found = _differences("config", before, now)
    code = {name: _sha256_or_none(root / name) for name in record["code"]}
    inputs, outputs = (
        {name: file_or_folder_sha256(Path(name)) for name in record[kind]} for kind in ("inputs", "outputs")
    )
    for kind, old, new in (
        ("code", record["code"], code),
        ("input", record["inputs"], inputs),
        ("output", record["outputs"], outputs),
    ):
        for name, digest in old.items():
            if new[name] != digest:
                found.append(f"{kind} {name} {'has changed' if new[name] else 'is gone'}")
    return found + _differences("software", record["software"], software())


def _irrelevant(rule: str, wildcards: Mapping[str, str]) -> list[str]:
    """Returns the keys of the configuration that a result does not depend on."""
    keys = list(IRRELEVANT.get(rule, ()))
    if rule in ("learn_weights", "estimate_subspaces"):
        keys.append("training.learning_rate.full")
    if "setting" in wildcards:
        setting = Setting.from_slug(wildcards["setting"])
        if setting.kind == "pretrain":
            keys += ["training", "pruning", "weight_learning"]
        else:
            keys.append(f"training.learning_rate.{'lslo' if setting.kind == 'full' else 'full'}")
        if setting.index != "WL":
            keys.append("weight_learning")
        if setting.gps_ratio is None:
            keys.append("pruning")
    return keys


def _differences(kind: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Returns a line for each key whose value was added, changed or taken away."""
    missing = object()
    lines = []
    for key in sorted({*before, *now}):
        old, new = before.get(key, missing), now.get(key, missing)
        if old != new:
            shown = ["not given" if value is missing else json.dumps(value) for value in (old, new)]
            lines.append(f"{kind} {key}: {shown[0]} -> {shown[1]}")
    return lines


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the dotted key and the value of each leaf of nested mappings."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _sha256_or_none(path: Path) -> str | None:
    return file_sha256(path) if path.is_file() else None


def explain(records: Sequence[Path], config: Mapping[str, Any], root: Path) -> Iterator[str]:
    """Yields lines that say of each result whether it is what the configuration asks for, or what changed.

    Args:
        records: The files of the records, not all of which need exist.
        config: The configuration of the run that asks.
        root: The folder of the Snakefile.
    """
    for path in records:
        if not path.is_file():
            yield f"{path}: not made yet"
            continue
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            found = changes(record, config, root)
            made = f"made {record['ended']} by {record['rule']}"
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            yield f"{path}: damaged, not a record"
            continue
        yield f"{path}: {made}, nothing has changed" if not found else f"{path}: {made}, stale"
        yield from (f"    {line}" for line in found)
