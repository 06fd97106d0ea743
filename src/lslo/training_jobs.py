"""What identifies the training state of a workflow job."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from lslo.fingerprint import files_fingerprint


def state_fingerprint(inputs: Iterable[str], params: Iterable) -> str:
    """Digest over a job's input files and parameters (settings, recipe, fingerprint of the code).

    inputs, params: `snakemake.input` and `snakemake.params`. A state made by other ones must not be used.
    """
    files = files_fingerprint(path for path in map(Path, inputs) if path.is_file())
    values = json.dumps(dict(params.items()), sort_keys=True, default=str)
    return hashlib.sha256(f"{files}\n{values}".encode()).hexdigest()
