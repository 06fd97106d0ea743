"""Weight learning (Section 4.1, Equation 4): which language each layer should listen to."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lslo.adapters.layers import LayerWeights
from lslo.adapters.routing import SIDES, SOURCE, TARGET, IndexStrategy


def weights_table(weights: Mapping[tuple[str, int], LayerWeights]) -> pd.DataFrame:
    """The learned softmax weights, one row a layer (`weight_learning/weights.csv`, Figure 1).

    weights: by (side, layer from 1). Columns: side, layer, source_weight, target_weight.
    """
    rows = []
    for (side, layer), module in weights.items():
        source, target = module().tolist()
        rows.append({"side": side, "layer": layer, "source_weight": source, "target_weight": target})
    return pd.DataFrame(rows)


def learned_strategy(table: pd.DataFrame) -> IndexStrategy:
    """For each layer the side with the larger weight; the target where they are equal."""

    def of(side: str) -> tuple[str, ...]:
        rows = table[table["side"] == side].sort_values("layer")
        larger = rows["source_weight"] > rows["target_weight"]
        return tuple(SOURCE if source else TARGET for source in larger)

    return IndexStrategy(**{side: of(side) for side in SIDES})
