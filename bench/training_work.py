"""Sentence pairs to train on, in batches that mix directions and in batches of one direction each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lslo.corpus.tokenized import TokenizedCorpus
from lslo.training.batches import group_into_updates, plan_batches
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

# Rows of the embedded corpus's pretraining split, which has many more than the demo's `dev`.
EMBEDDED_ROWS = 3000
# Batches that a direction's rows fill, of which one is taken, so that its sentences are of similar length.
BATCHES_TO_CHOOSE_FROM = 6
# How much of its budget a batch should use.
FULL = 0.9

Batches = list[np.ndarray]


@dataclass(frozen=True)
class TrainingData:
    """The same sentence pairs twice.

    mixed: updates of batches of examples [n, 3], directions mixed, as lslo trains. homogeneous: as many
    updates, of batches of one direction each, one batch a direction.
    """

    corpus: TokenizedCorpus
    mixed: list[Sequence[np.ndarray]]
    homogeneous: list[Sequence[np.ndarray]]

    @classmethod
    def read(cls, work: Work) -> TrainingData:
        """Of a folder that `write_training_work` wrote."""
        corpus = TokenizedCorpus.of(work.content["sources"], work.tokenizer)
        mixed, homogeneous = (
            [np.array(batch) for batch in work.content[name]] for name in ("mixed", "homogeneous")
        )
        updates = group_into_updates(mixed, work.size.batches_per_update)
        # Where a direction has few pairs its batches are small, and more of them make an update.
        return cls(corpus, updates, group_into_updates(homogeneous, -(-len(homogeneous) // len(updates))))


def random_parallel_sentences(
    languages: Sequence[str], pieces: int, rows: int, generator: np.random.Generator
) -> dict[str, list[str]]:
    """Language -> sentences, those of a row about equally long."""
    common = generator.normal(LOG_LENGTH, LOG_DEVIATION, rows)
    found = {}
    for language in languages:
        lengths = np.clip(np.exp(common + generator.normal(0, 0.1, rows)), 5, 80).astype(int)
        found[language] = [" ".join(map(str, generator.integers(4, pieces, length))) for length in lengths]
    return found


def _padded_tokens(corpus: TokenizedCorpus, batch: np.ndarray) -> int:
    """What a batch counts of its budget: pairs times the longest side."""
    sides = (corpus.lengths[batch[:, side], batch[:, 2]] for side in (0, 1))
    return len(batch) * int(np.maximum(*sides).max())


def trained_directions(languages: Sequence[str], number: int) -> list[tuple[str, str]]:
    """So many pairs of neighbours on the circle of languages, evenly spread over it."""
    places = np.linspace(0, len(languages), number, endpoint=False).round().astype(int)
    return [(languages[place], languages[(place + 1) % len(languages)]) for place in places]


def one_batch(
    corpus: TokenizedCorpus, direction: tuple[str, str], budget: int, generator: np.random.Generator
) -> np.ndarray:
    """A full batch of a direction, of similar lengths, as training on all its rows would have it."""
    examples = corpus.examples([direction])
    present = np.logical_and(*(corpus.lengths[examples[:, side], examples[:, 2]] > 0 for side in (0, 1)))
    batches = plan_batches(corpus, examples[present], budget, generator)
    full = [batch for batch in batches if _padded_tokens(corpus, batch) >= FULL * budget]
    # In random order already.
    return (full or sorted(batches, key=len))[-1]


def write_small_training_work(folder: Path, size: Size, setting: str) -> Work:
    """Directions with no more sentence pairs than the demo's `dev` has: too few for a batch of their own."""
    experiment = experiment_of_demo()
    work = write_model_and_adapter(folder, size, setting, experiment)
    languages = work.content["languages"]
    phrases = embedded_corpus(experiment).dev
    sources = {language: [one.sentences[language] for one in phrases] for language in languages}
    corpus = TokenizedCorpus.of(sources, work.tokenizer)
    directions = spread_directions(languages, size.directions)
    generator = np.random.default_rng(1)
    budget = size.tokens_per_batch
    batches = {
        "mixed": plan_batches(corpus, corpus.examples(directions), budget, generator),
        "homogeneous": [
            batch
            for index in generator.permutation(len(directions))
            for batch in plan_batches(corpus, corpus.examples([directions[index]]), budget, generator)
        ],
    }
    content = {name: [batch.tolist() for batch in of] for name, of in batches.items()}
    write_content(work, work.content | {"sources": sources} | content)
    return work


def write_training_work(folder: Path, size: Size, setting: str) -> Work:
    """One full batch of each direction; a language is at most once a source and once a target."""
    experiment = experiment_of_demo()
    work = write_model_and_adapter(folder, size, setting, experiment)
    languages = work.content["languages"]
    generator = np.random.default_rng(1)
    if size.shape is None:
        phrases = embedded_corpus(experiment, EMBEDDED_ROWS).pretrain
        sources = {language: [one.sentences.get(language) for one in phrases] for language in languages}
    else:
        rows = max(8, BATCHES_TO_CHOOSE_FROM * size.tokens_per_batch // round(np.exp(LOG_LENGTH)))
        sources = random_parallel_sentences(languages, size.shape["pieces"], rows, generator)
    corpus = TokenizedCorpus.of(sources, work.tokenizer)
    budget = size.tokens_per_batch
    homogeneous = [
        one_batch(corpus, direction, budget, generator)
        for direction in trained_directions(languages, size.trained_directions)
    ]
    mixed = plan_batches(corpus, np.concatenate(homogeneous), budget, generator)
    batches = {
        "mixed": mixed,
        "homogeneous": [homogeneous[i] for i in generator.permutation(len(homogeneous))],
    }
    content = {name: [batch.tolist() for batch in of] for name, of in batches.items()}
    write_content(work, work.content | {"sources": sources} | content)
    return work
