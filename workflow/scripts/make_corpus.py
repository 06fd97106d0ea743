"""Write the corpus of an experiment: phrases of CLDR, or a copy of one's own text, checked."""

from collections.abc import Mapping
from pathlib import Path

from lslo.corpus.cldr.corpus import build_cldr_corpus, write_split
from lslo.corpus.plain_text import SPLITS, read_parallel, write_sentences
from lslo.experiment.provenance import recorded
from lslo.running.script import job


def main(
    output: Path,
    resource_classes: Mapping[str, str],
    *,
    embedded: Mapping | None = None,
    text: Mapping | None = None,
) -> None:
    """Write `{output}/{split}/{language}.txt` from one of the two sources.

    embedded: the config's corpus.embedded. text: `folder`, and `paths` (split -> language -> path in it).
    """
    languages = list(resource_classes)
    if embedded:
        corpus = build_cldr_corpus(
            resource_classes,
            seed=embedded["seed"],
            sizes=embedded["rows"],
            known_entities=embedded["known_entities"],
            focus_entities=embedded["focus_entities"],
        )
        for split in SPLITS:
            write_split(getattr(corpus, split), languages, output / split)
    else:
        # Both splits are read, and so checked, before anything is written.
        folder = Path(text["folder"])
        splits = {
            split: read_parallel({language: folder / path for language, path in text["paths"][split].items()})
            for split in SPLITS
        }
        for split, sentences_of in splits.items():
            (output / split).mkdir(parents=True, exist_ok=True)
            for language, sentences in sentences_of.items():
                write_sentences(output / split / f"{language}.txt", sentences)


if "snakemake" in globals():
    with job(snakemake.log[0]), recorded(snakemake):
        main(
            Path(snakemake.output[0]).parents[1],
            snakemake.params.resource_classes,
            embedded=snakemake.params.embedded,
            text=snakemake.params.text,
        )
