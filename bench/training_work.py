"""Sentence pairs to train on, in batches that mix directions and in batches of a single direction."""

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

# The number of rows of the demo corpus's pretraining split, which has many more than the demo's `dev`.
EMBEDDED_ROWS = 3000
# The rows of a direction fill about this many batches, and one of them is taken: its sentences have similar
# lengths, as they have where batches are planned over much text.
BATCHES_TO_CHOOSE_FROM = 6
# The share of its token budget that a full batch uses at least.
FULL = 0.9

Batches = list[np.ndarray]


@dataclass(frozen=True)
class TrainingData:
    """The same sentence pairs in two arrangements.

    A batch is an array of examples [n, 3]; an update is a sequence of batches.

    Attributes:
        corpus: The sentences.
        mixed: Updates whose batches mix directions, as lslo trains.
        homogeneous: The same number of updates, whose batches have one direction each.
    """

    corpus: TokenizedCorpus
    mixed: list[Sequence[np.ndarray]]
    homogeneous: list[Sequence[np.ndarray]]

    @classmethod
    def read(cls, work: Work) -> TrainingData:
        """Reads the folder that `write_training_work` or `write_small_training_work` wrote."""
        corpus = TokenizedCorpus.of(work.content["sources"], work.tokenizer)
        mixed, homogeneous = (
            [np.array(batch) for batch in work.content[name]] for name in ("mixed", "homogeneous")
        )
        updates = group_into_updates(mixed, work.size.batches_per_update)
        # Batches of a direction with few pairs are small, and an update needs more of them.
        return cls(corpus, updates, group_into_updates(homogeneous, -(-len(homogeneous) // len(updates))))


def random_parallel_sentences(
    languages: Sequence[str], pieces: int, rows: int, generator: np.random.Generator
) -> dict[str, list[str]]:
    """Draws sentences for NumberTokenizer; the sentences of a row are about equally long in all languages.

    Args:
        languages: The languages.
        pieces: The number of pieces; ids below 4 are special tokens and are not drawn.
        rows: The number of sentences in each language.
        generator: The source of randomness.

    Returns:
        The sentences of each language.
    """
    common = generator.normal(LOG_LENGTH, LOG_DEVIATION, rows)
    found = {}
    for language in languages:
        lengths = np.clip(np.exp(common + generator.normal(0, 0.1, rows)), 5, 80).astype(int)
        found[language] = [" ".join(map(str, generator.integers(4, pieces, length))) for length in lengths]
    return found


def _padded_tokens(corpus: TokenizedCorpus, batch: np.ndarray) -> int:
    """Returns the part of the token budget that a batch uses: its pairs times its longest side."""
    sides = (corpus.lengths[batch[:, side], batch[:, 2]] for side in (0, 1))
    return len(batch) * int(np.maximum(*sides).max())


def trained_directions(languages: Sequence[str], number: int) -> list[tuple[str, str]]:
    """Returns pairs of neighbours on the circle of languages, evenly spread over the circle.

    Args:
        languages: The languages, in the order of the circle.
        number: The number of directions.
    """
    places = np.linspace(0, len(languages), number, endpoint=False).round().astype(int)
    return [(languages[place], languages[(place + 1) % len(languages)]) for place in places]


def one_batch(
    corpus: TokenizedCorpus, direction: tuple[str, str], budget: int, generator: np.random.Generator
) -> np.ndarray:
    """Plans batches of all rows of a direction and returns a full one, an array of examples [n, 3].

    Args:
        corpus: The sentences.
        direction: The direction (source, target).
        budget: The most padded tokens of a batch.
        generator: The source of randomness.
    """
    examples = corpus.examples([direction])
    present = np.logical_and(*(corpus.lengths[examples[:, side], examples[:, 2]] > 0 for side in (0, 1)))
    batches = plan_batches(corpus, examples[present], budget, generator)
    full = [batch for batch in batches if _padded_tokens(corpus, batch) >= FULL * budget]
    # The batches are in random order, so the last full one is as good as any; without one, the largest.
    return (full or sorted(batches, key=len))[-1]


def write_small_training_work(folder: Path, size: Size, setting: str) -> Work:
    """Writes training work in which each direction has only the demo's `dev`: too few pairs for a full batch.

    Args:
        folder: The folder to write to.
        size: The size of the work.
        setting: The adapter's setting, such as `2;2;8`.
    """
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
    """Writes training work with one full batch of each direction.

    A language is at most once a source and at most once a target.

    Args:
        folder: The folder to write to.
        size: The size of the work.
        setting: The adapter's setting, such as `2;2;8`.
    """
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
