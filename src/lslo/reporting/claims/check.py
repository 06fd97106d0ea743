"""The paper's claims, each checked against one's own results.

A claim is a comparison of settings by their role (the smallest uniform rank, the headline, …), since ranks
may differ from the paper's; it holds, or does not, by the rule in its title. Every difference is shown, and
with several seeds how many of them agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas

from lslo.reporting.claims.from_analyses import (
    NotTestable,
    learned_weights_finding,
    module_demand_finding,
    resource_class_finding,
    training_curve_finding,
)
from lslo.scoring.class_means import AVERAGE, class_means, with_column

# spBLEU: a fall in V2V up to this much still counts as "without loss".
V2V_TOLERANCE = 0.2
# Budgets that differ by at most this share of the reference's count as similar. The paper's own pairs, by its
# own count, differ by 4 to 8 %; few settings of one's own will match as closely.
BUDGET_TOLERANCE = 0.25

WITH_VERY_LOW = "directions with V"


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


def check_claims(settings: ClaimSettings, evidence: Evidence) -> list[Claim]:
    """All claims in the order of the paper.

    Raises:
        ValueError: a setting's scores lack a direction, or a frame lacks a column.
    """
    claims = []
    for title, paper_says, check in _CLAIMS:
        try:
            measured, held = check(settings, evidence)
        except NotTestable as reason:
            measured, held = str(reason), None
        claims.append(Claim(title, paper_says, measured, None if held is None else bool(held)))
    return claims


def _seed_means(evidence: Evidence, setting: str | None, role: str) -> pandas.DataFrame:
    """One row a seed; columns H2H, …, AVG, and the mean over directions with V on either side."""
    if setting is None:
        raise NotTestable(f"no setting is configured as {role}")
    if not evidence.scores.get(setting):
        raise NotTestable(f"there are no scores of {setting} ({role})")
    rows = []
    for scores in evidence.scores[setting]:
        means = class_means(scores, evidence.resource_classes)
        has_very_low = with_column(scores, evidence.resource_classes)["column"].str.contains("V")
        means[WITH_VERY_LOW] = scores.loc[has_very_low, "spbleu"].mean()
        rows.append(means)
    return pandas.DataFrame(rows).reset_index(drop=True)


def _compare(
    evidence: Evidence, first: tuple[str | None, str], second: tuple[str | None, str], column: str
) -> tuple[float, str]:
    """How much higher `first` (setting, role) scores than `second` in a column, and that in words."""
    ours, theirs = (_seed_means(evidence, setting, role) for setting, role in (first, second))
    for means in (ours, theirs):
        if column not in means or means[column].isna().any():
            raise NotTestable(f"there are no {column} directions in these languages")
    difference = ours[column].mean() - theirs[column].mean()
    text = (
        f"{column}: {first[0]} {ours[column].mean():.2f}, {second[0]} {theirs[column].mean():.2f} "
        f"({difference:+.2f}"
    )
    # The pretrained model has one run whatever the number of seeds: it is compared with each.
    counts = {len(ours), len(theirs)} - {1}
    if len(counts) == 1:
        theirs_by_seed = theirs[column] if len(theirs) > 1 else theirs[column].iloc[0]
        by_seed = (ours[column] if len(ours) > 1 else ours[column].iloc[0]) - theirs_by_seed
        agree = int((by_seed > 0).sum() if difference > 0 else (by_seed < 0).sum())
        text += f"; in {agree} of {counts.pop()} seeds"
    return difference, text + ")"


def _full_lifts_very_low(settings: ClaimSettings, evidence: Evidence) -> Finding:
    full, pretrain = (settings.full, "full fine-tuning"), (settings.pretrain, "the pretrained model")
    either, either_text = _compare(evidence, full, pretrain, WITH_VERY_LOW)
    both, both_text = _compare(evidence, full, pretrain, "V2V")
    return f"{either_text}; {both_text}", either > 0 and both > 0


def _full_hurts_high(settings: ClaimSettings, evidence: Evidence) -> Finding:
    full, pretrain = (settings.full, "full fine-tuning"), (settings.pretrain, "the pretrained model")
    difference, text = _compare(evidence, full, pretrain, "H2H")
    return text, difference < 0


def _uniform_trades(settings: ClaimSettings, evidence: Evidence) -> Finding:
    if len(settings.uniform) < 2:
        raise NotTestable("fewer than two uniform ranks are configured")
    smallest = (settings.uniform[0], "the smallest uniform rank")
    largest = (settings.uniform[-1], "the largest uniform rank")
    high, high_text = _compare(evidence, largest, smallest, "H2H")
    very_low, very_low_text = _compare(evidence, largest, smallest, "V2V")
    return f"{high_text}; {very_low_text}", high < 0 < very_low


def _reduced_ranks(settings: ClaimSettings, evidence: Evidence) -> Finding:
    reduced = (settings.reduced, "fewer ranks for high and medium-resource languages")
    reference = (settings.reduced_reference, "its uniform counterpart")
    high, high_text = _compare(evidence, reduced, reference, "H2H")
    very_low, very_low_text = _compare(evidence, reduced, reference, "V2V")
    return f"{high_text}; {very_low_text}", high > 0 and very_low >= -V2V_TOLERANCE


def _pruning_lifts_high(settings: ClaimSettings, evidence: Evidence) -> Finding:
    pruned, reference = (settings.pruned, "the headline"), (settings.pruned_reference, "its unpruned twin")
    difference, text = _compare(evidence, pruned, reference, "H2H")
    return text, difference > 0


def _headline(settings: ClaimSettings, evidence: Evidence) -> Finding:
    pruned = (settings.pruned, "the headline")
    full, pretrain = (settings.full, "full fine-tuning"), (settings.pretrain, "the pretrained model")
    average, average_text = _compare(evidence, pruned, full, AVERAGE)
    high, high_text = _compare(evidence, pruned, pretrain, "H2H")
    _, harm_text = _compare(evidence, full, pretrain, "H2H")
    return f"{average_text}; {high_text}; {harm_text}", average > 0 and high >= 0


def _learned_index(settings: ClaimSettings, evidence: Evidence) -> Finding:
    learned = (settings.pruned, "the headline")
    source = (settings.source_index, "the headline with a source-indexed encoder")
    target = (settings.target_index, "the headline with a target-indexed encoder")
    over_source, source_text = _compare(evidence, learned, source, AVERAGE)
    over_target, target_text = _compare(evidence, learned, target, AVERAGE)
    return f"{source_text}; {target_text}", over_source >= 0 and over_target >= 0


def _fc_only(settings: ClaimSettings, evidence: Evidence) -> Finding:
    fc_only = (settings.fc_only, "fc1 and fc2 only")
    reference = (settings.fc_reference, "all modules with a similar budget")
    difference, text = _compare(evidence, fc_only, reference, AVERAGE)
    counts = [evidence.parameters.get(setting, {}).get("true") for setting in (fc_only[0], reference[0])]
    if not all(counts):
        raise NotTestable(f"{text}; their numbers of parameters are not known")
    text += f"; trainable parameters {counts[0]:,.0f} and {counts[1]:,.0f} ({counts[0] / counts[1] - 1:+.0%})"
    # Too large a budget explains a win, and too small a one explains a loss: neither says anything.
    share = counts[0] / counts[1] - 1
    if (difference >= 0 and share > BUDGET_TOLERANCE) or (difference < 0 and share < -BUDGET_TOLERANCE):
        raise NotTestable(f"{text}: not a similar budget")
    return text, difference >= 0


def _training_curves(settings: ClaimSettings, evidence: Evidence) -> Finding:
    roles = [setting for setting in (settings.full, *settings.uniform) if setting is not None]
    curves = {name: evidence.epoch_scores[name] for name in roles if evidence.epoch_scores.get(name)}
    return training_curve_finding(curves, evidence.resource_classes)


_CLAIMS: tuple[tuple[str, str, Check], ...] = (
    (
        "Ft-all lifts very-low-resource directions over Pretrain (mean of all with V on a side, and V2V)",
        "directions with V 4.99 to 11.10 (+6.11), V2V 0.52 to 6.66 (+6.14) (Table 1)",
        _full_lifts_very_low,
    ),
    (
        "Ft-all hurts H2H",
        "31.76 to 29.29 (-2.47) (Table 1)",
        _full_hurts_high,
    ),
    (
        "A larger uniform rank trades H2H for V2V (smallest against largest)",
        "4;4;4 to 64;64;64: H2H 30.15 to 21.91 (-8.24), V2V 5.66 to 9.96 (+4.30) (Table 1)",
        _uniform_trades,
    ),
    (
        "Fewer ranks for high and medium-resource languages lift H2H without loss in V2V "
        f"(a fall of at most {V2V_TOLERANCE} spBLEU)",
        "8;8;8 to 2;2;8: H2H 28.49 to 31.33 (+2.84), V2V 6.94 to 7.01 (+0.07) (Table 1)",
        _reduced_ranks,
    ),
    (
        "GPS lifts H2H above the same ranks unpruned",
        "2;2;8 with GPS(0.9): 31.33 to 33.13 (+1.80) (Table 1)",
        _pruning_lifts_high,
    ),
    (
        "LSLo with GPS beats Ft-all in AVG, with H2H no worse than Pretrain",
        "AVG 15.43 to 16.73 (+1.30); H2H +1.37 over Pretrain, where Ft-all has -2.47 (Table 1)",
        _headline,
    ),
    (
        "Demand for parameter space goes with the resource class, H < M < L < V "
        "(ISE; Spearman's rho over languages at least 0.7)",
        '"highly correlated with the resource type" (Figure 2; no number)',
        lambda _, evidence: resource_class_finding(evidence.ise, evidence.resource_classes),
    ),
    (
        "The lower encoder layers choose the source language; those above, and the decoder, the target",
        "source in encoder layers 1-9 of 12, target in 10-12 and in all 12 decoder layers (Figure 1)",
        lambda _, evidence: learned_weights_finding(evidence.weights),
    ),
    (
        "The learned index strategy is at least as good in AVG as a source- or a target-indexed encoder",
        "WL 16.73, SRC 16.52 (+0.21), TGT 15.52 (+1.21) (Table 6)",
        _learned_index,
    ),
    (
        "fc1 and fc2 demand more than any attention matrix, in encoder and decoder (LSP)",
        '"fc1 and fc2 play a more important role" (Figure 4; no number)',
        lambda _, evidence: module_demand_finding(evidence.lsp),
    ),
    (
        "LSLo in fc1 and fc2 only is at least as good in AVG as in all modules with a similar budget "
        f"(within {BUDGET_TOLERANCE:.0%})",
        "2;2;32 in fc 17.44 (14.1M) against 2;2;8 in all 16.73 (15.3M) (Table 7). By Equation 3 that is "
        "35.4M against 22.4M; similar are 2;2;16 in fc (19.7M), 16.76, and 2;2;8 in all (+0.03)",
        _fc_only,
    ),
    (
        "For Ft-all and uniform ranks H2H peaks in the first half of training and then falls, while V2V "
        "peaks in the second half",
        "H2H rises in the first epoch, then declines; V2V keeps rising (Figure 3; no number)",
        _training_curves,
    ),
)
