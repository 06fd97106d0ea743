"""The claims that rest on analyses rather than on a table: weights, demands and training curves.

Each function returns what was measured, in words, and whether the claim held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas
from scipy.stats import spearmanr

from lslo.experiment.languages import RESOURCE_CLASSES
from lslo.reporting.claims.evidence import NotTestable
from lslo.reporting.subspace_demand import demand_per_size
from lslo.scoring.class_means import mean_over_seeds, means_by_epoch, require_columns

# The paper says "highly correlated" without a number; 0.7 is where rank correlations are usually called high.
HIGH_CORRELATION = 0.7


def resource_class_finding(
    ise: pandas.DataFrame | None, resource_classes: Mapping[str, str]
) -> tuple[str, bool]:
    """Does the demand of languages go with their resource class? (Section 6.2, Figure 2)

    Args:
        ise: ise.csv; a language's demand is the mean of -Score(B) / #B over its B matrices.
        resource_classes: language code -> class.
    """
    if ise is None:
        raise NotTestable("no intrinsic subspace estimation was run")
    demands = demand_per_size(ise).groupby("language")["demand"].mean()
    order = list(RESOURCE_CLASSES)
    classes = demands.index.map(resource_classes)
    if classes.nunique() < 2:
        raise NotTestable("the languages have fewer than two resource classes")
    test = spearmanr([order.index(name) for name in classes], demands, alternative="greater")
    by_class = demands.groupby(classes).mean()
    means = ", ".join(f"{name} {by_class[name]:+.3f}" for name in order if name in by_class)
    significance = "p < 0.001" if test.pvalue < 0.001 else f"p = {test.pvalue:.2g}"
    text = f"rho = {test.statistic:.2f} over {len(demands)} languages (one-sided {significance})"
    return f"{text}; mean demand {means}", bool(test.statistic >= HIGH_CORRELATION)


def learned_weights_finding(weights: pandas.DataFrame | None) -> tuple[str, bool]:
    """Is there an encoder layer up to which source wins, and target above and in the decoder? (Figure 1)

    Args:
        weights: weights.csv.
    """
    if weights is None:
        raise NotTestable("no weight learning was run")
    require_columns(weights, ("side", "layer", "source_weight", "target_weight"), "learned weights")
    source_wins = {}
    texts = []
    for side in ("encoder", "decoder"):
        layers = weights[weights["side"] == side].sort_values("layer")
        source_wins[side] = list(layers["source_weight"] > layers["target_weight"])
        chosen = [str(layer) for layer, wins in zip(layers["layer"], source_wins[side], strict=True) if wins]
        source_weights = ", ".join(f"{weight:.2f}" for weight in layers["source_weight"])
        texts.append(
            f"{side}: source in {'layers ' + ', '.join(chosen) if chosen else 'no layer'} of {len(layers)} "
            f"(source weights {source_weights})"
        )
    encoder = source_wins["encoder"]
    # True … True False … False: one change, so neither all source nor all target.
    one_change = sorted(encoder, reverse=True) == encoder and len(set(encoder)) == 2
    return "; ".join(texts), one_change and not any(source_wins["decoder"])


def module_demand_finding(lsp: pandas.DataFrame | None) -> tuple[str, bool]:
    """Do fc1 and fc2 both demand more than every attention matrix, on both sides? (Section 7.2, Figure 4)

    Args:
        lsp: lsp.csv; a module's demand is the mean of -Score(B) / #B over layers and languages.
    """
    if lsp is None:
        raise NotTestable("no language-specific pruning was run")
    texts, held = [], []
    for side, demands in demand_per_size(lsp).groupby("side", sort=False):
        by_module = demands.groupby("module", sort=False)["demand"].mean()
        attention = by_module.drop(["fc1", "fc2"], errors="ignore")
        if attention.empty or not {"fc1", "fc2"} <= set(by_module.index):
            raise NotTestable(f"the {side} has no attention matrices or no fc1 and fc2 to compare")
        texts.append(f"{side}: " + ", ".join(f"{module} {value:+.3f}" for module, value in by_module.items()))
        held.append(by_module[["fc1", "fc2"]].min() > attention.max())
    return "; ".join(texts), bool(all(held))


def training_curve_finding(
    epoch_scores: Mapping[str, Sequence[pandas.DataFrame]], resource_classes: Mapping[str, str]
) -> tuple[str, bool]:
    """Does H2H peak early and then fall, while V2V peaks late? (Section 7.1, Figure 3)

    Args:
        epoch_scores: setting -> one frame a seed (epoch_scores.csv).
        resource_classes: language code -> class.
    """
    if not epoch_scores:
        raise NotTestable("no epoch scores of Ft-all or a uniform rank")
    texts, held = [], []
    for setting, seeds in epoch_scores.items():
        means = means_by_epoch(mean_over_seeds(seeds), resource_classes)
        if not {"H2H", "V2V"} <= set(means.columns):
            raise NotTestable(f"{setting} has no epoch scores of H2H or of V2V")
        high, very_low, last = means["H2H"], means["V2V"], means.index[-1]
        high_peak, very_low_peak = high.idxmax(), very_low.idxmax()
        texts.append(
            f"{setting}: H2H {high.max():.2f} at best (epoch {high_peak} of {last}), {high.iloc[-1]:.2f} at "
            f"the end; V2V {very_low.max():.2f} (epoch {very_low_peak}), {very_low.iloc[-1]:.2f}"
        )
        early_and_down = high_peak <= last / 2 and high.iloc[-1] < high.max()
        held.append(early_and_down and very_low_peak > last / 2)
    return "; ".join(texts), bool(all(held))
