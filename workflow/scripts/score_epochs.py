"""Scores the translations after each epoch, beside the base model's and the final ones (Figure 3)."""

from pathlib import Path

from lslo.experiment.provenance import recorded
from lslo.running.script import script_job
from lslo.scoring.evaluation import EvaluationSet, score_epochs

if "snakemake" in globals():
    with script_job(snakemake.log[0]), recorded(snakemake):
        evaluation_set = EvaluationSet.read(
            Path(snakemake.input.corpus[0]).parent,
            snakemake.params.languages,
            snakemake.params.directions,
            tokenizer=snakemake.params.tokenizer,
            base_model=Path(snakemake.input.base_model[0]).parent,
        )
        score_epochs(
            Path(snakemake.input.hypotheses),
            evaluation_set,
            Path(snakemake.output.scores),
            epochs=snakemake.params.epochs,
            base_model_scores=Path(snakemake.input.pretrain),
            final_scores=Path(snakemake.input.final),
        )
