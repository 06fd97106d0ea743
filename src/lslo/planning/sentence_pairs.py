"""The sentence pairs that an experiment trains on and translates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lslo.experiment.experiment import Experiment
from lslo.planning.corpus_sizes import SplitSizes
from lslo.planning.token_counts import NO_PAIRS, PairSums, pair_sums


@dataclass(frozen=True)
class SentencePairs:
    """The sentence pairs that an experiment trains on and translates.

    Attributes:
        experiment: The experiment.
        dev: The sizes of `dev`, which is trained on.
        devtest: The sizes of `devtest`, which is translated.
    """

    experiment: Experiment
    dev: SplitSizes
    devtest: SplitSizes

    @cached_property
    def training_sums(self) -> PairSums:
        """The sums over one epoch of ISE, LSP and fine-tuning: every row of `dev` in every direction."""
        return pair_sums(self.dev.lengths)

    @cached_property
    def weight_learning_sums(self) -> PairSums:
        """The sums over one epoch of weight learning, which may use some of the languages only."""
        return pair_sums(self.dev.lengths_of(self.experiment.strategy_languages))

    @cached_property
    def translation_sums(self) -> PairSums:
        """The sums over the translations of a setting: every row of `devtest` in every direction."""
        return pair_sums(self.devtest.lengths)

    @cached_property
    def figure3_sums(self) -> PairSums:
        """The sums over Figure 3's translations after one epoch: `devtest` in the directions H2H and V2V."""
        classes = self.experiment.resource_classes
        groups = [[code for code, name in classes.items() if name == group] for group in "HV"]
        sums = [pair_sums(self.devtest.lengths_of(group)) for group in groups if len(group) > 1]
        return sum(sums, NO_PAIRS)

    @cached_property
    def bytes_per_translation(self) -> float:
        """The mean size of a reference in bytes, which a translation is assumed to have too."""
        return self.devtest.bytes / self.devtest.lengths.size
