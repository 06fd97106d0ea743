"""Base models from and to a folder in Hugging Face's form."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from transformers import M2M100ForConditionalGeneration


def load_base_model(folder: Path | str, dtype: torch.dtype = torch.float32) -> M2M100ForConditionalGeneration:
    """The model of a folder, for inference. Raises FileNotFoundError naming what is missing."""
    folder = Path(folder)
    for name in ("config.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder / name}: the base model has no such file; set `base_model` to its folder"
            )
    return M2M100ForConditionalGeneration.from_pretrained(
        folder, local_files_only=True, dtype=dtype, use_safetensors=True
    ).eval()


def base_model_fingerprint(folder: Path | str) -> str:
    """SHA-256 over the weights and the configuration: an adapter belongs to one base model."""
    digest = hashlib.sha256()
    for name in ("config.json", "model.safetensors"):
        digest.update((Path(folder) / name).read_bytes())
    return digest.hexdigest()
