"""Fine-tune one setting with one seed."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from lslo.batching import TokenizedCorpus
from lslo.checkpoints import CheckpointStore
from lslo.corpus.plain_text import read_split
from lslo.finetuning import fine_tune
from lslo.job import job
from lslo.settings import Setting
from lslo.tokenizer import Tokenizer
from lslo.training import Recipe
from lslo.training_jobs import state_fingerprint


def main(
    setting: Setting,
    base_model: Path,
    corpus_folder: Path,
    resource_classes: Mapping[str, str],
    recipe: Recipe,
    pruning: tuple[int, int],
    strategy_file: Path | None,
    output: Path,
    metrics: Path,
    parameters: Path,
    epochs: Path,
    keep_epochs: bool,
    state: Path,
    fingerprint: str,
    progress: TextIO | None = None,
) -> None:
    """Write the adapter folder, and the adapters after each epoch into `epochs` where they are to be kept.

    state: the folder of the training state; what belongs to the fingerprint there is continued.
    """
    checkpoints = CheckpointStore(state, fingerprint)
    # Snakemake deletes declared outputs before a job starts again; what a continued job needs lies beside
    # the state until the job is done.
    kept = state / "epochs"
    if checkpoints.load() is None:
        shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True, exist_ok=True)
    corpus = TokenizedCorpus.of(read_split(corpus_folder, list(resource_classes)), Tokenizer(base_model))
    fine_tune(
        setting,
        base_model,
        corpus,
        resource_classes,
        recipe,
        pruning=pruning,
        learned_strategy=strategy_file,
        output=output,
        metrics=metrics,
        parameters=parameters,
        epochs_output=kept if keep_epochs else None,
        checkpoints=checkpoints,
        progress=progress,
    )
    # Copied, and the state removed before its source: killed in between, the job can still be continued.
    shutil.copytree(kept, epochs)
    checkpoints.path.unlink()
    shutil.rmtree(state)


if "snakemake" in globals():
    with job(snakemake.log[0], snakemake.threads) as terminal:
        main(
            Setting.from_slug(snakemake.wildcards.setting),
            Path(snakemake.input.base_model[0]).parent,
            Path(snakemake.input.corpus[0]).parent,
            snakemake.params.resource_classes,
            Recipe(**snakemake.params.recipe),
            tuple(snakemake.params.pruning),
            Path(snakemake.input.strategy) if snakemake.input.get("strategy") else None,
            Path(snakemake.output.adapter),
            Path(snakemake.output.metrics),
            Path(snakemake.output.parameters),
            Path(snakemake.output.epochs),
            snakemake.params.keep_epochs,
            Path(snakemake.params.state),
            state_fingerprint(snakemake.input, snakemake.params),
            terminal,
        )
