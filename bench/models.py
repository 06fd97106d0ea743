"""Models with LSLo: random adapters, and a base model with one direction's LSLo merged into its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.adapter_description import AdapterDescription
from lslo.adapters.adapter_folder import WEIGHTS, load_with_adapter, save_adapter
from lslo.adapters.index_strategy import SOURCE, TARGET, IndexStrategy
from lslo.adapters.placement import add_lslo, number_of_layers, weight_matrices
from lslo.adapters.routing import Router
from lslo.base_model.loading import base_model_fingerprint, load_base_model


def strategy_as_learned(encoder_layers: int, decoder_layers: int) -> IndexStrategy:
    """Returns the index strategy that weight learning finds.

    The top third of the encoder and the whole decoder listen to the target language, the rest to the source
    language.
    """
    target = encoder_layers // 3
    return IndexStrategy(
        (SOURCE,) * (encoder_layers - target) + (TARGET,) * target, (TARGET,) * decoder_layers
    )


def write_adapter(
    folder: Path, base_model: Path, setting: str, ranks: Mapping[str, int], scale: float
) -> None:
    """Writes an adapter with random weights.

    A is Gaussian, as at the start of training. B is Gaussian too instead of zero, so that every language has
    translations of its own.

    Args:
        folder: The folder to write to.
        base_model: The folder of the base model.
        setting: The adapter's setting, such as `2;2;8`.
        ranks: The rank of each language.
        scale: The standard deviation of B.
    """
    model = load_base_model(base_model)
    strategy = strategy_as_learned(number_of_layers(model, "encoder"), number_of_layers(model, "decoder"))
    _, placed = add_lslo(model, ranks, strategy)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in placed.values():
            for index in range(len(ranks)):
                B = module.lslo.B_of(index)
                B.copy_(scale * torch.randn(B.shape, generator=generator))
    save_adapter(
        folder,
        placed,
        AdapterDescription(
            setting=setting,
            ranks=ranks,
            strategy=strategy,
            modules="all",
            base_model_sha256=base_model_fingerprint(base_model),
        ),
    )


def load_adapted(base_model: Path, adapter: Path) -> tuple[M2M100ForConditionalGeneration, Router]:
    """Loads a base model with LSLo modules, as `lslo translate` does."""
    return load_with_adapter(base_model, adapter)


class Merger:
    """A base model that has the LSLo of one direction at a time merged into its weights: W + B_l A_l.

    Every engine without LSLo modules has to merge. The base model's weights W are kept, so that rounding
    errors do not add up over directions.

    Args:
        base_model: The folder of the base model.
        adapter: The folder of the adapter.
        device: The device for the model.
    """

    def __init__(self, base_model: Path, adapter: Path, device: torch.device | str = "cpu"):
        self.model = load_base_model(base_model).to(device)
        self.model.requires_grad_(False)
        strategy = strategy_as_learned(
            number_of_layers(self.model, "encoder"), number_of_layers(self.model, "decoder")
        )
        self._matrices = {
            matrix.path: strategy.index(matrix.side, matrix.layer) for matrix in weight_matrices(self.model)
        }
        self._base = {path: self._weight(path).clone() for path in self._matrices}
        self._adapter = {name: tensor.to(device) for name, tensor in load_file(adapter / WEIGHTS).items()}

    def _weight(self, path: str) -> Tensor:
        return self.model.model.get_submodule(path).weight

    def merge(self, direction: Sequence[str]) -> M2M100ForConditionalGeneration:
        """Merges the LSLo of a direction (source, target) and returns the model, always the same object."""
        source, target = direction
        for path, index in self._matrices.items():
            language = source if index == SOURCE else target
            A, B = (self._adapter[f"{path}.{language}.{name}"] for name in "AB")
            torch.addmm(self._base[path], B, A, out=self._weight(path).data)
        return self.model
