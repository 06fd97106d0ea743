"""The n-way corpus as plain text, `{folder}/{split}/{language}.txt`: line i of all is the same sentence."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

SPLITS = ("dev", "devtest")


def paths_by_pattern(pattern: str, codes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Returns the paths of a user's files: split -> language -> path within the user's folder.

    Args:
        pattern: The pattern of the paths, with `{split}` and `{code}` in it.
        codes: The code of each language in the paths.

    Raises:
        ValueError: The pattern has other braces, or gives two files the same path.
    """
    # str.format would look up attributes in `{code.attributes}` and fill up `{code:>99999999}`.
    if any(brace in pattern.replace("{split}", "").replace("{code}", "") for brace in "{}"):
        raise ValueError(f"'{pattern}' may have {{split}} and {{code}} in it, no other braces")
    paths = {
        split: {
            language: pattern.replace("{split}", split).replace("{code}", code)
            for language, code in codes.items()
        }
        for split in SPLITS
    }
    owners: dict[PurePosixPath, str] = {}
    for split, language in ((split, language) for split in SPLITS for language in codes):
        owner = owners.setdefault(PurePosixPath(paths[split][language]), f"{split} of {language}")
        if owner != f"{split} of {language}":
            raise ValueError(
                f"'{pattern}' names the same file for {owner} and {split} of {language}; "
                "{split} and {code} tell them apart"
            )
    return paths


def read_sentences(path: Path | str) -> list[str]:
    """Returns the lines of a file of sentences, which is UTF-8.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is no sentence: empty, not UTF-8, or with characters that would break it in other
            programs. The message names the file and the line.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    # The byte-order mark of some editors is no part of the first sentence.
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content:
        raise ValueError(f"{path}: the file is empty")
    sentences = []
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n"), start=1):
        try:
            sentence = line.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}, line {number}: not UTF-8 ({error.reason} at byte {error.start + 1} of the line)"
            ) from None
        # Other programs end a line at a lone carriage return. NULs are a sign of UTF-16.
        for character, name in (("\r", "carriage return"), ("\0", "NUL character")):
            if character in sentence:
                raise ValueError(
                    f"{path}, line {number}: has a {name}; write UTF-8, lines ended by line feeds"
                )
        if not sentence.strip():
            raise ValueError(f"{path}, line {number}: the line is empty; take the row out of every language")
        sentences.append(sentence)
    return sentences


def read_parallel(paths: Mapping[str, Path]) -> dict[str, list[str]]:
    """Reads files whose lines are aligned.

    Args:
        paths: The file of each language.

    Returns:
        The sentences of each language.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is no sentence, or two files have different numbers of lines.
    """
    corpus = {language: read_sentences(path) for language, path in paths.items()}
    first = next(iter(paths))
    for language, sentences in corpus.items():
        if len(sentences) != len(corpus[first]):
            raise ValueError(
                f"{paths[language]}: {len(sentences)} lines, but {paths[first]} has {len(corpus[first])}; "
                "line i of every language must be the same sentence"
            )
    return corpus


def read_split(folder: Path | str, languages: Sequence[str]) -> dict[str, list[str]]:
    """Reads `{folder}/{language}.txt` of each language, one split of a corpus, as `read_parallel` does."""
    return read_parallel({language: Path(folder) / f"{language}.txt" for language in languages})


def write_sentences(path: Path | str, sentences: Sequence[str]) -> None:
    """Writes one sentence per line in UTF-8, each ended by a line feed.

    Raises:
        ValueError: A sentence has a line feed in it. Nothing is written then.
    """
    for number, sentence in enumerate(sentences, start=1):
        if "\n" in sentence:
            raise ValueError(f"{path}, line {number}: the sentence has a line feed, so it would be two lines")
    Path(path).write_bytes("".join(f"{sentence}\n" for sentence in sentences).encode())


def copy_corpus(folder: Path, paths: Mapping[str, Mapping[str, str]], output: Path) -> None:
    """Copies a user's files to `{output}/{split}/{language}.txt`, after checking all of them.

    Args:
        folder: The user's folder.
        paths: Split -> language -> path within the folder, for each of `SPLITS`.
        output: The folder of the corpus.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is no sentence, or the files of a split have different numbers of lines.
    """
    splits = {
        split: read_parallel({language: folder / path for language, path in paths[split].items()})
        for split in SPLITS
    }
    for split, corpus in splits.items():
        (output / split).mkdir(parents=True, exist_ok=True)
        for language, sentences in corpus.items():
            write_sentences(output / split / f"{language}.txt", sentences)


def read_hypotheses(path: Path | str) -> list[str]:
    """Returns the lines of a file of translations. Some may be empty: a model may say nothing.

    Raises:
        ValueError: The file is not UTF-8.
    """
    try:
        # Python's text mode would end a line at a carriage return.
        return Path(path).read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from None
