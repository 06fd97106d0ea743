"""The lengths of a corpus's sentences: counted if text and tokenizer are on the disk, estimated if not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lslo.corpus.plain_text import read_parallel
from lslo.experiment.cldr_corpus import cldr_corpus
from lslo.experiment.experiment import Experiment
from lslo.planning.token_counts import SPECIAL_TOKENS, lengths_of_characters, lengths_of_distribution

# The sentences of FLORES-101's splits. In the mean over its 101 languages, a sentence of devtest has 133
# characters and 200 bytes; the standard deviation of a language's sentences is 0.36 of their mean.
FLORES_ROWS = {"dev": 997, "devtest": 1012}
FLORES_PIECES = 38.0
FLORES_VARIATION = 0.36
FLORES_BYTES = 201.4
CHARACTERS_PER_PIECE = 133.3 / FLORES_PIECES
# The most sentences of a split that are tokenised; some ten thousand take a second.
MOST_TOKENISED = 30_000


@dataclass(frozen=True, eq=False)
class SplitSizes:
    """The lengths of the sentences of one split of the corpus.

    Attributes:
        languages: The languages' codes.
        lengths: Tokens of each sentence [languages, rows], language token and `</s>` included.
        bytes: Size of the text of all languages.
        source: The origin of the numbers, in words.
    """

    languages: tuple[str, ...]
    lengths: np.ndarray
    bytes: float
    source: str

    def lengths_of(self, languages: Sequence[str]) -> np.ndarray:
        """Returns the tokens of the sentences [languages, rows] of some of the languages."""
        return self.lengths[[self.languages.index(language) for language in languages]]

    @property
    def rows(self) -> int:
        """The number of sentences of each language."""
        return self.lengths.shape[1]


def split_sizes(experiment: Experiment, split: str, model: Path | None) -> SplitSizes:
    """Returns the sizes of a split.

    Args:
        experiment: The experiment.
        split: `dev` or `devtest`.
        model: The folder of the base model; None if the model is not on the disk yet.

    Raises:
        ValueError: A text cannot be read.
    """
    found = _text(experiment, split)
    if found is None:
        return _flores_sizes(split, tuple(experiment.codes))
    text, origin = found
    size = sum(len(sentence.encode()) + 1 for rows in text.values() for sentence in rows)
    lengths, method = _lengths(text, model, experiment.model_codes)
    return SplitSizes(tuple(experiment.codes), lengths, size, f"{split}: {origin}, {method}")


def _flores_sizes(split: str, languages: tuple[str, ...]) -> SplitSizes:
    """Estimates the sizes of a split that is not on the disk yet."""
    rows = FLORES_ROWS[split]
    lengths = lengths_of_distribution(len(languages), rows, FLORES_PIECES, FLORES_VARIATION)
    source = (
        f"{split}: estimated, because the text is not on the disk yet: {rows:,} sentences as in FLORES-101, "
        f"{FLORES_PIECES:.0f} pieces each on average"
    )
    return SplitSizes(languages, lengths, FLORES_BYTES * rows * len(languages), source)


def _text(experiment: Experiment, split: str) -> tuple[Mapping[str, Sequence[str]], str] | None:
    """Returns the sentences of each language, and where they come from; None if they are not on the disk."""
    paths = experiment.paths
    made = {language: paths.text(split, language) for language in experiment.codes}
    if all(path.is_file() for path in made.values()):
        return read_parallel(made), f"the text in {paths.corpus}"
    if experiment.config.corpus.embedded:
        return _cldr_text(experiment, split), "phrases of the CLDR"
    folder = experiment.text_folder
    files = {language: folder / path for language, path in experiment.text_paths[split].items()}
    if not all(path.is_file() for path in files.values()):
        return None
    return read_parallel(files), f"the text in {folder}"


def _cldr_text(experiment: Experiment, split: str) -> dict[str, list[str]]:
    # The phrases for pretraining are drawn independently and are not needed here.
    corpus = cldr_corpus(experiment.config.corpus.embedded, experiment.resource_classes, pretrain_rows=0)
    phrases = getattr(corpus, split)
    return {language: [phrase.sentences[language] for phrase in phrases] for language in experiment.codes}


def _lengths(
    text: Mapping[str, Sequence[str]], model: Path | None, codes: Mapping[str, str]
) -> tuple[np.ndarray, str]:
    """Returns the tokens of each sentence [languages, rows], and how they were counted, for a reader."""
    characters = lengths_of_characters(text, 1.0) - SPECIAL_TOKENS
    encode = _encoder(model, codes) if model else None
    if encode is None:
        method = (
            f"tokens estimated at {CHARACTERS_PER_PIECE:.1f} characters per piece, as in FLORES-101, because "
            "the base model's tokenizer is not on the disk yet"
        )
        return characters / CHARACTERS_PER_PIECE + SPECIAL_TOKENS, method
    rows = characters.shape[1]
    step = -(-characters.size // MOST_TOKENISED)
    pieces = np.array(
        [[len(ids) for ids in encode(sentences[::step])] for sentences in text.values()], dtype=float
    )
    if step == 1:
        return pieces + SPECIAL_TOKENS, "tokens counted with the base model's tokenizer"
    # The other sentences have the mean characters per piece of their language.
    ratio = characters[:, ::step].sum(axis=1) / pieces.sum(axis=1)
    return (
        characters / ratio[:, None] + SPECIAL_TOKENS,
        f"tokens estimated from {pieces.shape[1]:,} tokenised sentences of {rows:,} in each language",
    )


def _encoder(model: Path, codes: Mapping[str, str]) -> Callable[[Iterable[str]], list[list[int]]] | None:
    """Returns the function that tokenises sentences; None if the model has no tokenizer yet."""
    # transformers takes seconds to import.
    from lslo.base_model.tokenizer import Tokenizer

    try:
        return Tokenizer(model, codes).encode
    except (ValueError, FileNotFoundError):
        return None
