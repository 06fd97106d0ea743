"""Intrinsic subspace estimation and language-specific pruning (Sections 4.2 and 7.2)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from lslo.batching import TokenizedCorpus
from lslo.checkpoints import CheckpointStore
from lslo.corpus.plain_text import read_split
from lslo.job import job
from lslo.languages import all_directions
from lslo.model.loading import load_base_model
from lslo.model.placement import add_lslo
from lslo.pruning import GradualPruningSchedule
from lslo.routing import IndexStrategy
from lslo.subspaces import SubspaceAnalysis
from lslo.tokenizer import Tokenizer
from lslo.training import Recipe, train
from lslo.training_jobs import state_fingerprint


def main(
    analysis: str,
    base_model: Path,
    corpus_folder: Path,
    languages: Sequence[str],
    rank: int,
    schedule: GradualPruningSchedule,
    strategy_file: Path,
    recipe: Recipe,
    scores_file: Path,
    metrics: Path,
    checkpoints: CheckpointStore | None = None,
    progress: TextIO | None = None,
) -> None:
    """Write the score of each B matrix. analysis: `ise` or `lsp`; strategy_file: of weight learning."""
    model = load_base_model(base_model)
    ranks = dict.fromkeys(languages, rank)
    router, placed = add_lslo(model, ranks, IndexStrategy.read(strategy_file), seed=recipe.seed)
    subspaces = SubspaceAnalysis(analysis, placed, languages, schedule)
    corpus = TokenizedCorpus.of(read_split(corpus_folder, languages), Tokenizer(base_model))
    examples = corpus.examples(all_directions(languages))
    train(
        model,
        corpus,
        lambda epoch: examples,
        recipe,
        router=router,
        pruners=[subspaces.pruner],
        metrics=metrics,
        checkpoints=checkpoints,
        progress=progress,
    )
    subspaces.scores().to_csv(scores_file, index=False, float_format="%.4f", lineterminator="\n")
    if checkpoints:
        checkpoints.remove()


if "snakemake" in globals():
    with job(snakemake.log[0], snakemake.threads) as terminal:
        main(
            snakemake.wildcards.analysis,
            Path(snakemake.input.base_model[0]).parent,
            Path(snakemake.input.corpus[0]).parent,
            snakemake.params.languages,
            snakemake.params.rank,
            GradualPruningSchedule(**snakemake.params.schedule),
            Path(snakemake.input.strategy),
            Recipe(**snakemake.params.recipe),
            Path(snakemake.output.scores),
            Path(snakemake.output.metrics),
            CheckpointStore(snakemake.params.state, state_fingerprint(snakemake.input, snakemake.params)),
            terminal,
        )
