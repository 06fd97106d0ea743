"""What the paper's claims are checked against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas


@dataclass(frozen=True)
class ClaimSettings:
    """Which setting plays which role, each as the paper writes settings; None (or empty) if not configured.

    Attributes:
        pretrain: the base model as it is.
        full: fine-tuning of all parameters.
        uniform: the same rank for all languages, ascending (paper: 4;4;4 to 64;64;64).
        reduced: fewer ranks for high and medium-resource languages (paper: 2;2;8).
        reduced_reference: its uniform counterpart (paper: 8;8;8).
        pruned: with GPS, the headline (paper: 2;2;8+WL+GPS(0.9)).
        pruned_reference: the same ranks without GPS.
        source_index, target_index: `pruned` with SRC and with TGT in place of the learned index strategy.
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


@dataclass(frozen=True)
class Evidence:
    """The results that claims are checked against.

    Attributes:
        resource_classes: language code -> class.
        scores: setting -> one frame a seed (scores.csv), seeds in the same order for every setting.
        epoch_scores: setting -> one frame a seed (epoch_scores.csv).
        parameters: setting -> parameters.json.
        weights, ise, lsp: weights.csv, ise.csv, lsp.csv; None where that analysis was not run.
    """

    resource_classes: Mapping[str, str]
    scores: Mapping[str, Sequence[pandas.DataFrame]]
    epoch_scores: Mapping[str, Sequence[pandas.DataFrame]] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    weights: pandas.DataFrame | None = None
    ise: pandas.DataFrame | None = None
    lsp: pandas.DataFrame | None = None


@dataclass(frozen=True)
class Claim:
    """One claim. `held` is None where the results that it needs are not there; `measured` then says which."""

    title: str
    paper_says: str
    measured: str
    held: bool | None


Finding = tuple[str, bool]


Check = Callable[[ClaimSettings, Evidence], Finding]


class NotTestable(Exception):  # noqa: N818 - it says something about a claim, not about an error
    """The results that a claim needs are not there; the message says which."""
