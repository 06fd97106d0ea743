"""Folders of adapters and of fully fine-tuned models: written after a training, loaded to translate.

An adapter folder holds `adapter.safetensors`, `adapter.json` (see `adapter_description`), and the hashes of
both in `SHA256SUMS`. `adapter.safetensors` has two tensors for each language and weight matrix, which are
named `encoder.layers.0.self_attn.q_proj.{language}.A` ([r, k]) and `….B` ([d, r]).

The folder of a fully fine-tuned model is that of a base model, with `language_codes.json` and `SHA256SUMS`
besides.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.adapter_description import DESCRIPTION, AdapterDescription, checked_codes
from lslo.adapters.layers import LSLoLinear
from lslo.adapters.placement import add_lslo, weight_matrices
from lslo.adapters.routing import Router
from lslo.adapters.weight_matrices import WeightMatrix
from lslo.base_model.file_names import MODEL_WEIGHTS
from lslo.base_model.loading import base_model_fingerprint, load_base_model
from lslo.files.checksums import check_checksums, write_checksums

WEIGHTS = "adapter.safetensors"
# A fully fine-tuned model has its languages' codes in this file. An adapter has them in its description.
LANGUAGE_CODES = "language_codes.json"


def save_adapter(
    folder: Path, placed: Mapping[WeightMatrix, LSLoLinear], description: AdapterDescription
) -> None:
    """Writes an adapter folder.

    Args:
        folder: The folder, which is made where it does not exist.
        placed: The LSLo modules of the model, by the matrix that each is put on.
        description: The description of the adapter.
    """
    tensors = {}
    for matrix, module in placed.items():
        for index, language in enumerate(description.ranks):
            tensors[f"{matrix.path}.{language}.A"] = module.lslo.A_of(index).detach().contiguous()
            tensors[f"{matrix.path}.{language}.B"] = module.lslo.B_of(index).detach().contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / WEIGHTS)
    description.write(folder)
    write_checksums(folder)


def save_full_model(
    model: M2M100ForConditionalGeneration, base_model: Path, codes: Mapping[str, str], folder: Path
) -> None:
    """Writes the folder of a fully fine-tuned model, which can be used without the base model's.

    Args:
        model: The whole model.
        base_model: The base model's folder, whose tokenizer is copied.
        codes: The base model's code of each language.
        folder: The folder to write to, which is made where it does not exist.
    """
    model.save_pretrained(folder)
    save_codes(folder, codes)
    for file in sorted(base_model.iterdir()):
        if file.is_file() and not (folder / file.name).exists():
            shutil.copyfile(file, folder / file.name)
    write_checksums(folder)


def save_codes(folder: Path, codes: Mapping[str, str]) -> None:
    """Writes `language_codes.json`, with the base model's code of each language, into a model's folder."""
    (folder / LANGUAGE_CODES).write_text(json.dumps(dict(codes), indent=1) + "\n")


def load_codes(adapter: Path | str | None) -> dict[str, str]:
    """Reads the base model's code of each language, as the Tokenizer needs them to use an adapter.

    Args:
        adapter: The same folder or None as for `load_with_adapter`, which also checks the folder.

    Returns:
        Language -> code, such as `en` -> `eng_Latn`. It is empty where no codes are kept: for the base model
        itself, and for adapters made before there were codes. All languages then go by the model's codes.

    Raises:
        FileNotFoundError: Names the missing file.
        ValueError: Names the file at fault.
    """
    if adapter is None:
        return {}
    adapter = Path(adapter)
    if not (adapter / MODEL_WEIGHTS).exists():
        return dict(AdapterDescription.read(adapter).codes)
    file = adapter / LANGUAGE_CODES
    if not file.exists():
        return {}
    try:
        return checked_codes(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: not the codes of languages ({error})") from None


def load_with_adapter(
    base_model: Path | str, adapter: Path | str | None
) -> tuple[M2M100ForConditionalGeneration, Router | None]:
    """Loads the model of a setting, ready to translate.

    Args:
        base_model: The folder of the base model.
        adapter: An adapter folder, the folder of a fully fine-tuned model, or None for the base model itself.

    Returns:
        The model, and the router of its LSLo modules, or None where it has none.

    Raises:
        FileNotFoundError: Names the missing file.
        ValueError: Names the file at fault.
    """
    if adapter is None:
        return load_base_model(base_model), None
    adapter = Path(adapter)
    check_checksums(adapter)
    if (adapter / MODEL_WEIGHTS).exists():
        return load_base_model(adapter), None
    description = AdapterDescription.read(adapter)
    if base_model_fingerprint(base_model) != description.base_model_sha256:
        raise ValueError(
            f"{adapter / DESCRIPTION}: the adapter was trained on another base model than {base_model}"
        )

    try:
        tensors = load_file(adapter / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{adapter / WEIGHTS}: cannot be read as safetensors ({error})") from None
    model = load_base_model(base_model)
    # Checked before modules are made: the ranks of a wrong description could ask for more than the memory.
    _check_tensors(adapter / WEIGHTS, tensors, _shapes(model, description))
    try:
        router, placed = add_lslo(model, description.ranks, description.strategy, modules=description.modules)
    except ValueError as error:
        raise ValueError(f"{adapter / DESCRIPTION}: {error}") from None
    with torch.no_grad():
        for matrix, module in placed.items():
            for index, language in enumerate(description.ranks):
                module.lslo.A_of(index).copy_(tensors[f"{matrix.path}.{language}.A"])
                module.lslo.B_of(index).copy_(tensors[f"{matrix.path}.{language}.B"])
    return model.eval(), router


def _shapes(
    model: M2M100ForConditionalGeneration, description: AdapterDescription
) -> dict[str, tuple[int, int]]:
    """Returns the name and shape of each tensor that an adapter of the model must have."""
    shapes = {}
    for matrix in weight_matrices(model, description.modules):
        linear = model.model.get_submodule(matrix.path)
        for language, rank in description.ranks.items():
            shapes[f"{matrix.path}.{language}.A"] = (rank, linear.in_features)
            shapes[f"{matrix.path}.{language}.B"] = (linear.out_features, rank)
    return shapes


def _check_tensors(
    file: Path, tensors: Mapping[str, torch.Tensor], shapes: Mapping[str, tuple[int, int]]
) -> None:
    """Checks that a file has the right tensors, all of finite numbers, and no others.

    Raises:
        ValueError: Names the file and the first tensor that is not as it should be.
    """
    for name, shape in shapes.items():
        if name not in tensors or tensors[name].shape != shape:
            raise ValueError(f"{file}: {name!r} is missing or not of shape {list(shape)}")
        if not tensors[name].is_floating_point() or not tensors[name].float().isfinite().all():
            raise ValueError(f"{file}: {name!r} has values that are no finite numbers")
    for name in tensors:
        if name not in shapes:
            raise ValueError(f"{file}: {name!r} has no place in the adapter")
