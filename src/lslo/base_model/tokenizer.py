"""The tokenizer of a base model: sentences to token ids and back, and the ids of language tokens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from transformers import AutoTokenizer

from lslo.base_model.file_names import DICTIONARY, LANGUAGE_TOKENS, SENTENCEPIECE_MODEL
from lslo.base_model.sentencepiece_model import load_sentencepiece
from lslo.errors import one_line


class Tokenizer:
    """The tokenizer of a base model's folder: M2M-100, NLLB, or a model converted from fairseq.

    Sequences follow fairseq's M2M models: source `[__src__, x…, </s>]`, decoder input `[</s>, __tgt__, y…]`,
    target `[__tgt__, y…, </s>]`. `encode` returns the x… or y… alone.

    Attributes:
        folder: The base model's folder.
        codes: The experiment's code -> the model's code of a language, where they differ (`or` -> `ory_Orya`
            for NLLB).
        pad: The id of padding.
        end_of_sentence: The id of `</s>`.
        unknown: The id of `<unk>`.
    """

    def __init__(self, folder: Path | str, codes: Mapping[str, str] | None = None):
        """Loads the tokenizer of a base model.

        Args:
            folder: The base model's folder.
            codes: The experiment's code -> the model's code of a language; may lack languages whose codes
                are the same.

        Raises:
            FileNotFoundError: The folder or a file in it is missing.
            ValueError: A file in it cannot be used.
        """
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{folder}: there is no such base model folder")
        self.codes = dict(codes or {})
        converted = (self.folder / LANGUAGE_TOKENS).is_file()
        self._pieces = _FairseqPieces(self.folder) if converted else _HuggingFacePieces(self.folder)
        self.pad = self._pieces.pad
        self.end_of_sentence = self._pieces.end_of_sentence
        self.unknown = self._pieces.unknown

    def encode(self, sentences: Iterable[str]) -> list[list[int]]:
        """Returns the ids of each sentence's pieces, without language token and `</s>`."""
        return [self._pieces.encode(sentence) for sentence in sentences]

    def decode(self, ids: Iterable[Sequence[int]]) -> list[str]:
        """Returns the sentence of each sequence of ids.

        Args:
            ids: The tokens y… of each sentence, without the language token; `</s>` is left out.
        """
        return [self._pieces.decode(sequence) for sequence in ids]

    def language_token(self, language: str) -> int:
        """Returns the id of a language's token: `__{code}__`, or `{code}` in NLLB, with the model's code.

        Args:
            language: The experiment's code.

        Raises:
            ValueError: The model does not know the language.
        """
        code = self.codes.get(language, language)
        try:
            return self._pieces.language_tokens[code]
        except KeyError:
            name = f"'{language}'" if code == language else f"'{language}' (the model's '{code}')"
            some = ", ".join(list(self._pieces.language_tokens)[:3])
            raise ValueError(
                f"{self.folder}: the base model has no language token for {name}; its codes look like {some}"
            ) from None


class _HuggingFacePieces:
    """The pieces of a folder that has an M2M100Tokenizer or an NllbTokenizer.

    Attributes:
        pad: The id of padding.
        end_of_sentence: The id of `</s>`.
        unknown: The id of `<unk>`.
        language_tokens: The model's code of a language -> the id of its token.
    """

    def __init__(self, folder: Path):
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
        # Any kind of exception: it depends on where transformers stumbles over the files.
        except Exception as error:
            reason = one_line(repr(error))
            raise ValueError(
                f"{folder}: has no tokenizer that transformers can load ({reason}); put the files of an "
                "M2M-100 or NLLB tokenizer there"
            ) from None
        tokenizer = self._tokenizer
        self.pad = tokenizer.pad_token_id
        self.end_of_sentence = tokenizer.eos_token_id
        self.unknown = tokenizer.unk_token_id
        # NLLB's language tokens are the bare codes. Only added tokens count: `en` is an ordinary piece there.
        self.language_tokens: dict[str, int] = getattr(tokenizer, "lang_code_to_id", None) or {
            token: index
            for token, index in sorted(tokenizer.get_added_vocab().items(), key=lambda item: item[1])
            if not token.startswith("<")
        }
        if not self.language_tokens:
            raise ValueError(
                f"{folder}: its tokenizer has no language tokens; the base model must be an M2M-100, M2M-124 "
                "or NLLB model"
            )
        self._language_ids = frozenset(self.language_tokens.values())

    def encode(self, sentence: str) -> list[int]:
        # Calling the tokenizer itself would add a language token and </s>, for some models in other places.
        return self._tokenizer.convert_tokens_to_ids(self._tokenizer.tokenize(sentence))

    def decode(self, ids: Sequence[int]) -> str:
        # M2M100Tokenizer leaves out its language tokens only where the folder says that they are special.
        pieces = [int(index) for index in ids if int(index) not in self._language_ids]
        return self._tokenizer.decode(
            pieces, skip_special_tokens=True, clean_up_tokenization_spaces=False
        ).strip()


class _FairseqPieces:
    """The pieces of a folder that `fairseq_conversion` wrote, exactly as fairseq makes and joins them.

    The SentencePiece model splits a sentence into pieces, `dict.txt` gives their ids.

    Attributes:
        pad: The id of padding.
        end_of_sentence: The id of `</s>`.
        unknown: The id of `<unk>`.
        language_tokens: The model's code of a language -> the id of its token.
    """

    pad, end_of_sentence, unknown = 1, 2, 3

    def __init__(self, folder: Path):
        symbols = read_dictionary(folder / DICTIONARY)
        self._ids = {symbol: index for index, symbol in enumerate(symbols)}
        self._symbols = dict(enumerate(symbols))
        try:
            self.language_tokens: dict[str, int] = json.loads(
                (folder / LANGUAGE_TOKENS).read_text(encoding="utf-8")
            )
            if not all(type(index) is int and index > 0 for index in self.language_tokens.values()):
                raise ValueError
        except (ValueError, AttributeError, RecursionError):
            raise ValueError(
                f"{folder / LANGUAGE_TOKENS}: not a JSON object of codes and ids; convert the model again"
            ) from None
        silent = {0, self.pad, self.end_of_sentence, *self.language_tokens.values()}
        self._symbols |= dict.fromkeys(silent, "")
        self._processor = load_sentencepiece(folder / SENTENCEPIECE_MODEL)

    def encode(self, sentence: str) -> list[int]:
        # fairseq joins the pieces with spaces and splits the line again, so that a piece of unusual white
        # space vanishes.
        pieces = " ".join(self._processor.encode(sentence, out_type=str)).split()
        return [self._ids.get(piece, self.unknown) for piece in pieces]

    def decode(self, ids: Sequence[int]) -> str:
        # SentencePiece itself would treat <unk> as a special symbol.
        return "".join(self._symbols[int(index)] for index in ids).replace("▁", " ").strip()


def read_dictionary(path: Path) -> list[str]:
    """Reads the symbols of fairseq's `dict.txt`, in the order of their ids.

    Four special symbols come first, then that of each line, which has the form `symbol count`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Names the line that has another form or repeats a symbol.
    """
    symbols = dict.fromkeys(("<s>", "<pad>", "</s>", "<unk>"))
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such dictionary; take the one of the model's archive")
    try:
        # Read line by line: str.splitlines would also split at characters such as U+2028.
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                symbol, _, count = line.rstrip().rpartition(" ")
                if not symbol or not count.isdecimal():
                    raise ValueError(f"line {number} is not a symbol, a space and its count")
                if symbol in symbols:
                    raise ValueError(f"line {number} repeats the symbol {symbol!r}")
                symbols[symbol] = None
    except ValueError as error:
        raise ValueError(f"{path}: not a fairseq dictionary ({error}); take the archive's own") from None
    return list(symbols)
