"""The claims that rest on the scores of settings in the results tables."""

from __future__ import annotations

import pandas

from lslo.reporting.claims.evidence import ClaimSettings, Evidence, Finding, NotTestable
from lslo.scoring.class_means import AVERAGE, class_means, with_class_pair

# The fall of V2V, in spBLEU, that still counts as "without loss".
V2V_TOLERANCE = 0.2

# Budgets that differ by at most this share of the reference's are similar. The paper's own pairs differ by
# 4 to 8 % (by its own count); few settings of a user will match as closely.
BUDGET_TOLERANCE = 0.25

# The column of the mean over directions with V on either side.
WITH_VERY_LOW = "directions with V"


def full_lifts_very_low(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that Ft-all lifts directions with V on a side, and V2V, over Pretrain (Table 1)."""
    full, pretrain = (settings.full, "full fine-tuning"), (settings.pretrain, "the pretrained model")
    either, either_text = _compare(evidence, full, pretrain, WITH_VERY_LOW)
    both, both_text = _compare(evidence, full, pretrain, "V2V")
    return f"{either_text}; {both_text}", either > 0 and both > 0


def full_hurts_high(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that Ft-all lowers H2H (Table 1)."""
    full, pretrain = (settings.full, "full fine-tuning"), (settings.pretrain, "the pretrained model")
    difference, text = _compare(evidence, full, pretrain, "H2H")
    return text, difference < 0


def uniform_ranks_trade(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that the largest uniform rank has a lower H2H and a higher V2V than the smallest (Table 1)."""
    if len(settings.uniform) < 2:
        raise NotTestable("fewer than two uniform ranks are configured")
    smallest = (settings.uniform[0], "the smallest uniform rank")
    largest = (settings.uniform[-1], "the largest uniform rank")
    high, high_text = _compare(evidence, largest, smallest, "H2H")
    very_low, very_low_text = _compare(evidence, largest, smallest, "V2V")
    return f"{high_text}; {very_low_text}", high < 0 < very_low


def reduced_ranks_lift_high(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that fewer ranks for H and M lift H2H and lower V2V by at most a tolerance (Table 1)."""
    reduced = (settings.reduced, "fewer ranks for high and medium-resource languages")
    reference = (settings.reduced_reference, "its uniform counterpart")
    high, high_text = _compare(evidence, reduced, reference, "H2H")
    very_low, very_low_text = _compare(evidence, reduced, reference, "V2V")
    return f"{high_text}; {very_low_text}", high > 0 and very_low >= -V2V_TOLERANCE


def pruning_lifts_high(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that GPS lifts H2H above the same ranks without GPS (Table 1)."""
    pruned, reference = (settings.pruned, "the headline"), (settings.pruned_reference, "its unpruned twin")
    difference, text = _compare(evidence, pruned, reference, "H2H")
    return text, difference > 0


def headline_beats_full(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that the headline beats Ft-all in AVG and is no worse than Pretrain in H2H (Table 1)."""
    pruned = (settings.pruned, "the headline")
    full, pretrain = (settings.full, "full fine-tuning"), (settings.pretrain, "the pretrained model")
    average, average_text = _compare(evidence, pruned, full, AVERAGE)
    high, high_text = _compare(evidence, pruned, pretrain, "H2H")
    _, harm_text = _compare(evidence, full, pretrain, "H2H")
    return f"{average_text}; {high_text}; {harm_text}", average > 0 and high >= 0


def learned_index_is_as_good(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that the learned index strategy is at least as good in AVG as SRC and TGT (Table 6)."""
    learned = (settings.pruned, "the headline")
    source = (settings.source_index, "the headline with a source-indexed encoder")
    target = (settings.target_index, "the headline with a target-indexed encoder")
    over_source, source_text = _compare(evidence, learned, source, AVERAGE)
    over_target, target_text = _compare(evidence, learned, target, AVERAGE)
    return f"{source_text}; {target_text}", over_source >= 0 and over_target >= 0


def fc_only_is_as_good(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that LSLo in fc1 and fc2 only is at least as good in AVG as in all modules (Table 7).

    The budgets are the numbers of trainable parameters. The claim is not testable where a larger budget may
    explain a win, or a smaller one a loss.
    """
    fc_only = (settings.fc_only, "fc1 and fc2 only")
    reference = (settings.fc_reference, "all modules with a similar budget")
    difference, text = _compare(evidence, fc_only, reference, AVERAGE)
    counts = [evidence.parameters.get(setting, {}).get("true") for setting in (fc_only[0], reference[0])]
    if not all(counts):
        raise NotTestable(f"{text}; their numbers of parameters are not known")
    text += f"; trainable parameters {counts[0]:,.0f} and {counts[1]:,.0f} ({counts[0] / counts[1] - 1:+.0%})"
    # A win with a much larger budget, or a loss with a much smaller one, says nothing about the modules.
    share = counts[0] / counts[1] - 1
    if (difference >= 0 and share > BUDGET_TOLERANCE) or (difference < 0 and share < -BUDGET_TOLERANCE):
        raise NotTestable(f"{text}: not a similar budget")
    return text, difference >= 0


def _seed_means(evidence: Evidence, setting: str | None, role: str) -> pandas.DataFrame:
    """Averages a setting's scores of each seed.

    Args:
        evidence: The results.
        setting: The setting; None if none is configured.
        role: The setting's role in words.

    Returns:
        A row for each seed, with the columns H2H, …, AVG and WITH_VERY_LOW.

    Raises:
        NotTestable: No setting is configured, or it has no scores.
    """
    if setting is None:
        raise NotTestable(f"no setting is configured as {role}")
    if not evidence.scores.get(setting):
        raise NotTestable(f"there are no scores of {setting} ({role})")
    rows = []
    for scores in evidence.scores[setting]:
        means = class_means(scores, evidence.resource_classes)
        has_very_low = with_class_pair(scores, evidence.resource_classes)["class_pair"].str.contains("V")
        means[WITH_VERY_LOW] = scores.loc[has_very_low, "spbleu"].mean()
        rows.append(means)
    return pandas.DataFrame(rows).reset_index(drop=True)


def _compare(
    evidence: Evidence, first: tuple[str | None, str], second: tuple[str | None, str], column: str
) -> tuple[float, str]:
    """Compares two settings in a column.

    Args:
        evidence: The results.
        first: A setting and its role in words.
        second: The setting that it is compared with, and its role.
        column: A class pair, AVG or WITH_VERY_LOW.

    Returns:
        The difference, first minus second, and the comparison in words.

    Raises:
        NotTestable: A setting is not configured or has no scores, or the languages have no directions of
            the column.
    """
    ours, theirs = (_seed_means(evidence, setting, role) for setting, role in (first, second))
    for means in (ours, theirs):
        if column not in means or means[column].isna().any():
            raise NotTestable(f"there are no {column} directions in these languages")
    difference = ours[column].mean() - theirs[column].mean()
    text = (
        f"{column}: {first[0]} {ours[column].mean():.2f}, {second[0]} {theirs[column].mean():.2f} "
        f"({difference:+.2f}"
    )
    # The pretrained model has a single run, which is compared with every seed.
    counts = {len(ours), len(theirs)} - {1}
    if len(counts) == 1:
        theirs_by_seed = theirs[column] if len(theirs) > 1 else theirs[column].iloc[0]
        by_seed = (ours[column] if len(ours) > 1 else ours[column].iloc[0]) - theirs_by_seed
        agree = int((by_seed > 0).sum() if difference > 0 else (by_seed < 0).sum())
        text += f"; in {agree} of {counts.pop()} seeds"
    return difference, text + ")"
