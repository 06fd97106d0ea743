"""The languages of an experiment: codes, resource classes and the directions between them.

`config/languages.tsv` holds the languages of the paper (Tables 4 and 5); a user adds a row for each
language of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import permutations
from pathlib import Path

from lslo.tab_separated import read_rows

RESOURCE_CLASSES = {"H": "High", "M": "Medium", "L": "Low", "V": "Very Low"}

# A language code becomes part of paths, so nothing else is let in.
CODE = re.compile(r"(?=.{1,40}$)[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
# A code in other people's files and models; the schema of the configuration has the same pattern.
FOREIGN_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True)
class Language:
    """One row of `config/languages.tsv`.

    resource_class: H, M, L or V, by the bitext data available with English (Section 5).
    bitext: sentence pairs with English, as the paper prints it.
    flores101, m2m: the language's code in FLORES-101 and in the M2M-124 model.
    """

    code: str
    name: str
    resource_class: str
    family: str
    bitext: str
    flores101: str
    m2m: str


def read_languages(path: Path | str) -> dict[str, Language]:
    """Languages by code, in the order of the file. Raises ValueError naming the file and line at fault."""
    path = Path(path)
    columns = [field.name for field in fields(Language)]
    languages: dict[str, Language] = {}
    rows = read_rows(path)
    if not rows or rows[0] != columns:
        raise ValueError(f"{path}, line 1: the columns must be {' '.join(columns)}, separated by tabs")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            raise ValueError(f"{path}, line {number}: {len(row)} columns instead of {len(columns)}")
        language = Language(*row)
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
    """The languages of an experiment in the order of `codes`. Raises ValueError for a code `path` lacks."""
    for code in codes:
        if code not in languages:
            raise ValueError(
                f"unknown language {code!r}: add a row for it to {path}, or take it out of `languages`"
            )
    return [languages[code] for code in codes]


def all_directions(codes: Sequence[str]) -> list[tuple[str, str]]:
    """Every ordered pair (source, target) of two different languages: n·(n−1) of them."""
    return list(permutations(codes, 2))
