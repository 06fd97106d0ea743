"""Fetch a base model from the Hugging Face hub."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from transformers import M2M100ForConditionalGeneration

from lslo.running.script import job

logger = logging.getLogger(__name__)

ATTEMPTS = 3
WANTED = ["*.json", "*.model", "model.safetensors"]


def main(name: str, output: Path) -> None:
    """Write the folder of the model `owner/model` with its weights as safetensors.

    Raises ConnectionError where the hub cannot be reached or has no such model for this user.
    """
    _fetch(name, output, WANTED)
    if not (output / "model.safetensors").exists():
        # An older model has a pickle only; transformers reads it with weights_only=True, no code is run.
        _fetch(name, output, ["pytorch_model.bin"])
        M2M100ForConditionalGeneration.from_pretrained(output, dtype="auto").save_pretrained(output)
        (output / "pytorch_model.bin").unlink()


def _fetch(name: str, output: Path, wanted: Sequence[str]) -> None:
    # What can mend is tried again: the hub's client goes on where a download was cut off.
    for attempt in range(1, ATTEMPTS + 1):
        try:
            huggingface_hub.snapshot_download(name, local_dir=output, allow_patterns=list(wanted))
            return
        except (OSError, HfHubHTTPError) as error:
            if isinstance(error, RepositoryNotFoundError) or attempt == ATTEMPTS:
                reason = str(error).strip().partition("\n")[0] or type(error).__name__
                raise ConnectionError(
                    f"base_model.hub '{name}': cannot be had from the Hugging Face hub ({reason}); check the "
                    "name and HF_TOKEN, or put the model's folder here and give `base_model: {folder: …}`"
                ) from None
            logger.warning("attempt %d of %d failed: %s", attempt, ATTEMPTS, error)
            time.sleep(10 * attempt)


if "snakemake" in globals():
    with job(snakemake.log[0], snakemake.threads):
        main(f"{snakemake.wildcards.owner}/{snakemake.wildcards.model}", Path(snakemake.output[0]).parent)
