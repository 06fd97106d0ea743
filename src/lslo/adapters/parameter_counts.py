"""The number of parameters that a setting trains and keeps, counted in three ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from transformers import M2M100ForConditionalGeneration

from lslo.adapters.layers import LSLoLinear
from lslo.adapters.weight_matrices import WeightMatrix


@dataclass(frozen=True)
class ParameterCounts:
    """The number of parameters of a setting (#Params), counted in three ways.

    Attributes:
        true: The number of stored parameters. By Equation 3 a language has r (d + k) for each matrix [d, k].
        nonzero: The number of stored parameters that are not zero; pruning makes zeros.
        paper: The count by the convention of the paper's tables, which is 2·d_model·r for every module,
            fc1 and fc2 included.
    """

    true: int
    nonzero: int
    paper: int

    def write(self, path: Path | str) -> None:
        """Writes `parameters.json`."""
        Path(path).write_text(json.dumps(asdict(self), indent=1) + "\n")


def count_adapter(placed: Mapping[WeightMatrix, LSLoLinear], model_dimension: int) -> ParameterCounts:
    """Counts the parameters of a model's LSLo modules.

    Args:
        placed: The modules, by the matrix that each is put on.
        model_dimension: d_model of the base model.
    """
    tensors = [tensor for module in placed.values() for tensor in (module.lslo.A, module.lslo.B)]
    return ParameterCounts(
        true=sum(tensor.numel() for tensor in tensors),
        nonzero=sum(int(tensor.count_nonzero()) for tensor in tensors),
        paper=sum(2 * model_dimension * sum(module.lslo.ranks) for module in placed.values()),
    )


def count_model(model: M2M100ForConditionalGeneration) -> ParameterCounts:
    """Counts the parameters of a fully fine-tuned model: its size, in all three ways."""
    size = sum(parameter.numel() for parameter in model.parameters())
    return ParameterCounts(size, size, size)
