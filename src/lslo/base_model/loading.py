"""Base models from and to a folder in Hugging Face's form."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from transformers import M2M100ForConditionalGeneration

from lslo.errors import one_line


def load_base_model(folder: Path | str, dtype: torch.dtype = torch.float32) -> M2M100ForConditionalGeneration:
    """The model of a folder, for inference.

    Raises FileNotFoundError naming the file that is missing, ValueError for a model that is not whole.
    """
    folder = Path(folder)
    for name in ("config.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder / name}: the base model has no such file; give the folder that has it"
            )
    try:
        model, found = M2M100ForConditionalGeneration.from_pretrained(
            folder, local_files_only=True, dtype=dtype, use_safetensors=True, output_loading_info=True
        )
    # Of what kind depends on where transformers stumbles over the files.
    except Exception as error:
        raise ValueError(
            f"{folder}: not an M2M100 or NLLB model that transformers can load ({one_line(repr(error))})"
        ) from None
    # transformers fills up what is missing with random numbers.
    if found["missing_keys"]:
        raise ValueError(
            f"{folder / 'model.safetensors'}: has no tensor '{min(found['missing_keys'])}', "
            f"which {folder / 'config.json'} asks for"
        )
    for name, parameter in model.named_parameters():
        if not parameter.isfinite().all():
            raise ValueError(
                f"{folder / 'model.safetensors'}: '{name}' has values that are no finite numbers"
            )
    return model.eval()


def base_model_fingerprint(folder: Path | str) -> str:
    """SHA-256 over the weights and the configuration: an adapter belongs to one base model."""
    digest = hashlib.sha256()
    for name in ("config.json", "model.safetensors"):
        digest.update((Path(folder) / name).read_bytes())
    return digest.hexdigest()
