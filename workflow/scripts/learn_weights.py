"""Weight learning (Section 4.1): train source- and target-indexed LSLo modules side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from lslo.batching import TokenizedCorpus
from lslo.checkpoints import CheckpointStore
from lslo.corpus.plain_text import read_split
from lslo.job import job
from lslo.languages import all_directions
from lslo.model.loading import load_base_model
from lslo.model.placement import add_weighted_lslo
from lslo.tokenizer import Tokenizer
from lslo.training import Recipe, train
from lslo.training_jobs import state_fingerprint
from lslo.weight_learning import learned_strategy, weights_table


def main(
    base_model: Path,
    corpus_folder: Path,
    languages: Sequence[str],
    rank: int,
    recipe: Recipe,
    weights_file: Path,
    strategy_file: Path,
    metrics: Path,
    checkpoints: CheckpointStore | None = None,
    progress: TextIO | None = None,
) -> None:
    """Write the weight of source and target of each layer, and the index strategy they choose."""
    model = load_base_model(base_model)
    router, weights = add_weighted_lslo(model, languages, rank, seed=recipe.seed)
    corpus = TokenizedCorpus.of(read_split(corpus_folder, languages), Tokenizer(base_model))
    examples = corpus.examples(all_directions(languages))
    train(
        model,
        corpus,
        lambda epoch: examples,
        recipe,
        router=router,
        metrics=metrics,
        checkpoints=checkpoints,
        progress=progress,
    )
    table = weights_table(weights)
    table.to_csv(weights_file, index=False, float_format="%.6f", lineterminator="\n")
    learned_strategy(table).write(strategy_file)
    if checkpoints:
        checkpoints.remove()


if "snakemake" in globals():
    with job(snakemake.log[0], snakemake.threads) as terminal:
        main(
            Path(snakemake.input.base_model[0]).parent,
            Path(snakemake.input.corpus[0]).parent,
            snakemake.params.languages,
            snakemake.params.rank,
            Recipe(**snakemake.params.recipe),
            Path(snakemake.output.weights),
            Path(snakemake.output.strategy),
            Path(snakemake.output.metrics),
            CheckpointStore(snakemake.params.state, state_fingerprint(snakemake.input, snakemake.params)),
            terminal,
        )
