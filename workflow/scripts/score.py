"""Score the translations of one setting."""

from collections.abc import Sequence
from pathlib import Path

from lslo.corpus.plain_text import read_hypotheses, read_split
from lslo.job import job
from lslo.scoring import score_directions, spbleu_tokenizer, write_scores


def main(
    hypotheses_folder: Path,
    corpus_folder: Path,
    languages: Sequence[str],
    directions: Sequence[tuple[str, str]],
    tokenizer: str,
    base_model: Path,
    output: Path,
) -> None:
    """Write spBLEU and chrF++ of each direction. tokenizer: `flores101`, or `base_model` for its own."""
    hypotheses = {
        (source, target): read_hypotheses(hypotheses_folder / f"{source}-{target}.txt")
        for source, target in directions
    }
    write_scores(
        score_directions(
            hypotheses, read_split(corpus_folder, languages), spbleu_tokenizer(tokenizer, base_model)
        ),
        output,
    )


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            Path(snakemake.input.hypotheses),
            Path(snakemake.input.corpus[0]).parent,
            snakemake.params.languages,
            [tuple(direction) for direction in snakemake.params.directions],
            snakemake.params.tokenizer,
            Path(snakemake.input.base_model[0]).parent,
            Path(snakemake.output.scores),
        )
