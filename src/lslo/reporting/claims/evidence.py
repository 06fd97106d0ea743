"""Claims of the paper, and the results that they are checked against."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas

from lslo.experiment.setting_notation import FULL_FINE_TUNING, PRETRAIN
from lslo.reporting.subspace_demand import read_estimates
from lslo.scoring.score_files import read_scores


@dataclass(frozen=True)
class ClaimSettings:
    """The setting in each role, as the paper writes settings; None (or empty) if not configured.

    Attributes:
        pretrain: The base model without fine-tuning.
        full: Fine-tuning of all parameters.
        uniform: The same rank for all languages, ascending (paper: 4;4;4 to 64;64;64).
        reduced: Fewer ranks for high and medium-resource languages (paper: 2;2;8).
        reduced_reference: The uniform counterpart of `reduced` (paper: 8;8;8).
        pruned: The headline, with GPS (paper: 2;2;8+WL+GPS(0.9)).
        pruned_reference: The same ranks without GPS.
        source_index: `pruned` with SRC in place of the learned index strategy.
        target_index: `pruned` with TGT in place of the learned index strategy.
        fc_only: LSLo in fc1 and fc2 only.
        fc_reference: LSLo in all modules with a similar number of parameters.
    """

    pretrain: str | None = None
    full: str | None = None
    uniform: Sequence[str] = ()
    reduced: str | None = None
    reduced_reference: str | None = None
    pruned: str | None = None
    pruned_reference: str | None = None
    source_index: str | None = None
    target_index: str | None = None
    fc_only: str | None = None
    fc_reference: str | None = None

    @classmethod
    def configured(cls, roles: Mapping[str, Any], settings: Sequence[str]) -> ClaimSettings:
        """Makes the roles of an experiment.

        Args:
            roles: The configuration's `claims`: the setting (or settings) of roles other than `pretrain`
                and `full`.
            settings: All settings of the experiment.
        """
        return cls(
            pretrain=PRETRAIN if PRETRAIN in settings else None,
            full=FULL_FINE_TUNING if FULL_FINE_TUNING in settings else None,
            **roles,
        )


@dataclass(frozen=True)
class EvidenceFiles:
    """The files of the results that claims are checked against.

    Attributes:
        scores: scores.csv of each seed of each setting.
        epoch_scores: epoch_scores.csv of each seed of the settings that have them.
        parameters: parameters.json of each setting but Pretrain.
        weights: weights.csv.
        ise: ise.csv.
        lsp: lsp.csv.
    """

    scores: Mapping[str, Sequence[str | Path]]
    epoch_scores: Mapping[str, Sequence[str | Path]]
    parameters: Mapping[str, str | Path]
    weights: str | Path
    ise: str | Path
    lsp: str | Path


@dataclass(frozen=True)
class Evidence:
    """The results that claims are checked against.

    Attributes:
        resource_classes: The resource class of each language code.
        scores: The scores of each seed of each setting (scores.csv), seeds in the same order for every
            setting.
        epoch_scores: The scores by epoch of each seed of settings (epoch_scores.csv).
        parameters: The numbers of parameters of settings (parameters.json).
        weights: weights.csv; None without weight learning.
        ise: ise.csv; None without intrinsic subspace estimation.
        lsp: lsp.csv; None without language-specific pruning.
    """

    resource_classes: Mapping[str, str]
    scores: Mapping[str, Sequence[pandas.DataFrame]]
    epoch_scores: Mapping[str, Sequence[pandas.DataFrame]] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    weights: pandas.DataFrame | None = None
    ise: pandas.DataFrame | None = None
    lsp: pandas.DataFrame | None = None

    @classmethod
    def read(cls, files: EvidenceFiles, resource_classes: Mapping[str, str]) -> Evidence:
        """Reads the results.

        Raises:
            FileNotFoundError: A file is missing.
            ValueError: A file of scores is damaged.
        """

        def read_seeds(paths: Mapping[str, Sequence[str | Path]]) -> dict[str, list[pandas.DataFrame]]:
            return {setting: [read_scores(path) for path in seeds] for setting, seeds in paths.items()}

        return cls(
            resource_classes=resource_classes,
            scores=read_seeds(files.scores),
            epoch_scores=read_seeds(files.epoch_scores),
            parameters={
                setting: json.loads(Path(path).read_text()) for setting, path in files.parameters.items()
            },
            weights=pandas.read_csv(files.weights),
            ise=read_estimates(files.ise),
            lsp=read_estimates(files.lsp),
        )


# What was measured, in words, and whether the claim held.
Finding = tuple[str, bool]


@dataclass(frozen=True)
class Claim:
    """A claim of the paper and how it is checked.

    Attributes:
        title: The claim, with the rule by which it holds.
        paper_says: The paper's own numbers or words.
        check: Checks the claim against results; raises NotTestable where they are missing.
    """

    title: str
    paper_says: str
    check: Callable[[ClaimSettings, Evidence], Finding]


@dataclass(frozen=True)
class CheckedClaim:
    """The outcome of checking a claim.

    Attributes:
        claim: The claim.
        measured: The measurements in words, or the names of missing results.
        held: Whether the claim held; None if it could not be tested.
    """

    claim: Claim
    measured: str
    held: bool | None


class NotTestable(Exception):  # noqa: N818 - it says something about a claim, not about an error
    """The results that a claim needs are missing; the message says which."""
