"""Loading of base models from folders in Hugging Face's format."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import M2M100ForConditionalGeneration

from lslo.base_model.file_names import MODEL_CONFIG, MODEL_WEIGHTS
from lslo.errors import one_line
from lslo.files.checksums import contents_sha256


def load_base_model(folder: Path | str, dtype: torch.dtype = torch.float32) -> M2M100ForConditionalGeneration:
    """Loads a base model, in evaluation mode.

    Args:
        folder: The folder with `config.json` and `model.safetensors`.
        dtype: The dtype of the weights.

    Raises:
        FileNotFoundError: Names the missing file.
        ValueError: transformers cannot load the model, a tensor is missing, or a number is not finite.
    """
    folder = Path(folder)
    for name in (MODEL_CONFIG, MODEL_WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder / name}: the base model has no such file; give the folder that has it"
            )
    try:
        model, found = M2M100ForConditionalGeneration.from_pretrained(
            folder, local_files_only=True, dtype=dtype, use_safetensors=True, output_loading_info=True
        )
    # Any kind of exception: it depends on where transformers stumbles over the files.
    except Exception as error:
        raise ValueError(
            f"{folder}: not an M2M100 or NLLB model that transformers can load ({one_line(repr(error))})"
        ) from None
    # transformers fills missing tensors with random numbers.
    if found["missing_keys"]:
        raise ValueError(
            f"{folder / MODEL_WEIGHTS}: has no tensor '{min(found['missing_keys'])}', "
            f"which {folder / MODEL_CONFIG} asks for"
        )
    for name, parameter in model.named_parameters():
        if not parameter.isfinite().all():
            raise ValueError(f"{folder / MODEL_WEIGHTS}: '{name}' has values that are no finite numbers")
    return model.eval()


def base_model_fingerprint(folder: Path | str) -> str:
    """Returns the SHA-256 over configuration and weights, which ties an adapter to its base model."""
    return contents_sha256(Path(folder) / name for name in (MODEL_CONFIG, MODEL_WEIGHTS))
