"""Models of the Hugging Face hub, fetched as folders whose weights are safetensors."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from transformers import M2M100ForConditionalGeneration

ATTEMPTS = 3
# Seconds before the second attempt; the third waits twice as long.
WAIT = 10
SAFETENSORS = "model.safetensors"
PICKLE = "pytorch_model.bin"

logger = logging.getLogger(__name__)


def fetch_hub_model(name: str, folder: Path) -> None:
    """Fetches a model into a folder: its weights, its configuration and its tokenizer.

    Args:
        name: The model on the hub, `owner/model`.
        folder: The folder to download to. An interrupted download is continued there.

    Raises:
        ConnectionError: The hub cannot be reached, or has no such model for this user.
    """
    _fetch(name, folder, ["*.json", "*.model", SAFETENSORS])
    if not (folder / SAFETENSORS).exists():
        _fetch(name, folder, [PICKLE])
        _convert_pickle(folder)


def _convert_pickle(folder: Path) -> None:
    """Replaces the pickle of an older model by safetensors.

    transformers reads the pickle with `weights_only=True`, so that no code in it is run.
    """
    M2M100ForConditionalGeneration.from_pretrained(folder, dtype="auto").save_pretrained(folder)
    (folder / PICKLE).unlink()


def _fetch(name: str, folder: Path, patterns: Sequence[str]) -> None:
    """Fetches the files of a model that match the patterns, in several attempts if need be."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            huggingface_hub.snapshot_download(name, local_dir=folder, allow_patterns=list(patterns))
            return
        except (OSError, HfHubHTTPError) as error:
            # Another attempt cannot mend a wrong name.
            if isinstance(error, RepositoryNotFoundError) or attempt == ATTEMPTS:
                reason = str(error).strip().partition("\n")[0] or type(error).__name__
                raise ConnectionError(
                    f"base_model.hub '{name}': cannot be had from the Hugging Face hub ({reason}); check the "
                    "name and HF_TOKEN, or put the model's folder here and give `base_model: {folder: …}`"
                ) from None
            logger.warning("attempt %d of %d failed: %s", attempt, ATTEMPTS, error)
            time.sleep(WAIT * attempt)
