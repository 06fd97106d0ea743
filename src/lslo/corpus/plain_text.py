"""The n-way corpus as plain text, `{folder}/{split}/{language}.txt`: line i of all is the same sentence."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

SPLITS = ("dev", "devtest")


def paths_by_pattern(pattern: str, codes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Split -> language -> path of its text within a user's folder, each another.

    pattern: with `{split}` and `{code}` in it. codes: of each language there. Raises ValueError for a pattern
    with other braces, or that names a file twice.
    """
    # Not by str.format, which would look up `{code.attributes}` and fill up `{code:>99999999}`.
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
    """The lines of a file. Raises ValueError naming the file and line of what is no sentence."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    # The mark that some editors put before UTF-8 is no part of the first sentence.
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
        # Other programs would count a lone carriage return as the end of a line; NULs are of UTF-16.
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
    """Line-aligned files, language -> sentences. Raises ValueError where the numbers of lines differ."""
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
    """One split of a corpus, language -> sentences. Raises ValueError where the numbers of lines differ."""
    return read_parallel({language: Path(folder) / f"{language}.txt" for language in languages})


def write_sentences(path: Path | str, sentences: Sequence[str]) -> None:
    """Write one sentence a line, UTF-8, each ended by a line feed. Raises ValueError where one holds any."""
    for number, sentence in enumerate(sentences, start=1):
        if "\n" in sentence:
            raise ValueError(f"{path}, line {number}: the sentence has a line feed, so it would be two lines")
    Path(path).write_bytes("".join(f"{sentence}\n" for sentence in sentences).encode())


def read_hypotheses(path: Path | str) -> list[str]:
    """The lines of a file of translations, of which a model may leave some empty.

    Raises ValueError naming the file if it is not UTF-8.
    """
    try:
        # Not as text, where Python would take carriage returns for ends of lines.
        return Path(path).read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from None
