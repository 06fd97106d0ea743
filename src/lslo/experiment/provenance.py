"""Records of how results came about, written beside them, and the changes since then."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lslo.experiment.code_fingerprint import imported_files
from lslo.experiment.settings import Setting
from lslo.files.atomic import write_text_atomically
from lslo.files.checksums import file_or_folder_sha256, file_sha256

# The packages whose versions are recorded.
PACKAGES = (
    *("torch", "transformers", "sentencepiece", "sacrebleu", "snakemake"),
    *("babel", "numpy", "pandas", "matplotlib"),
)
# The parameters of a rule that are left out of the record: they only say where something is, or the record
# holds them in a better form.
LEFT_OUT = ("code", "locks", "state")
# The keys of the configuration that decide what is shown and how, and change no result.
PRESENTATION = (
    *("tables", "figures", "figure3", "claims", "compare_with_paper", "significance"),
    *("seeds", "mirrors", "gpus", "plan", "training.checkpoint_minutes"),
)
# The sections that matter only after a training.
LATER = ("translation", "scoring")
# The file with a line of JSON for each time that a training was started.
ATTEMPTS = "attempts.jsonl"
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


def software() -> dict[str, str]:
    """Returns the versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def hardware() -> dict[str, Any]:
    """Returns a description of the machine, with its GPUs if PyTorch is loaded and sees any."""
    gpus = []
    if "torch" in sys.modules:
        import torch

        gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return {
        "host": platform.node(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "gpus": gpus,
        "batch_job": os.environ.get("SLURM_JOB_ID"),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def content_hashes(paths: Iterable[str]) -> dict[str, str]:
    """Returns the SHA-256 of each file and folder that exists, by its path."""
    hashes = {str(path): file_or_folder_sha256(Path(path)) for path in paths}
    return {path: digest for path, digest in hashes.items() if digest}


def code_hashes(script: Path, root: Path) -> dict[str, str]:
    """Returns the SHA-256 of a script and of each module of the library that it imports.

    Args:
        script: The script.
        root: The folder of the Snakefile, where the paths in the result start.
    """
    files = [script, *imported_files(script)]
    return {str(file.resolve().relative_to(root.resolve())): file_sha256(file) for file in files}


def note_attempt(file: Path) -> None:
    """Adds a line about a training that begins now to the file of its attempts."""
    attempt = {"started": datetime.now(UTC).isoformat(timespec="seconds")}
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({**attempt, "software": software(), "hardware": hardware()}) + "\n")


@contextmanager
def recorded(snakemake: Any, script_name: str | None = None) -> Iterator[None]:
    """Writes the record of a job, `snakemake.output.record`, when the work within the context is done.

    The record of a training that was continued, or finished before, has all its attempts.

    Args:
        snakemake: Snakemake's object of that name in a script.
        script_name: The name of the job's script, if that is not the rule's.
    """
    started = datetime.now(UTC)
    yield
    ended = datetime.now(UTC)
    script = Path(snakemake.scriptdir) / f"{script_name or snakemake.rule}.py"
    attempts = Path(snakemake.params.get("state", "")) / "result" / ATTEMPTS
    record = {
        "rule": snakemake.rule,
        "wildcards": dict(snakemake.wildcards.items()),
        "config": dict(snakemake.config),
        "params": {name: value for name, value in snakemake.params.items() if name not in LEFT_OUT},
        "inputs": content_hashes(snakemake.input),
        # The outputs of a translation are shards. They are gone when another rule has joined them.
        "outputs": content_hashes(
            path
            for path in snakemake.output
            if path != snakemake.output.record and snakemake.rule != "translate"
        ),
        "code": code_hashes(script, script.parents[2]),
        "software": software(),
        "hardware": hardware(),
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "seconds": round((ended - started).total_seconds(), 1),
        "attempts": [json.loads(line) for line in attempts.read_text().splitlines()]
        if attempts.is_file()
        else [],
    }
    text = json.dumps(record, indent=1, default=str, ensure_ascii=False) + "\n"
    write_text_atomically(Path(snakemake.output.record), text)


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
        for values in (record["config"], config)
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
