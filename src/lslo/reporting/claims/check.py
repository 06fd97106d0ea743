"""The paper's claims, each checked against the results of an experiment.

A claim compares settings by their role (the smallest uniform rank, the headline, …), since ranks may differ
from the paper's. The rule in its title decides whether it holds. Every difference is shown and, with several
seeds, how many of them agree.
"""

from __future__ import annotations

from lslo.reporting.claims.evidence import CheckedClaim, Claim, ClaimSettings, Evidence, NotTestable
from lslo.reporting.claims.from_analyses import (
    learned_weights_choose_languages,
    modules_demand_by_kind,
    resource_classes_order_demands,
    training_curves_peak_apart,
)
from lslo.reporting.claims.from_scores import (
    BUDGET_TOLERANCE,
    V2V_TOLERANCE,
    fc_only_is_as_good,
    full_hurts_high,
    full_lifts_very_low,
    headline_beats_full,
    learned_index_is_as_good,
    pruning_lifts_high,
    reduced_ranks_lift_high,
    uniform_ranks_trade,
)

# In the order of the paper.
CLAIMS = (
    Claim(
        "Ft-all lifts very-low-resource directions over Pretrain (mean of all with V on a side, and V2V)",
        "directions with V 4.99 to 11.10 (+6.11), V2V 0.52 to 6.66 (+6.14) (Table 1)",
        full_lifts_very_low,
    ),
    Claim(
        "Ft-all hurts H2H",
        "31.76 to 29.29 (-2.47) (Table 1)",
        full_hurts_high,
    ),
    Claim(
        "A larger uniform rank trades H2H for V2V (smallest against largest)",
        "4;4;4 to 64;64;64: H2H 30.15 to 21.91 (-8.24), V2V 5.66 to 9.96 (+4.30) (Table 1)",
        uniform_ranks_trade,
    ),
    Claim(
        "Fewer ranks for high and medium-resource languages lift H2H without loss in V2V "
        f"(a fall of at most {V2V_TOLERANCE} spBLEU)",
        "8;8;8 to 2;2;8: H2H 28.49 to 31.33 (+2.84), V2V 6.94 to 7.01 (+0.07) (Table 1)",
        reduced_ranks_lift_high,
    ),
    Claim(
        "GPS lifts H2H above the same ranks unpruned",
        "2;2;8 with GPS(0.9): 31.33 to 33.13 (+1.80) (Table 1)",
        pruning_lifts_high,
    ),
    Claim(
        "LSLo with GPS beats Ft-all in AVG, with H2H no worse than Pretrain",
        "AVG 15.43 to 16.73 (+1.30); H2H +1.37 over Pretrain, where Ft-all has -2.47 (Table 1)",
        headline_beats_full,
    ),
    Claim(
        "Demand for parameter space goes with the resource class, H < M < L < V "
        "(ISE; Spearman's rho over languages at least 0.7)",
        '"highly correlated with the resource type" (Figure 2; no number)',
        resource_classes_order_demands,
    ),
    Claim(
        "The lower encoder layers choose the source language; those above, and the decoder, the target",
        "source in encoder layers 1-9 of 12, target in 10-12 and in all 12 decoder layers (Figure 1)",
        learned_weights_choose_languages,
    ),
    Claim(
        "The learned index strategy is at least as good in AVG as a source- or a target-indexed encoder",
        "WL 16.73, SRC 16.52 (+0.21), TGT 15.52 (+1.21) (Table 6)",
        learned_index_is_as_good,
    ),
    Claim(
        "fc1 and fc2 demand more than any attention matrix, in encoder and decoder (LSP)",
        '"fc1 and fc2 play a more important role" (Figure 4; no number)',
        modules_demand_by_kind,
    ),
    Claim(
        "LSLo in fc1 and fc2 only is at least as good in AVG as in all modules with a similar budget "
        f"(within {BUDGET_TOLERANCE:.0%})",
        "2;2;32 in fc 17.44 (14.1M) against 2;2;8 in all 16.73 (15.3M) (Table 7). By Equation 3 that is "
        "35.4M against 22.4M; similar are 2;2;16 in fc (19.7M), 16.76, and 2;2;8 in all (+0.03)",
        fc_only_is_as_good,
    ),
    Claim(
        "For Ft-all and uniform ranks H2H peaks in the first half of training and then falls, while V2V "
        "peaks in the second half",
        "H2H rises in the first epoch, then declines; V2V keeps rising (Figure 3; no number)",
        training_curves_peak_apart,
    ),
)


def check_claims(settings: ClaimSettings, evidence: Evidence) -> list[CheckedClaim]:
    """Checks all claims in the order of the paper.

    Raises:
        ValueError: The scores of a setting lack a direction, or a frame lacks a column.
    """
    return [_check(claim, settings, evidence) for claim in CLAIMS]


def _check(claim: Claim, settings: ClaimSettings, evidence: Evidence) -> CheckedClaim:
    try:
        measured, held = claim.check(settings, evidence)
    except NotTestable as reason:
        return CheckedClaim(claim, str(reason), None)
    return CheckedClaim(claim, measured, bool(held))
