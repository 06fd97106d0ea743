"""Score the translations of one setting."""

from collections.abc import Sequence
from pathlib import Path

from lslo.corpus.plain_text import read_hypotheses, read_split
from lslo.experiment.provenance import recorded
from lslo.running.script import script_job
from lslo.scoring.bleu import direction_statistics
from lslo.scoring.directions import score_directions
from lslo.scoring.score_files import write_scores, write_statistics
from lslo.scoring.spbleu_tokenizer import spbleu_tokenizer


def main(
    hypotheses_folder: Path,
    corpus_folder: Path,
    languages: Sequence[str],
    directions: Sequence[tuple[str, str]],
    tokenizer: str,
    base_model: Path,
    scores_file: Path,
    statistics_file: Path,
) -> None:
    """Write spBLEU and chrF++ of each direction, and the counts of each sentence that spBLEU is made from.

    tokenizer: `flores101`, or `base_model` for its own.
    """
    hypotheses = {
        (source, target): read_hypotheses(hypotheses_folder / f"{source}-{target}.txt")
        for source, target in directions
    }
    references = read_split(corpus_folder, languages)
    spbleu = spbleu_tokenizer(tokenizer, base_model)
    statistics = direction_statistics(hypotheses, references, spbleu)
    write_statistics(statistics, statistics_file)
    write_scores(score_directions(hypotheses, references, spbleu, statistics), scores_file)


if "snakemake" in globals():
    with script_job(snakemake.log[0]), recorded(snakemake):
        main(
            Path(snakemake.input.hypotheses),
            Path(snakemake.input.corpus[0]).parent,
            snakemake.params.languages,
            [tuple(direction) for direction in snakemake.params.directions],
            snakemake.params.tokenizer,
            Path(snakemake.input.base_model[0]).parent,
            Path(snakemake.output.scores),
            Path(snakemake.output.statistics),
        )
