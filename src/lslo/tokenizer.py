"""Sentences to token ids and back, and the language tokens, for every base model of the family."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from transformers import AutoTokenizer


class Tokenizer:
    """The tokenizer of a base model's folder.

    Sequences follow fairseq's M2M models: source `[__src__, x…, </s>]`, decoder input `[</s>, __tgt__, y…]`,
    target `[__tgt__, y…, </s>]`; `encode` returns only the x… or y… between.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{folder}: there is no such base model folder")
        self._tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        self.pad = self._tokenizer.pad_token_id
        self.end_of_sentence = self._tokenizer.eos_token_id
        self.unknown = self._tokenizer.unk_token_id

    def encode(self, sentences: Iterable[str]) -> list[list[int]]:
        """Ids of each sentence's pieces, without language token and `</s>`."""
        tokenizer = self._tokenizer
        return [tokenizer.convert_tokens_to_ids(tokenizer.tokenize(sentence)) for sentence in sentences]

    def decode(self, ids: Iterable[Sequence[int]]) -> list[str]:
        """The sentence of each sequence y… of ids, given without the language token; `</s>` is left out."""
        return [self._tokenizer.decode(sequence, skip_special_tokens=True) for sequence in ids]

    def language_token(self, language: str) -> int:
        """Id of the token `__{language}__`. Raises ValueError if the model does not know the language."""
        try:
            return self._tokenizer.get_lang_id(language)
        except KeyError:
            raise ValueError(
                f"{self.folder}: the base model has no language token for '{language}'"
            ) from None
