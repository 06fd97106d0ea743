"""The results that a configuration asks for: settings, seeds, figures, and the analyses behind them."""

from __future__ import annotations

from functools import cached_property

from lslo.experiment.config import Config
from lslo.experiment.setting_notation import PRETRAIN, Setting

# The figures that are drawn from each analysis.
FIGURES_OF_ANALYSIS = {"ise": {2, 5}, "lsp": {4, 6}}


class WantedResults:
    """The results that a configuration asks for.

    Attributes:
        config: The configuration with its defaults.
    """

    def __init__(self, config: Config):
        self.config = config

    @cached_property
    def settings(self) -> list[str]:
        """Every setting of the tables, once."""
        return list(dict.fromkeys(text for table in self.config.tables.values() for text in table))

    @property
    def trained_settings(self) -> list[str]:
        """The settings of the tables that are trained: all but the base model as it is."""
        return [text for text in self.settings if text != PRETRAIN]

    @property
    def scored_settings(self) -> list[str]:
        """The settings that are scored: those of the tables, and the base model as Figure 3's epoch 0."""
        first = [] if PRETRAIN in self.settings or not self.followed_settings else [PRETRAIN]
        return first + self.settings

    @property
    def followed_settings(self) -> list[str]:
        """The settings that are scored after each epoch, for Figure 3 and for the claims."""
        wanted = 3 in self.config.figures or self.config.claims
        return list(self.config.figure3) if wanted else []

    @property
    def figures(self) -> list[int]:
        """The numbers of the figures that are drawn."""
        return [number for number in self.config.figures if number != 3 or self.config.figure3]

    @property
    def tables_are_compared(self) -> bool:
        """Whether there is something to compare the tables of results with."""
        return self.config.compare_with_paper or self.config.significance > 0

    @property
    def analyses(self) -> list[str]:
        """The analyses, of `ise` and `lsp`, that figures or claims are made of."""
        if self.config.claims:
            return list(FIGURES_OF_ANALYSIS)
        wanted = set(self.figures)
        return [name for name, figures in FIGURES_OF_ANALYSIS.items() if figures & wanted]

    @property
    def weights_are_learned(self) -> bool:
        """Whether a setting, an analysis, a figure or a claim needs the learned index strategy."""
        learned = any("+WL" in text for text in self.settings)
        return learned or 1 in self.figures or bool(self.analyses) or self.config.claims is not None

    @property
    def something_is_pruned(self) -> bool:
        """Whether a setting has GPS, or ISE or LSP is run."""
        return bool(self.analyses) or any("GPS" in text for text in self.settings)

    @property
    def pruning_ratios(self) -> list[float]:
        """The ratios P of the settings with GPS, in ascending order."""
        ratios = {Setting.parse(text).gps_ratio for text in self.settings} - {None}
        return sorted(map(float, ratios))

    @property
    def unused_sections(self) -> set[str]:
        """The sections of the configuration that no wanted result depends on.

        `snakemake base_model`, which alone uses `pretraining`, is no result of the tables and figures.
        """
        used = {
            "pruning": self.something_is_pruned,
            "subspaces": bool(self.analyses),
            "weight_learning": self.weights_are_learned,
            "pretraining": False,
        }
        return {section for section, is_used in used.items() if not is_used}

    def seeds(self, setting: str) -> list[int]:
        """Returns the seeds of a setting's runs; the base model as it is has one run."""
        return list(self.config.seeds[:1] if setting == PRETRAIN else self.config.seeds)
