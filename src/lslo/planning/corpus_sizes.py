"""How long the sentences of a configuration's corpus are: counted where the text is there, else estimated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lslo.corpus.cldr.corpus import build_cldr_corpus
from lslo.corpus.plain_text import read_parallel
from lslo.experiment.experiment import Experiment
from lslo.planning.token_counts import SPECIAL_TOKENS, lengths_of_characters, lengths_of_distribution

# FLORES-101, of which dev has 997 and devtest 1,012 sentences. Its devtest in 101 languages has 133
# characters and 200 bytes a sentence in the mean, standard deviation / mean of a language's sentences is
# 0.36.
FLORES_ROWS = {"dev": 997, "devtest": 1012}
FLORES_PIECES = 38.0
FLORES_VARIATION = 0.36
FLORES_BYTES = 201.4
CHARACTERS_PER_PIECE = 133.3 / FLORES_PIECES
# Of a split: more are not tokenised, which takes a second for some ten thousand.
MOST_TOKENISED = 30_000


@dataclass(frozen=True, eq=False)
class SplitSizes:
    """One split of the corpus.

    languages: codes. lengths: [languages, rows] tokens, language token and `</s>` included. bytes: of the
    text of all languages. source: where the numbers are from.
    """

    languages: tuple[str, ...]
    lengths: np.ndarray
    bytes: float
    source: str

    def of(self, languages: Sequence[str]) -> np.ndarray:
        """lengths [languages, rows] of some languages."""
        return self.lengths[[self.languages.index(language) for language in languages]]

    @property
    def rows(self) -> int:
        """Sentences of each language."""
        return self.lengths.shape[1]


def split_sizes(experiment: Experiment, split: str, model: Path | None) -> SplitSizes:
    """The sizes of `dev` or `devtest`.

    model: the base model's folder, None where it is not there yet. Raises ValueError for a text that cannot
    be read.
    """
    found = _text(experiment, split)
    languages = tuple(experiment.codes)
    if found is None:
        rows = FLORES_ROWS[split]
        lengths = lengths_of_distribution(len(languages), rows, FLORES_PIECES, FLORES_VARIATION)
        size = FLORES_BYTES * rows * len(languages)
        source = (
            f"{split}: estimated, the text is not there yet: {rows} sentences as FLORES-101's, "
            f"{FLORES_PIECES:.0f} pieces each in the mean"
        )
        return SplitSizes(languages, lengths, size, source)
    text, where = found
    size = sum(len(sentence.encode()) + 1 for rows in text.values() for sentence in rows)
    lengths, how = _lengths(text, model, experiment.model_codes)
    return SplitSizes(languages, lengths, size, f"{split}: {where}, {how}")


def _text(experiment: Experiment, split: str) -> tuple[Mapping[str, Sequence[str]], str] | None:
    """(language -> sentences, where they are from), None where they are not there yet."""
    paths = experiment.paths
    made = {language: paths.text(split, language) for language in experiment.codes}
    if all(path.is_file() for path in made.values()):
        return read_parallel(made), f"the text of {paths.corpus}"
    embedded = experiment.config.corpus.embedded
    if embedded:
        whole = build_cldr_corpus(
            experiment.resource_classes,
            seed=embedded.seed,
            # What pretraining reads is drawn apart.
            sizes={**embedded.rows.model_dump(), "pretrain": 0},
            known_entities=embedded.known_entities,
            focus_entities=embedded.focus_entities,
        )
        phrases = getattr(whole, split)
        return (
            {language: [phrase.sentences[language] for phrase in phrases] for language in experiment.codes},
            "the embedded corpus",
        )
    folder = experiment.text_folder
    files = {language: folder / path for language, path in experiment.text_paths[split].items()}
    if not all(path.is_file() for path in files.values()):
        return None
    return read_parallel(files), f"the text of {folder}"


def _lengths(
    text: Mapping[str, Sequence[str]], model: Path | None, codes: Mapping[str, str]
) -> tuple[np.ndarray, str]:
    """([languages, rows] tokens, how they were counted)."""
    characters = lengths_of_characters(text, 1.0) - SPECIAL_TOKENS
    encode = _encoder(model, codes) if model else None
    if encode is None:
        per_piece = CHARACTERS_PER_PIECE
        how = (
            f"tokens estimated at {per_piece:.1f} characters a piece, as FLORES-101's have, since the base "
            "model's tokenizer is not there yet"
        )
        return characters / per_piece + SPECIAL_TOKENS, how
    rows = characters.shape[1]
    step = -(-characters.size // MOST_TOKENISED)
    pieces = np.array(
        [[len(ids) for ids in encode(sentences[::step])] for sentences in text.values()], dtype=float
    )
    if step == 1:
        return pieces + SPECIAL_TOKENS, "tokens counted with the base model's tokenizer"
    # The rest by each language's own characters a piece.
    ratio = characters[:, ::step].sum(axis=1) / pieces.sum(axis=1)
    return (
        characters / ratio[:, None] + SPECIAL_TOKENS,
        f"tokens estimated: {pieces.shape[1]} of {rows} lines of each language were tokenised",
    )


def _encoder(model: Path, codes: Mapping[str, str]):
    # transformers takes seconds to import.
    from lslo.base_model.tokenizer import Tokenizer

    try:
        return Tokenizer(model, codes).encode
    except (ValueError, FileNotFoundError):
        return None
