"""The paper's claims, each checked against one's own results.

A claim is a comparison of settings by their role (the smallest uniform rank, the headline, …), since ranks
may differ from the paper's; it holds, or does not, by the rule in its title. Every difference is shown, and
with several seeds how many of them agree.
"""

from __future__ import annotations

from lslo.reporting.claims.evidence import Check, Claim, ClaimSettings, Evidence, Finding, NotTestable
from lslo.reporting.claims.from_analyses import (
    learned_weights_finding,
    module_demand_finding,
    resource_class_finding,
    training_curve_finding,
)
from lslo.reporting.claims.from_scores import (
    BUDGET_TOLERANCE,
    V2V_TOLERANCE,
    _fc_only,
    _full_hurts_high,
    _full_lifts_very_low,
    _headline,
    _learned_index,
    _pruning_lifts_high,
    _reduced_ranks,
    _uniform_trades,
)


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
