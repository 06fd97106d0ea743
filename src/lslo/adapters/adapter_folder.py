"""Adapters: the LSLo modules of a setting, on disk and in a model, and the counts of their parameters.

A folder holds `adapter.safetensors`, with one tensor a language and matrix named
`encoder.layers.0.self_attn.q_proj.{language}.A` ([r, k]) and `….B` ([d, r]), `adapter.json`, and the
hashes of both in `SHA256SUMS`. The folder of a fully fine-tuned model is that of a base model, with
`language_codes.json` and `SHA256SUMS` besides.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.layers import LSLoLinear
from lslo.adapters.placement import add_lslo, weight_matrices
from lslo.adapters.routing import Router
from lslo.adapters.weight_matrices import WeightMatrix
from lslo.base_model.loading import base_model_fingerprint, load_base_model
from lslo.experiment.languages import FOREIGN_CODE
from lslo.experiment.settings import MODULE_SETS
from lslo.files.checksums import check_checksums, write_checksums

WEIGHTS = "adapter.safetensors"
DESCRIPTION = "adapter.json"
# In the folder of a fully fine-tuned model, which has no description.
LANGUAGE_CODES = "language_codes.json"


def save_adapter(
    folder: Path,
    placed: Mapping[WeightMatrix, LSLoLinear],
    *,
    setting: str,
    ranks: Mapping[str, int],
    strategy: IndexStrategy,
    modules: str,
    base_model: Path | str,
    codes: Mapping[str, str] | None = None,
) -> None:
    """Write an adapter folder.

    ranks: rank of each language, in the order of the router. base_model: the folder it was trained on,
    whose fingerprint is kept so that the adapter is not put on another model. codes: the base model's code
    of each language that has another one there.
    """
    tensors = {}
    for matrix, module in placed.items():
        for index, language in enumerate(ranks):
            tensors[f"{matrix.path}.{language}.A"] = module.lslo.A_of(index).detach().contiguous()
            tensors[f"{matrix.path}.{language}.B"] = module.lslo.B_of(index).detach().contiguous()
    description = {
        "setting": setting,
        "ranks": dict(ranks),
        "codes": {language: (codes or {}).get(language, language) for language in ranks},
        "index_strategy": asdict(strategy),
        "modules": modules,
        "base_model_sha256": base_model_fingerprint(base_model),
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / WEIGHTS)
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n")
    write_checksums(folder)


def save_codes(folder: Path, codes: Mapping[str, str]) -> None:
    """Write `language_codes.json` into the folder of a fully fine-tuned model. codes: as `load_codes`."""
    (folder / LANGUAGE_CODES).write_text(json.dumps(dict(codes), indent=1) + "\n")


def load_codes(adapter: Path | str | None) -> dict[str, str]:
    """Language -> the base model's code of it, for the Tokenizer of an adapter (`en` -> `eng_Latn`).

    adapter: as `load_with_adapter` takes it, and checks it. Empty, which stands for the same codes, where
    none are kept: by the base model itself, and by adapters made before there were codes. Raises ValueError
    or FileNotFoundError naming the file at fault.
    """
    if adapter is None:
        return {}
    adapter = Path(adapter)
    if not (adapter / "model.safetensors").exists():
        return _read_description(adapter).codes
    file = adapter / LANGUAGE_CODES
    if not file.exists():
        return {}
    try:
        return _checked_codes(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: not the codes of languages ({error})") from None


def load_with_adapter(
    base_model: Path | str, adapter: Path | str | None
) -> tuple[M2M100ForConditionalGeneration, Router | None]:
    """The model of a setting, ready to translate.

    adapter: an adapter folder; the folder of a fully fine-tuned model; or None for the base model itself.
    Returns the model and, where it has LSLo modules, their router. Raises ValueError or FileNotFoundError
    naming the file at fault.
    """
    if adapter is None:
        return load_base_model(base_model), None
    adapter = Path(adapter)
    check_checksums(adapter)
    if (adapter / "model.safetensors").exists():
        return load_base_model(adapter), None
    description = _read_description(adapter)
    ranks, modules = description.ranks, description.modules
    if base_model_fingerprint(base_model) != description.fingerprint:
        raise ValueError(
            f"{adapter / DESCRIPTION}: the adapter was trained on another base model than {base_model}"
        )

    try:
        tensors = load_file(adapter / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{adapter / WEIGHTS}: cannot be read as safetensors ({error})") from None
    model = load_base_model(base_model)
    # Before modules of these ranks are made, which could be larger than memory.
    _check_tensors(adapter / WEIGHTS, tensors, _shapes(model, ranks, modules))
    try:
        router, placed = add_lslo(model, ranks, description.strategy, modules=modules)
    except ValueError as error:
        raise ValueError(f"{adapter / DESCRIPTION}: {error}") from None
    with torch.no_grad():
        for matrix, module in placed.items():
            for index, language in enumerate(ranks):
                module.lslo.A_of(index).copy_(tensors[f"{matrix.path}.{language}.A"])
                module.lslo.B_of(index).copy_(tensors[f"{matrix.path}.{language}.B"])
    return model.eval(), router


@dataclass(frozen=True)
class _Description:
    """What `adapter.json` says, checked. codes: empty where it has none. fingerprint: of the base model."""

    ranks: dict[str, int]
    codes: dict[str, str]
    strategy: IndexStrategy
    modules: str
    fingerprint: str


def _read_description(adapter: Path) -> _Description:
    """Raises ValueError or FileNotFoundError naming `adapter.json`."""
    file = adapter / DESCRIPTION
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        ranks, modules = _checked_ranks(content["ranks"]), content["modules"]
        codes = _checked_codes(content["codes"]) if "codes" in content else {}
        if codes and set(codes) != set(ranks):
            raise ValueError("'codes' must name the languages of 'ranks'")
        if modules not in MODULE_SETS:
            raise ValueError(f"'modules' must be one of {', '.join(MODULE_SETS)}")
        strategy = IndexStrategy.of(content["index_strategy"])
        return _Description(ranks, codes, strategy, modules, content["base_model_sha256"])
    except FileNotFoundError:
        raise FileNotFoundError(f"{file}: not there, so {adapter} is not an adapter folder") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{file}: not an adapter's description ({error})") from None


def _checked_codes(codes: Any) -> dict[str, str]:
    """Raises ValueError for what are no codes of languages."""
    if not isinstance(codes, dict) or not codes:
        raise ValueError("'codes' must name languages and the base model's codes of them")
    for language, code in codes.items():
        if not isinstance(code, str) or not FOREIGN_CODE.fullmatch(code):
            raise ValueError(
                f"the code of {language!r} must be letters, digits, '_' and '-', 100 characters at most"
            )
    return codes


def _checked_ranks(ranks: Any) -> dict[str, int]:
    """Raises ValueError for what are no ranks of languages."""
    if not isinstance(ranks, dict) or not any(ranks.values()):
        raise ValueError("'ranks' must name languages and their ranks")
    for language, rank in ranks.items():
        if type(rank) is not int or not 0 <= rank < 100_000:
            raise ValueError(f"the rank of {language!r} must be a whole number, at most 99999")
    return ranks


def _shapes(
    model: M2M100ForConditionalGeneration, ranks: Mapping[str, int], modules: str
) -> dict[str, tuple[int, int]]:
    """Name and shape of each tensor that an adapter of the model has."""
    shapes = {}
    for matrix in weight_matrices(model, modules):
        linear = model.model.get_submodule(matrix.path)
        for language, rank in ranks.items():
            shapes[f"{matrix.path}.{language}.A"] = (rank, linear.in_features)
            shapes[f"{matrix.path}.{language}.B"] = (linear.out_features, rank)
    return shapes


def _check_tensors(
    file: Path, tensors: Mapping[str, torch.Tensor], shapes: Mapping[str, tuple[int, int]]
) -> None:
    """Raises ValueError naming the tensor that is not as it should be."""
    for name, shape in shapes.items():
        if name not in tensors or tensors[name].shape != shape:
            raise ValueError(f"{file}: {name!r} is missing or not of shape {list(shape)}")
        if not tensors[name].is_floating_point() or not tensors[name].float().isfinite().all():
            raise ValueError(f"{file}: {name!r} has values that are no finite numbers")
    for name in tensors:
        if name not in shapes:
            raise ValueError(f"{file}: {name!r} has no place in the adapter")


def _save_model(
    model: M2M100ForConditionalGeneration, base_model: Path, codes: Mapping[str, str], folder: Path
) -> None:
    """The whole model with the base model's tokenizer and codes of the languages beside it, so that the
    folder can be used alone."""
    model.save_pretrained(folder)
    save_codes(folder, codes)
    for file in sorted(base_model.iterdir()):
        if file.is_file() and not (folder / file.name).exists():
            shutil.copyfile(file, folder / file.name)
    write_checksums(folder)
