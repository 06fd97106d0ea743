"""A corpus as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lslo.base_model.tokenizer import Tokenizer


@dataclass(frozen=True)
class TokenizedCorpus:
    """The token ids of a corpus; sequences are complete with language token and `</s>`.

    An example is one row of one direction: the index of the source language, the index of the target language
    and the row.

    Attributes:
        languages: The languages' codes. The index of a language is its place in this tuple.
        sentences: The tokens `[language token, x…, </s>]` (int64) of each language and row, or None where the
            language lacks the row.
        lengths: The number of tokens of each sentence, 0 where it is lacking: [languages, rows].
        pad: The id of the padding token.
        end_of_sentence: The id of `</s>`.
    """

    languages: tuple[str, ...]
    sentences: tuple[tuple[np.ndarray | None, ...], ...]
    lengths: np.ndarray
    pad: int
    end_of_sentence: int

    @classmethod
    def of(cls, corpus: dict[str, Sequence[str | None]], tokenizer: Tokenizer) -> TokenizedCorpus:
        """Tokenises a corpus.

        Args:
            corpus: The rows of each language, the same number for all; None where a language lacks a row.
            tokenizer: The base model's tokenizer.
        """
        sentences = []
        for language, rows in corpus.items():
            token = tokenizer.language_token(language)
            pieces = iter(tokenizer.encode(row for row in rows if row is not None))
            sentences.append(
                tuple(
                    None if row is None else np.array([token, *next(pieces), tokenizer.end_of_sentence])
                    for row in rows
                )
            )
        lengths = np.array([[0 if row is None else len(row) for row in rows] for rows in sentences])
        return cls(tuple(corpus), tuple(sentences), lengths, tokenizer.pad, tokenizer.end_of_sentence)

    def target_tokens(self, batches: Sequence[np.ndarray]) -> int:
        """Returns the target tokens of batches of examples [n, 3], language tokens and `</s>` included."""
        return sum(int(self.lengths[examples[:, 1], examples[:, 2]].sum()) for examples in batches)

    def examples(self, directions: Sequence[tuple[str, str]]) -> np.ndarray:
        """Returns every row of every direction once, as examples: int64 [directions · rows, 3].

        Args:
            directions: The codes of source and target language.
        """
        place = {language: index for index, language in enumerate(self.languages)}
        pairs = np.array([(place[source], place[target]) for source, target in directions])
        rows = self.lengths.shape[1]
        return np.column_stack([np.repeat(pairs, rows, axis=0), np.tile(np.arange(rows), len(pairs))])

    def describe(self, examples: np.ndarray) -> str:
        """Returns examples [n, 3] in words for a log: `en-fr 3, 17; fr-oc 4`, lines counted from 1."""
        lines: dict[str, list[str]] = {}
        for source, target, row in sorted(map(tuple, examples.tolist())):
            direction = f"{self.languages[source]}-{self.languages[target]}"
            lines.setdefault(direction, []).append(str(row + 1))
        return "; ".join(f"{direction} {', '.join(rows)}" for direction, rows in lines.items())


def pad_sequences(sequences: Sequence[np.ndarray], pad: int) -> np.ndarray:
    """Returns sequences of ids as one array, filled with `pad` on the right: int64 [sequences, longest]."""
    padded = np.full((len(sequences), max(map(len, sequences))), pad, dtype=np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded
