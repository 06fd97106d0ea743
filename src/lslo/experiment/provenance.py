"""Records of how results came about, written beside them, and the changes since then."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lslo.experiment.code_fingerprint import imported_files
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
# The file with a line of JSON for each time that a training was started.
ATTEMPTS = "attempts.jsonl"


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
