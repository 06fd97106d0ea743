"""The text of random models: numbers, one a token, behind the same methods as lslo's Tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class NumberTokenizer:
    """`17 23` are the tokens 17 and 23; language tokens follow the pieces.

    pieces: ids 4 to pieces − 1 may be text. languages: their tokens are pieces, pieces + 1, ….
    """

    pad, end_of_sentence, unknown = 1, 2, 3

    def __init__(self, pieces: int, languages: Sequence[str]):
        self.language_tokens = {language: pieces + place for place, language in enumerate(languages)}

    def encode(self, sentences: Iterable[str]) -> list[list[int]]:
        """The ids of each sentence."""
        return [[int(number) for number in sentence.split()] for sentence in sentences]

    def decode(self, ids: Iterable[Sequence[int]]) -> list[str]:
        """The sentence of each sequence of ids, without `</s>`."""
        return [
            " ".join(str(int(index)) for index in sequence if int(index) != self.end_of_sentence)
            for sequence in ids
        ]

    def language_token(self, language: str) -> int:
        """Id of the language's token."""
        return self.language_tokens[language]
