"""The languages of an experiment: codes, resource classes and the directions between them.

`config/languages.tsv` holds the languages of the paper (Tables 4 and 5); a user adds a row for each
language of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import permutations
from pathlib import Path

from lslo.files.tsv import read_rows

RESOURCE_CLASSES = {"H": "High", "M": "Medium", "L": "Low", "V": "Very Low"}

# A language code becomes part of paths, so nothing else is let in.
CODE = re.compile(r"(?=.{1,40}$)[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
# A code in other people's files and models.
FOREIGN_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True)
class Language:
    """A language: one row of `config/languages.tsv`.

    Attributes:
        code: The language's code in this project, and in the names of files.
        name: The language's English name.
        resource_class: H, M, L or V, by the number of sentence pairs with English (Section 5).
        family: The language family, as the paper prints it.
        bitext: Sentence pairs with English, as the paper prints it.
        flores101: The language's code in FLORES-101.
        m2m: The language's code in M2M-124.
        further: The values of the columns that a user has added, by column.
    """

    code: str
    name: str
    resource_class: str
    family: str
    bitext: str
    flores101: str
    m2m: str
    further: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def columns(self) -> dict[str, str]:
        """The values of all columns of the row, by column."""
        return {name: getattr(self, name) for name in COLUMNS} | dict(self.further)


COLUMNS = tuple(entry.name for entry in fields(Language) if entry.name != "further")


def read_languages(path: Path | str) -> dict[str, Language]:
    """Reads a table of languages.

    Args:
        path: A table of tab-separated columns: COLUMNS, and then any of a user's own.

    Returns:
        The languages by code, in the order of the file.

    Raises:
        ValueError: The table is not of this form; the message names the file and the line.
    """
    path = Path(path)
    languages: dict[str, Language] = {}
    rows = read_rows(path)
    columns = rows[0] if rows else []
    if tuple(columns[: len(COLUMNS)]) != COLUMNS:
        raise ValueError(
            f"{path}, line 1: the columns must be {' '.join(COLUMNS)}, separated by tabs, and then any of "
            "your own"
        )
    for number, column in enumerate(columns):
        if not FOREIGN_CODE.fullmatch(column) or column in columns[:number]:
            raise ValueError(
                f"{path}, line 1: {column!r} is not a name of its own for a column (letters, digits, _ and -)"
            )
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            raise ValueError(f"{path}, line {number}: {len(row)} columns instead of {len(columns)}")
        own = dict(zip(columns[len(COLUMNS) :], row[len(COLUMNS) :], strict=True))
        language = Language(*row[: len(COLUMNS)], own)
        for column in ("code", "flores101", "m2m"):
            if not CODE.fullmatch(getattr(language, column)):
                raise ValueError(
                    f"{path}, line {number}: {column} {getattr(language, column)!r} is not a language code "
                    "(letters and digits, parts joined by _, 40 characters at most)"
                )
        if language.resource_class not in RESOURCE_CLASSES:
            raise ValueError(
                f"{path}, line {number}: resource_class {language.resource_class!r} is not one of "
                f"{', '.join(RESOURCE_CLASSES)}"
            )
        if language.code in languages:
            raise ValueError(f"{path}, line {number}: the code '{language.code}' stands twice")
        languages[language.code] = language
    return languages


def select_languages(
    languages: dict[str, Language], codes: Sequence[str], path: Path | str
) -> list[Language]:
    """Returns the languages of an experiment, in the order of `codes`.

    Args:
        languages: All languages, by code.
        codes: The codes of the experiment's languages.
        path: The table that `languages` were read from.

    Raises:
        ValueError: The table lacks a code.
    """
    for code in codes:
        if code not in languages:
            raise ValueError(
                f"unknown language {code!r}: add a row for it to {path}, or take it out of `languages`"
            )
    return [languages[code] for code in codes]


def codes_elsewhere(languages: Sequence[Language], codes: str | Mapping[str, str]) -> dict[str, str]:
    """Returns the code of each language in other people's files or models.

    Args:
        languages: The languages of an experiment.
        codes: A column of the table of languages, or a mapping from languages to codes.

    Raises:
        ValueError: The table has no such column, or a language has no code.
    """
    found = {}
    for language in languages:
        values = language.columns if isinstance(codes, str) else codes
        wanted = codes if isinstance(codes, str) else language.code
        if wanted not in values:
            if isinstance(codes, str):
                raise ValueError(
                    f"the table of languages has no column '{codes}'; its columns are {', '.join(values)}"
                )
            raise ValueError(
                f"there is no code for the language '{wanted}'"
                + (" (in quotes, since YAML reads a bare no as false)" if False in codes else "")
            )
        found[language.code] = values[wanted]
        if not FOREIGN_CODE.fullmatch(values[wanted]):
            raise ValueError(
                f"the code {values[wanted]!r} of the language '{language.code}' must be letters, digits, '_' "
                "and '-', 100 at most"
            )
    return found


def all_directions(codes: Sequence[str]) -> list[tuple[str, str]]:
    """Returns every ordered pair (source, target) of two different languages: n·(n−1) pairs."""
    return list(permutations(codes, 2))
