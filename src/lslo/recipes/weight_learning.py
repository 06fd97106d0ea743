"""Weight learning (Section 4.1, Equation 4): which language each layer should listen to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import pandas as pd

from lslo.adapters.index_strategy import SOURCE, TARGET, IndexStrategy
from lslo.adapters.layers import LayerWeights
from lslo.adapters.placement import add_weighted_lslo
from lslo.adapters.weight_matrices import SIDES
from lslo.experiment.languages import all_directions
from lslo.recipes.training_job import TrainingJob
from lslo.running.process_group import ProcessGroup
from lslo.training.checkpoints import CheckpointStore
from lslo.training.trainer import train


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


def learn_weights(
    job: TrainingJob, rank: int, weights_file: Path, strategy_file: Path, progress: TextIO | None = None
) -> None:
    """Weight learning: write the weight of source and target of each layer, and the strategy they choose.

    rank: of all languages' modules, source- and target-indexed.
    """
    process_group = ProcessGroup.join()
    model = job.load_frozen_model()
    router, weights = add_weighted_lslo(model, job.languages, rank, seed=job.recipe.seed)
    model.to(process_group.device)
    examples = (corpus := job.load_corpus()).examples(all_directions(job.languages))
    checkpoints = CheckpointStore(job.state, job.fingerprint)
    train(
        model,
        corpus,
        lambda epoch: examples,
        job.recipe,
        router=router,
        metrics=job.metrics,
        checkpoints=checkpoints,
        progress=progress,
        process_group=process_group,
    )
    if process_group.leads:
        table = weights_table(weights)
        table.to_csv(weights_file, index=False, float_format="%.6f", lineterminator="\n")
        learned_strategy(table).write(strategy_file)
