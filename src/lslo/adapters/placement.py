"""Which weight matrices LSLo modules are put on, and putting them there.

The paper's names (Section 6.1): q, k, v of self-attention, c-q, c-k, c-v of cross-attention, fc1 and fc2.
"""

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
    """Layers of `encoder` or `decoder`."""
    return len(getattr(model.model, side).layers)


def weight_matrices(model: M2M100ForConditionalGeneration, modules: str = "all") -> list[WeightMatrix]:
    """The matrices that get an LSLo, encoder first, bottom layer first. modules: `all` or `fc`."""
    return [
        WeightMatrix(side, layer, module)
        for side in SIDES
        for layer in range(1, number_of_layers(model, side) + 1)
        for module in MODULES[side]
        if modules == "all" or module in ("fc1", "fc2")
    ]


def _freeze(model: M2M100ForConditionalGeneration) -> None:
    for parameter in model.parameters():
        parameter.requires_grad_(False)


def _replace(model: M2M100ForConditionalGeneration, matrix: WeightMatrix, module: nn.Module) -> None:
    parent, _, name = matrix.path.rpartition(".")
    setattr(model.model.get_submodule(parent), name, module)


def add_lslo(
    model: M2M100ForConditionalGeneration,
    ranks: Mapping[str, int],
    strategy: IndexStrategy,
    *,
    modules: str = "all",
    seed: int = 0,
) -> tuple[Router, dict[WeightMatrix, LSLoLinear]]:
    """Freeze the model and put an LSLo on its matrices, in place.

    ranks: rank of each language. strategy: source or target for each layer. modules: `all` or `fc`.
    seed: determines the A matrices. Raises ValueError where the strategy's layers are not the model's.
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
    """Freeze the model and put a source- and a target-indexed LSLo on every matrix (Section 6.1), in place.

    rank: the same for all languages. Returns the router and each layer's weights by (side, layer from 1).
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
