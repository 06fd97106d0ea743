"""Translate `devtest` in every direction with one setting."""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from lslo.corpus.plain_text import read_split, write_sentences
from lslo.job import job
from lslo.model.adapter import load_with_adapter
from lslo.tokenizer import Tokenizer
from lslo.translation import Decoding, translate


def main(
    base_model: Path,
    adapter: Path | None,
    corpus_folder: Path,
    languages: Sequence[str],
    directions: Sequence[tuple[str, str]],
    decoding: Decoding,
    output: Path,
    progress: TextIO | None = None,
) -> None:
    """Write `{output}/{source}-{target}.txt`, each line-aligned. adapter: None for the base model."""
    model, router = load_with_adapter(base_model, adapter)
    hypotheses = translate(
        model,
        Tokenizer(base_model),
        read_split(corpus_folder, languages),
        directions,
        decoding,
        router=router,
        progress=progress,
    )
    output.mkdir(parents=True, exist_ok=True)
    for (source, target), sentences in hypotheses.items():
        write_sentences(output / f"{source}-{target}.txt", sentences)


if "snakemake" in globals():
    with job(snakemake.log[0], snakemake.threads) as terminal:
        main(
            Path(snakemake.input.base_model[0]).parent,
            Path(snakemake.input.adapter) if snakemake.input.get("adapter") else None,
            Path(snakemake.input.corpus[0]).parent,
            snakemake.params.languages,
            [tuple(direction) for direction in snakemake.params.directions],
            Decoding(**snakemake.params.translation),
            Path(snakemake.output.hypotheses),
            terminal,
        )
