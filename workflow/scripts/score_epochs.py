"""Score the translations after each epoch, beside the base model's and the final ones (Figure 3)."""

from collections.abc import Sequence
from pathlib import Path

from lslo.corpus.plain_text import read_hypotheses, read_split
from lslo.experiment.provenance import recorded
from lslo.running.script import script_job
from lslo.scoring.directions import epoch_scores, score_directions
from lslo.scoring.score_files import read_scores, write_scores
from lslo.scoring.spbleu_tokenizer import spbleu_tokenizer


def main(
    epochs_folder: Path,
    pretrain_scores: Path,
    final_scores: Path,
    epochs: int,
    corpus_folder: Path,
    languages: Sequence[str],
    directions: Sequence[tuple[str, str]],
    tokenizer: str,
    base_model: Path,
    output: Path,
) -> None:
    """Write `epoch_scores.csv`: epoch 0 is the base model, epoch `epochs` the fine-tuned setting."""
    references, spbleu = read_split(corpus_folder, languages), spbleu_tokenizer(tokenizer, base_model)
    scores = {0: _only(read_scores(pretrain_scores), directions)}
    for epoch in range(1, epochs):
        folder = epochs_folder / f"epoch{epoch}"
        hypotheses = {
            (source, target): read_hypotheses(folder / f"{source}-{target}.txt")
            for source, target in directions
        }
        scores[epoch] = score_directions(hypotheses, references, spbleu)
    scores[epochs] = _only(read_scores(final_scores), directions)
    write_scores(epoch_scores(scores), output)


def _only(scores, directions: Sequence[tuple[str, str]]):
    wanted = set(directions)
    rows = [direction in wanted for direction in zip(scores["source"], scores["target"], strict=True)]
    return scores[rows]


if "snakemake" in globals():
    with script_job(snakemake.log[0]), recorded(snakemake):
        main(
            Path(snakemake.input.hypotheses),
            Path(snakemake.input.pretrain),
            Path(snakemake.input.final),
            snakemake.params.epochs,
            Path(snakemake.input.corpus[0]).parent,
            snakemake.params.languages,
            [tuple(direction) for direction in snakemake.params.directions],
            snakemake.params.tokenizer,
            Path(snakemake.input.base_model[0]).parent,
            Path(snakemake.output.scores),
        )
