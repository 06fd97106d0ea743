"""A corpus as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lslo.base_model.tokenizer import Tokenizer


@dataclass(frozen=True)
class TokenizedCorpus:
    """Token ids of a corpus, sequences complete with language token and `</s>`.

    languages: codes; an index below means a place in this tuple.
    sentences: sentences[language index][row] is `[language token, x…, </s>]`, int64, or None where the
    language lacks the row.
    lengths: [languages, rows] number of tokens of each, 0 where lacking.
    """

    languages: tuple[str, ...]
    sentences: tuple[tuple[np.ndarray | None, ...], ...]
    lengths: np.ndarray
    pad: int
    end_of_sentence: int

    @classmethod
    def of(cls, corpus: dict[str, Sequence[str | None]], tokenizer: Tokenizer) -> TokenizedCorpus:
        """Tokenise a corpus, given as language -> sentences, the same number of rows for each."""
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
        """Target tokens of batches of examples [n, 3], language token and `</s>` included."""
        return sum(int(self.lengths[examples[:, 1], examples[:, 2]].sum()) for examples in batches)

    def examples(self, directions: Sequence[tuple[str, str]]) -> np.ndarray:
        """Every row of every direction once: int array [examples, 3] of source, target (indices) and row."""
        place = {language: index for index, language in enumerate(self.languages)}
        pairs = np.array([(place[source], place[target]) for source, target in directions])
        rows = self.lengths.shape[1]
        return np.column_stack([np.repeat(pairs, rows, axis=0), np.tile(np.arange(rows), len(pairs))])

    def describe(self, examples: np.ndarray) -> str:
        """Examples [n, 3] as a person can look them up: `en-fr 3, 17; fr-oc 4`, lines counted from 1."""
        lines: dict[str, list[str]] = {}
        for source, target, row in sorted(map(tuple, examples.tolist())):
            direction = f"{self.languages[source]}-{self.languages[target]}"
            lines.setdefault(direction, []).append(str(row + 1))
        return "; ".join(f"{direction} {', '.join(rows)}" for direction, rows in lines.items())


def pad_sequences(sequences: Sequence[np.ndarray], pad: int) -> np.ndarray:
    """[sequences, longest] filled with `pad` on the right, int64."""
    padded = np.full((len(sequences), max(map(len, sequences))), pad, dtype=np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded
