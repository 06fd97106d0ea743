"""Hypotheses of all directions to score, made from the demo's corpus."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lslo.experiment.languages import all_directions
from sizes import Size
from work import Work, embedded_corpus, experiment_of_demo, write_content

# The shares of a hypothesis's words that are left out, and that change places with the next word.
DROPPED, SWAPPED = 0.15, 0.15
# FLORES-101's sentences are about this many of the corpus's phrases long.
PHRASES_IN_A_SENTENCE = 3


def damaged(sentence: str, generator: np.random.Generator) -> str:
    """Leaves out some words of a sentence and swaps others; characters where the sentence has no spaces."""
    joint = " " if " " in sentence else ""
    words = sentence.split(" ") if joint else list(sentence)
    kept = [word for word, draw in zip(words, generator.random(len(words)), strict=True) if draw >= DROPPED]
    for place in np.flatnonzero(generator.random(max(len(kept) - 1, 0)) < SWAPPED):
        kept[place], kept[place + 1] = kept[place + 1], kept[place]
    return joint.join(kept)


def write_scoring_work(folder: Path, size: Size) -> Work:
    """Writes references in each language, and hypotheses of every direction, each damaged differently.

    Args:
        folder: The folder to write to.
        size: The size of the work, whose `lines` is the number of references in each language.
    """
    experiment = experiment_of_demo()
    work = Work(folder)
    languages = list(experiment.resource_classes)
    phrases = embedded_corpus(experiment)
    generator = np.random.default_rng(1)
    rows = [*phrases.dev, *phrases.devtest]
    # Each sentence is a random combination of phrases, since there are fewer phrases than sentences.
    chosen = generator.integers(len(rows), size=(size.lines, PHRASES_IN_A_SENTENCE))
    references = {
        language: [". ".join(rows[row].sentences[language] for row in one) for one in chosen]
        for language in languages
    }
    # Scoring is of all directions, as in a test set, however few the translation work has.
    directions = all_directions(languages)
    hypotheses = {
        f"{source}-{target}": [damaged(sentence, generator) for sentence in references[target]]
        for source, target in directions
    }
    content = {
        "size": size.as_dictionary(),
        "languages": languages,
        "directions": directions,
        "references": references,
        "hypotheses": hypotheses,
    }
    write_content(work, content)
    return work
