"""The claims that rest on analyses rather than on a table: weights, demands and training curves."""

from __future__ import annotations

import pandas
from scipy.stats import spearmanr

from lslo.adapters.weight_matrices import SIDES
from lslo.experiment.languages import RESOURCE_CLASSES
from lslo.reporting.claims.evidence import ClaimSettings, Evidence, Finding, NotTestable
from lslo.reporting.subspace_demand import demand_per_size
from lslo.scoring.class_means import mean_over_seeds, means_by_epoch
from lslo.scoring.frame_columns import require_columns

# The paper says "highly correlated" without a number; rank correlations from 0.7 on are usually called high.
HIGH_CORRELATION = 0.7


def resource_classes_order_demands(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that the demand of languages goes with their resource class (Section 6.2, Figure 2).

    A language's demand is the mean of -Score(B) / #B over its B matrices (ISE).
    """
    if evidence.ise is None:
        raise NotTestable("no intrinsic subspace estimation was run")
    demands = demand_per_size(evidence.ise).groupby("language")["demand"].mean()
    order = list(RESOURCE_CLASSES)
    classes = demands.index.map(evidence.resource_classes)
    if classes.nunique() < 2:
        raise NotTestable("the languages have fewer than two resource classes")
    test = spearmanr([order.index(name) for name in classes], demands, alternative="greater")
    by_class = demands.groupby(classes).mean()
    means = ", ".join(f"{name} {by_class[name]:+.3f}" for name in order if name in by_class)
    significance = "p < 0.001" if test.pvalue < 0.001 else f"p = {test.pvalue:.2g}"
    text = f"rho = {test.statistic:.2f} over {len(demands)} languages (one-sided {significance})"
    return f"{text}; mean demand {means}", bool(test.statistic >= HIGH_CORRELATION)


def learned_weights_choose_languages(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that source wins up to some encoder layer, and target above it and in the decoder (Figure 1)."""
    weights = evidence.weights
    if weights is None:
        raise NotTestable("no weight learning was run")
    require_columns(weights, ("side", "layer", "source_weight", "target_weight"), "learned weights")
    source_wins = {}
    texts = []
    for side in SIDES:
        layers = weights[weights["side"] == side].sort_values("layer")
        source_wins[side] = list(layers["source_weight"] > layers["target_weight"])
        chosen = [str(layer) for layer, wins in zip(layers["layer"], source_wins[side], strict=True) if wins]
        source_weights = ", ".join(f"{weight:.2f}" for weight in layers["source_weight"])
        texts.append(
            f"{side}: source in {'layers ' + ', '.join(chosen) if chosen else 'no layer'} of {len(layers)} "
            f"(source weights {source_weights})"
        )
    encoder = source_wins["encoder"]
    # True … True False … False has one change, so it is neither all source nor all target.
    one_change = sorted(encoder, reverse=True) == encoder and len(set(encoder)) == 2
    return "; ".join(texts), one_change and not any(source_wins["decoder"])


def modules_demand_by_kind(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that fc1 and fc2 demand more than every attention matrix of their side (Section 7.2, Figure 4).

    A module's demand is the mean of -Score(B) / #B over layers and languages (LSP).
    """
    if evidence.lsp is None:
        raise NotTestable("no language-specific pruning was run")
    texts, held = [], []
    for side, demands in demand_per_size(evidence.lsp).groupby("side", sort=False):
        by_module = demands.groupby("module", sort=False)["demand"].mean()
        attention = by_module.drop(["fc1", "fc2"], errors="ignore")
        if attention.empty or not {"fc1", "fc2"} <= set(by_module.index):
            raise NotTestable(f"the {side} has no attention matrices or no fc1 and fc2 to compare")
        texts.append(f"{side}: " + ", ".join(f"{module} {value:+.3f}" for module, value in by_module.items()))
        held.append(by_module[["fc1", "fc2"]].min() > attention.max())
    return "; ".join(texts), bool(all(held))


def training_curves_peak_apart(settings: ClaimSettings, evidence: Evidence) -> Finding:
    """Checks that H2H peaks early and then falls, while V2V peaks late (Section 7.1, Figure 3).

    The curves are those of Ft-all and of the uniform ranks that have scores by epoch.
    """
    roles = [setting for setting in (settings.full, *settings.uniform) if setting is not None]
    curves = {
        setting: means_by_epoch(mean_over_seeds(evidence.epoch_scores[setting]), evidence.resource_classes)
        for setting in roles
        if evidence.epoch_scores.get(setting)
    }
    if not curves:
        raise NotTestable("no epoch scores of Ft-all or a uniform rank")
    texts, held = [], []
    for setting, means in curves.items():
        text, peaks_apart = _peaks(setting, means)
        texts.append(text)
        held.append(peaks_apart)
    return "; ".join(texts), all(held)


def _peaks(setting: str, means: pandas.DataFrame) -> Finding:
    """Finds where the curves of a setting peak, and whether H2H does so early and V2V late."""
    if not {"H2H", "V2V"} <= set(means.columns):
        raise NotTestable(f"{setting} has no epoch scores of H2H or of V2V")
    high, very_low, last = means["H2H"], means["V2V"], means.index[-1]
    high_peak, very_low_peak = high.idxmax(), very_low.idxmax()
    text = (
        f"{setting}: H2H {high.max():.2f} at best (epoch {high_peak} of {last}), {high.iloc[-1]:.2f} at "
        f"the end; V2V {very_low.max():.2f} (epoch {very_low_peak}), {very_low.iloc[-1]:.2f}"
    )
    early_and_down = high_peak <= last / 2 and high.iloc[-1] < high.max()
    return text, bool(early_and_down and very_low_peak > last / 2)
