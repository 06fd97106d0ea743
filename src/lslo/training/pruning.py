"""Magnitude pruning while training, by the Gradual Pruning Schedule (Appendix A, Equation 6).

L1Unstructured of `torch.nn.utils.prune` computes the masks. PyTorch's reparametrisation (`weight_orig`,
`weight_mask`) is not used: the parameters A and B hold all languages' matrices and only some of them are
pruned, so a mask belongs to some rows of a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.prune import L1Unstructured

from lslo.experiment.pruning_schedule import GradualPruningSchedule


@dataclass(frozen=True)
class PrunedMatrix:
    """A language's A or B: some rows of a parameter.

    Attributes:
        parameter: A or B of all languages, one below the other.
        rows: The rows of the language.
    """

    parameter: nn.Parameter
    rows: slice

    def values(self) -> Tensor:
        """Returns a view of the weights."""
        return self.parameter.data[self.rows]

    @property
    def size(self) -> int:
        """The number of weights."""
        return self.values().numel()


class GradualPruner:
    """Pruning of groups of matrices by magnitude, each group as a whole, to a ratio that grows by epoch.

    Which matrices form a group distinguishes GPS, ISE and LSP (`lslo.recipes.pruning_groups`).

    A pruned weight stays zero: its gradient is zeroed before the optimizer's step, and the weight itself
    after the step, since Adam's momentum would move it.

    Attributes:
        groups: The matrices of each group.
        schedule: The pruning ratio of each epoch.
    """

    def __init__(self, groups: Sequence[Sequence[PrunedMatrix]], schedule: GradualPruningSchedule):
        self.groups = [list(group) for group in groups]
        self.schedule = schedule
        self._masks: dict[int, Tensor] = {}
        self._parameters: dict[int, nn.Parameter] = {}
        for group in self.groups:
            for matrix in group:
                key = id(matrix.parameter)
                self._parameters[key] = matrix.parameter
                self._masks.setdefault(key, torch.ones_like(matrix.parameter))

    def mask(self, matrix: PrunedMatrix) -> Tensor:
        """Returns a view of the mask of a matrix: 1 where a weight is kept, 0 where it is pruned."""
        return self._masks[id(matrix.parameter)][matrix.rows]

    def pruned(self, matrix: PrunedMatrix) -> int:
        """Returns the number of pruned weights of a matrix."""
        return matrix.size - int(self.mask(matrix).sum())

    @property
    def masks(self) -> list[Tensor]:
        """The masks of all parameters that a group has matrices of, in a fixed order."""
        return list(self._masks.values())

    def to(self, device: torch.device) -> None:
        """Moves the masks to a device, as `Module.to` moves the parameters."""
        self._masks = {key: mask.to(device) for key, mask in self._masks.items()}

    def start_epoch(self, epoch: int) -> None:
        """Prunes every group to the schedule's ratio of an epoch (counted from 1)."""
        ratio = self.schedule.ratio_at(epoch)
        if ratio == 0:
            return
        for group in self.groups:
            weights = torch.cat([matrix.values().flatten() for matrix in group])
            mask = torch.cat([self.mask(matrix).flatten() for matrix in group])
            # What is pruned stays pruned: only kept weights are candidates, as in PyTorch's PruningContainer.
            # Magnitude alone would not tell them apart, because kept weights can be exactly zero too.
            kept = mask.bool()
            more = round(ratio * len(weights)) - int((~kept).sum())
            if more > 0:
                candidates = weights[kept]
                method = L1Unstructured(amount=more)
                mask[kept] = method.compute_mask(candidates, default_mask=torch.ones_like(candidates))
            for matrix, part in zip(group, mask.split([matrix.size for matrix in group]), strict=True):
                self.mask(matrix).copy_(part.view_as(matrix.values()))
        self.mask_weights()

    def mask_gradients(self) -> None:
        """Zeroes the gradients of pruned weights; called before the optimizer's step."""
        for key, parameter in self._parameters.items():
            if parameter.grad is not None:
                parameter.grad.mul_(self._masks[key])

    def mask_weights(self) -> None:
        """Zeroes the pruned weights; called after the optimizer's step."""
        for key, parameter in self._parameters.items():
            parameter.data.mul_(self._masks[key])
