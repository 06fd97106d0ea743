"""The CLDR corpus that a configuration describes.

`lslo.experiment.experiment` must not import this module: a dry run needs no corpus and starts faster without.
"""

from __future__ import annotations

from collections.abc import Mapping

from lslo.corpus.cldr.corpus import CldrCorpus, build_cldr_corpus
from lslo.experiment.config_text_and_model import CldrPhrases


def cldr_corpus(
    section: CldrPhrases, resource_classes: Mapping[str, str], pretrain_rows: int | None = None
) -> CldrCorpus:
    """Builds the corpus of the configuration's section `corpus.embedded`.

    Args:
        section: The section.
        resource_classes: The class of each language, in the experiment's order.
        pretrain_rows: The number of rows of the pretraining split; None for the section's. `dev` and
            `devtest` do not depend on it.

    Raises:
        ValueError: A language has no CLDR data, a class has no fraction, or there are too few entities
            for the rows.
    """
    sizes = section.rows.model_dump()
    if pretrain_rows is not None:
        sizes["pretrain"] = pretrain_rows
    return build_cldr_corpus(
        resource_classes,
        seed=section.seed,
        sizes=sizes,
        known_entities=section.known_entities,
        focus_entities=section.focus_entities,
    )
