"""How many parameters a setting trains and keeps, in three ways of counting."""

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
    """#Params of a setting in three ways.

    true: numbers stored (Equation 3: r (d + k) a language and matrix). nonzero: those of them that are
    not zero. paper: the convention of the paper's tables, 2·d_model·r for every module, fc1 and fc2 too.
    """

    true: int
    nonzero: int
    paper: int

    def write(self, path: Path | str) -> None:
        """Write `parameters.json`."""
        Path(path).write_text(json.dumps(asdict(self), indent=1) + "\n")


def count_adapter(placed: Mapping[WeightMatrix, LSLoLinear], model_dimension: int) -> ParameterCounts:
    """Counts of a set of LSLo modules. model_dimension: d_model of the base model."""
    tensors = [tensor for module in placed.values() for tensor in (module.lslo.A, module.lslo.B)]
    return ParameterCounts(
        true=sum(tensor.numel() for tensor in tensors),
        nonzero=sum(int(tensor.count_nonzero()) for tensor in tensors),
        paper=sum(2 * model_dimension * sum(module.lslo.ranks) for module in placed.values()),
    )


def count_model(model: M2M100ForConditionalGeneration) -> ParameterCounts:
    """Counts of a fully fine-tuned model: its size, in all three ways."""
    size = sum(parameter.numel() for parameter in model.parameters())
    return ParameterCounts(size, size, size)
