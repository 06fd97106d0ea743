"""What a configuration asks for: settings, figures, analyses, and the sentence pairs of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lslo.experiment.experiment import Experiment
from lslo.planning.corpus_sizes import SplitSizes
from lslo.planning.token_counts import NO_PAIRS, PairSums, pair_sums


@dataclass(frozen=True)
class Work:
    """Of an experiment. dev, devtest: sizes of its corpus."""

    experiment: Experiment
    dev: SplitSizes
    devtest: SplitSizes

    @cached_property
    def every_direction(self) -> PairSums:
        """Of `devtest`, every sentence in every direction."""
        return pair_sums(self.devtest.lengths)

    @cached_property
    def figure_directions(self) -> PairSums:
        """The same of Figure 3's directions, H2H and V2V."""
        classes = self.experiment.resource_classes
        groups = [[code for code, name in classes.items() if name == group] for group in "HV"]
        sums = [pair_sums(self.devtest.of(group)) for group in groups if len(group) > 1]
        return sum(sums, NO_PAIRS)

    @cached_property
    def bytes_of_a_sentence(self) -> float:
        """Mean of the references: what a hypothesis is taken to have."""
        return self.devtest.bytes / self.devtest.lengths.size

    @property
    def scoring_memory(self) -> float:
        """Bytes of main memory that the scores of a setting take: its translations, and ten counts of each.

        A Python string of FLORES-101 takes 1.4 times the bytes of its UTF-8.
        """
        return self.every_direction.pairs * (1.4 * self.bytes_of_a_sentence + 8 + 40)
