"""A tokenizer for random models, whose text is numbers: one number is one token."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class NumberTokenizer:
    """A tokenizer with the methods of lslo's Tokenizer, in which the text `17 23` is the tokens 17 and 23.

    Args:
        pieces: The number of pieces; the ids from 4 to pieces − 1 are text.
        languages: The languages, whose tokens have the ids pieces, pieces + 1, ….
    """

    pad, end_of_sentence, unknown = 1, 2, 3

    def __init__(self, pieces: int, languages: Sequence[str]):
        self.language_tokens = {language: pieces + place for place, language in enumerate(languages)}

    def encode(self, sentences: Iterable[str]) -> list[list[int]]:
        """Returns the ids of each sentence."""
        return [[int(number) for number in sentence.split()] for sentence in sentences]

    def decode(self, ids: Iterable[Sequence[int]]) -> list[str]:
        """Returns the sentence of each sequence of ids, without `</s>`."""
        return [
            " ".join(str(int(index)) for index in sequence if int(index) != self.end_of_sentence)
            for sequence in ids
        ]

    def language_token(self, language: str) -> int:
        """Returns the id of a language's token."""
        return self.language_tokens[language]
