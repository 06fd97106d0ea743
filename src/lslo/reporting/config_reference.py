"""The table of the configuration's keys in `config/README.md`, made of the fields of the configuration.

`python -m lslo.reporting.config_reference config/README.md` writes the table anew, between two comments of
the page; `make format` does so, and a test compares them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lslo.experiment.config import Config
from lslo.reporting.markdown import markdown_table
from lslo.reporting.table_cells import Cell, PrintedTable

BEGIN, END = "<!-- keys: begin -->", "<!-- keys: end -->"


def keys_table() -> str:
    """Returns the Markdown table of all keys: the key, its default and its description."""
    rows = [[Cell(text) for text in row] for row in _rows(Config, "")]
    return markdown_table(PrintedTable(["key", "default", "meaning"], rows, [False] * 3))


def with_keys_table(page: str) -> str:
    """Returns a page with the table of keys between its two comments put in anew."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{keys_table()}\n{END}{after}"


def _rows(section: type[BaseModel], prefix: str) -> Iterator[list[str]]:
    for name, field in section.model_fields.items():
        inner = _section(field.annotation)
        # A section that is a choice of others has its own description; one of keys only, those of the keys.
        yield [f"`{prefix}{name}`", _default(field, inner), field.description]
        if inner is not None:
            yield from _rows(inner, f"{prefix}{name}.")


def _section(annotation: Any) -> type[BaseModel] | None:
    """Returns the section that is the type of a key, or None for a key with a value."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _default(field: FieldInfo, section: type[BaseModel] | None) -> str:
    if field.is_required():
        return "required"
    if field.default is None or section is not None or field.default in ((), {}):
        return ""
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(with_keys_table(file.read_text(encoding="utf-8")), encoding="utf-8")
