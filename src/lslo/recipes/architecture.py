"""Architecture learning (Section 4): the trainings behind the index strategy and the subspace demands."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from lslo.adapters.placement import add_lslo, add_weighted_lslo
from lslo.adapters.routing import IndexStrategy
from lslo.experiment.languages import all_directions
from lslo.recipes.subspaces import SubspaceAnalysis
from lslo.recipes.training_job import TrainingJob
from lslo.recipes.weight_learning import learned_strategy, weights_table
from lslo.running.process_group import Workers
from lslo.training.checkpoints import CheckpointStore
from lslo.training.pruning import GradualPruningSchedule
from lslo.training.trainer import train


def learn_weights(
    job: TrainingJob, rank: int, weights_file: Path, strategy_file: Path, progress: TextIO | None = None
) -> None:
    """Weight learning: write the weight of source and target of each layer, and the strategy they choose.

    rank: of all languages' modules, source- and target-indexed.
    """
    workers = Workers.join()
    model = job.load_frozen_model()
    router, weights = add_weighted_lslo(model, job.languages, rank, seed=job.recipe.seed)
    model.to(workers.device)
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
        workers=workers,
    )
    if workers.leads:
        table = weights_table(weights)
        table.to_csv(weights_file, index=False, float_format="%.6f", lineterminator="\n")
        learned_strategy(table).write(strategy_file)


def estimate_subspaces(
    job: TrainingJob,
    analysis: str,
    rank: int,
    schedule: GradualPruningSchedule,
    strategy_file: Path,
    scores_file: Path,
    progress: TextIO | None = None,
) -> None:
    """ISE or LSP: write the score of each B matrix.

    analysis: `ise` or `lsp`. strategy_file: of weight learning. scores_file: one row a B matrix.
    """
    workers = Workers.join()
    model = job.load_frozen_model()
    ranks = dict.fromkeys(job.languages, rank)
    router, placed = add_lslo(model, ranks, IndexStrategy.read(strategy_file), seed=job.recipe.seed)
    model.to(workers.device)
    subspaces = SubspaceAnalysis(analysis, placed, job.languages, schedule)
    examples = (corpus := job.load_corpus()).examples(all_directions(job.languages))
    checkpoints = CheckpointStore(job.state, job.fingerprint)
    train(
        model,
        corpus,
        lambda epoch: examples,
        job.recipe,
        router=router,
        pruners=[subspaces.pruner],
        metrics=job.metrics,
        checkpoints=checkpoints,
        progress=progress,
        workers=workers,
    )
    if workers.leads:
        subspaces.scores().to_csv(scores_file, index=False, float_format="%.4f", lineterminator="\n")
