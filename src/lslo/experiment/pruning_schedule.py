"""The Gradual Pruning Schedule (Equation 6, Appendix A): the pruning ratio of each epoch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GradualPruningSchedule:
    """The Gradual Pruning Schedule: the pruning ratio of each epoch, counted from 1 (Equation 6, Table 3).

    Attributes:
        ratio: P, the final ratio.
        start: E, the last epoch without pruning.
        duration: k, the number of epochs over which the ratio grows to P.
    """

    ratio: float
    start: int
    duration: int

    def ratio_at(self, epoch: int) -> float:
        """Returns 0 up to epoch E, then P − P(1 − (e − E)/k)³, and P from epoch E + k on."""
        if epoch <= self.start:
            return 0.0
        if epoch >= self.start + self.duration:
            return self.ratio
        return self.ratio - self.ratio * (1 - (epoch - self.start) / self.duration) ** 3
