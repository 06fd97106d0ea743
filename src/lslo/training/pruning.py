"""The Gradual Pruning Schedule (Appendix A, Equation 6) and magnitude pruning while training.

The masks are those of `torch.nn.utils.prune`: its L1Unstructured computes them. Its reparametrisation
(`weight_orig`, `weight_mask`) is not used, because A and B hold all languages' matrices and only some of
them are pruned; a mask here belongs to a slice of a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.prune import L1Unstructured

from lslo.experiment.hyperparameters import GradualPruningSchedule


@dataclass(frozen=True)
class PrunedMatrix:
    """A language's A or B: some rows of a parameter."""

    parameter: nn.Parameter
    rows: slice

    def values(self) -> Tensor:
        """A view of the weights."""
        return self.parameter.data[self.rows]

    @property
    def size(self) -> int:
        """Number of weights."""
        return self.values().numel()


class GradualPruner:
    """Prunes groups of matrices by magnitude, each group as a whole, to a ratio that grows by epoch.

    groups: the matrices of each group. GPS (Section 3.2) has one matrix a group; ISE groups the B matrices
    of one layer (Section 4.2), LSP those of one language (Section 7.2).

    A weight once pruned stays zero: its gradient is zeroed before the optimizer's step and it is
    zeroed again after it, since Adam's momentum would move it.
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
        """1 where a weight of the matrix is kept, 0 where it is pruned; a view."""
        return self._masks[id(matrix.parameter)][matrix.rows]

    def pruned(self, matrix: PrunedMatrix) -> int:
        """Number of weights of the matrix that are pruned."""
        return matrix.size - int(self.mask(matrix).sum())

    @property
    def masks(self) -> list[Tensor]:
        """The masks of all parameters that have a pruned matrix, in a fixed order."""
        return list(self._masks.values())

    @property
    def pruned_ratio(self) -> float:
        """Share of the groups' weights that are pruned."""
        size = sum(matrix.size for group in self.groups for matrix in group)
        return sum(self.pruned(matrix) for group in self.groups for matrix in group) / size

    def start_epoch(self, epoch: int) -> None:
        """Prune every group to the schedule's ratio of this epoch (counted from 1)."""
        ratio = self.schedule.ratio_at(epoch)
        if ratio == 0:
            return
        for group in self.groups:
            weights = torch.cat([matrix.values().flatten() for matrix in group])
            mask = torch.cat([self.mask(matrix).flatten() for matrix in group])
            # What is pruned stays so: only weights still there are candidates, as in PyTorch's
            # PruningContainer. Kept weights can be exactly zero too, so magnitude alone would not tell.
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
        """Zero the gradients of pruned weights; called before the optimizer's step."""
        for key, parameter in self._parameters.items():
            if parameter.grad is not None:
                parameter.grad.mul_(self._masks[key])

    def mask_weights(self) -> None:
        """Zero the pruned weights; called after the optimizer's step."""
        for key, parameter in self._parameters.items():
            parameter.data.mul_(self._masks[key])
