"""Placement of LSLo modules on the weight matrices of a base model (Section 6.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.layers import LayerWeights, LSLo, LSLoLinear, WeightedLSLoLinear
from lslo.adapters.routing import Router
from lslo.adapters.weight_matrices import MODULES, SIDES, WeightMatrix


def number_of_layers(model: M2M100ForConditionalGeneration, side: str) -> int:
    """Returns the number of layers of a model's `encoder` or `decoder`."""
    return len(getattr(model.model, side).layers)


def weight_matrices(model: M2M100ForConditionalGeneration, modules: str = "all") -> list[WeightMatrix]:
    """Lists the matrices that get an LSLo module: encoder first, bottom layer first.

    Args:
        model: The base model.
        modules: `all` matrices, or `fc` for fc1 and fc2 only.
    """
    return [
        WeightMatrix(side, layer, module)
        for side in SIDES
        for layer in range(1, number_of_layers(model, side) + 1)
        for module in MODULES[side]
        if modules == "all" or module in ("fc1", "fc2")
    ]


def add_lslo(
    model: M2M100ForConditionalGeneration,
    ranks: Mapping[str, int],
    strategy: IndexStrategy,
    *,
    modules: str = "all",
    seed: int = 0,
) -> tuple[Router, dict[WeightMatrix, LSLoLinear]]:
    """Freezes a base model and puts an LSLo module on each of its weight matrices, in place.

    Args:
        model: The base model.
        ranks: The rank of each language.
        strategy: The language, source or target, that each layer's modules follow.
        modules: `all` matrices, or `fc` for fc1 and fc2 only.
        seed: The seed of the A matrices.

    Returns:
        The router of the modules, whose languages are in the order of `ranks`, and the modules by matrix.

    Raises:
        ValueError: The strategy and the model have different numbers of layers.
    """
    for side in SIDES:
        layers = number_of_layers(model, side)
        if len(getattr(strategy, side)) != layers:
            raise ValueError(
                f"the index strategy has {len(getattr(strategy, side))} {side} layers, "
                f"the base model has {layers}"
            )
    _freeze(model)
    router = Router(list(ranks))
    generator = torch.Generator().manual_seed(seed)
    placed = {}
    for matrix in weight_matrices(model, modules):
        base = model.model.get_submodule(matrix.path)
        lslo = LSLo(base.in_features, base.out_features, list(ranks.values()), generator=generator)
        placed[matrix] = LSLoLinear(base, lslo, strategy.index(matrix.side, matrix.layer), router)
        _replace(model, matrix, placed[matrix])
    return router, placed


def add_weighted_lslo(
    model: M2M100ForConditionalGeneration, languages: Sequence[str], rank: int, *, seed: int = 0
) -> tuple[Router, dict[tuple[str, int], LayerWeights]]:
    """Freezes a base model and puts a source- and a target-indexed LSLo on every weight matrix, in place.

    Weight learning (Sections 4.1 and 6.1) trains this model.

    Args:
        model: The base model.
        languages: The languages' codes, in the order of the router's indices.
        rank: The rank of every language.
        seed: The seed of the A matrices.

    Returns:
        The router of the modules, and each layer's weights by (side, layer counted from 1).
    """
    _freeze(model)
    router = Router(languages)
    generator = torch.Generator().manual_seed(seed)
    weights: dict[tuple[str, int], LayerWeights] = {}
    for matrix in weight_matrices(model):
        base = model.model.get_submodule(matrix.path)
        layer_weights = weights.setdefault((matrix.side, matrix.layer), LayerWeights())
        source, target = (
            LSLo(base.in_features, base.out_features, [rank] * len(languages), generator=generator)
            for _ in range(2)
        )
        _replace(model, matrix, WeightedLSLoLinear(base, source, target, layer_weights, router))
    return router, weights


def _freeze(model: M2M100ForConditionalGeneration) -> None:
    for parameter in model.parameters():
        parameter.requires_grad_(False)


def _replace(model: M2M100ForConditionalGeneration, matrix: WeightMatrix, module: nn.Module) -> None:
    parent, _, name = matrix.path.rpartition(".")
    setattr(model.model.get_submodule(parent), name, module)
