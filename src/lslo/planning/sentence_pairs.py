"""What a configuration asks for: settings, figures, analyses, and the sentence pairs of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lslo.experiment.config import Experiment
from lslo.experiment.settings import PRETRAIN, Setting
from lslo.planning.corpus_sizes import SplitSizes
from lslo.planning.token_counts import NO_PAIRS, PairSums, pair_sums


@dataclass(frozen=True)
class Work:
    """Of an experiment. dev, devtest: sizes of its corpus."""

    experiment: Experiment
    dev: SplitSizes
    devtest: SplitSizes

    @cached_property
    def config(self) -> dict:
        """The configuration."""
        return self.experiment.config

    @cached_property
    def settings(self) -> list[str]:
        """Settings that are scored: those of the tables, and the base model, which is Figure 3's epoch 0."""
        first = [] if PRETRAIN in self.experiment.settings or not self.followed else [PRETRAIN]
        return first + self.experiment.settings

    @cached_property
    def figures(self) -> list[int]:
        """Numbers of the figures that are drawn."""
        numbers = self.config.get("figures", [1, 2, 3, 4, 5, 6])
        return [number for number in numbers if number != 3 or self.config.get("figure3")]

    @cached_property
    def followed(self) -> list[str]:
        """Settings that are scored after each epoch."""
        wanted = 3 in self.figures or "claims" in self.config
        return self.config.get("figure3", []) if wanted else []

    @cached_property
    def analyses(self) -> list[str]:
        """Of `ise` and `lsp`, those that figures or claims are made of."""
        figures = {"ise": {2, 5}, "lsp": {4, 6}}
        return [name for name in figures if "claims" in self.config or figures[name] & set(self.figures)]

    @cached_property
    def weights_are_learned(self) -> bool:
        """Whether anything follows the learned index strategy."""
        indices = {Setting.parse(text).index for text in self.experiment.settings}
        return "WL" in indices or 1 in self.figures or bool(self.analyses) or "claims" in self.config

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

    def seeds(self, text: str) -> list[int]:
        """The base model is the same for every seed."""
        return self.config["seeds"][:1] if text == PRETRAIN else self.config["seeds"]
