"""Writes the corpus of an experiment: phrases of CLDR, or a checked copy of a user's own text."""

from pathlib import Path

from lslo.corpus.cldr.corpus import write_held_out
from lslo.corpus.plain_text import copy_corpus
from lslo.experiment.cldr_corpus import cldr_corpus
from lslo.experiment.config_text_and_model import CldrPhrases
from lslo.experiment.provenance import recorded
from lslo.running.script import script_job

with script_job(snakemake.log[0]), recorded(snakemake):
    output = Path(snakemake.output[0]).parents[1]
    embedded, text = snakemake.params.embedded, snakemake.params.text
    if embedded:
        section = CldrPhrases.model_validate(embedded)
        write_held_out(cldr_corpus(section, snakemake.params.resource_classes), output)
    else:
        copy_corpus(Path(text["folder"]), text["paths"], output)
