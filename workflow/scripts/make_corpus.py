"""Writes the corpus of an experiment: phrases of CLDR, or a checked copy of a user's own text."""

from pathlib import Path

from lslo.corpus.cldr.corpus import build_cldr_corpus, write_held_out
from lslo.corpus.plain_text import copy_corpus
from lslo.experiment.provenance import recorded
from lslo.running.script import script_job

with script_job(snakemake.log[0]), recorded(snakemake):
    output = Path(snakemake.output[0]).parents[1]
    embedded, text = snakemake.params.embedded, snakemake.params.text
    if embedded:
        corpus = build_cldr_corpus(
            snakemake.params.resource_classes,
            seed=embedded["seed"],
            sizes=embedded["rows"],
            known_entities=embedded["known_entities"],
            focus_entities=embedded["focus_entities"],
        )
        write_held_out(corpus, output)
    else:
        copy_corpus(Path(text["folder"]), text["paths"], output)
