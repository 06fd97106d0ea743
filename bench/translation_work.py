"""Sentences to translate: from the demo's corpus, or random ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sizes import Size
from work import (
    LOG_DEVIATION,
    LOG_LENGTH,
    Work,
    embedded_corpus,
    experiment_of_demo,
    spread_directions,
    write_content,
    write_model_and_adapter,
)


def random_sentences(pieces: int, rows: int, generator: np.random.Generator) -> list[str]:
    """Draws sentences for NumberTokenizer, 25 tokens long on average, distributed as FLORES-101's are.

    Args:
        pieces: The number of pieces; ids below 4 are special tokens and are not drawn.
        rows: The number of sentences.
        generator: The source of randomness.
    """
    lengths = np.clip(generator.lognormal(LOG_LENGTH, LOG_DEVIATION, rows), 5, 80).astype(int)
    return [" ".join(map(str, generator.integers(4, pieces, length))) for length in lengths]


def write_translation_work(folder: Path, size: Size, setting: str) -> Work:
    """Writes a model, an adapter and sentences to translate.

    The size `embedded` translates the demo corpus's devtest, which is also its references; other sizes have
    random sentences and no references.

    Args:
        folder: The folder to write to.
        size: The size of the work.
        setting: The adapter's setting, such as `2;2;8`.
    """
    experiment = experiment_of_demo()
    work = write_model_and_adapter(folder, size, setting, experiment)
    languages = list(experiment.resource_classes)
    if size.shape is None:
        rows = embedded_corpus(experiment).devtest[: size.rows]
        sources = {language: [phrase.sentences[language] for phrase in rows] for language in languages}
    else:
        generator = np.random.default_rng(1)
        sources = {
            language: random_sentences(size.shape["pieces"], size.rows, generator) for language in languages
        }
    write_content(
        work,
        work.content
        | {
            "directions": spread_directions(languages, size.directions),
            "sources": sources,
            "references": sources if size.shape is None else None,
        },
    )
    return work
