"""Fingerprints of the code that a result depends on.

Snakemake does not notice that an imported library changed. Each rule therefore has, as a parameter, the
fingerprint of the library modules that its script imports, directly or through others: an edit of the figures
trains nothing again, an edit of the LSLo layer does.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from lslo.files.checksums import files_fingerprint

PACKAGE = Path(__file__).parents[1]


@cache
def _file_of(module: str) -> Path | None:
    """Returns the source file of a module of this package, or None for any other name."""
    parts = module.split(".")
    if parts[0] != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*parts[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _imports(file: Path) -> frozenset[str]:
    """Returns the names of this package's modules that a source file imports."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    # Importing a module imports the packages that it lies in.
    packages = {name.rsplit(".", depth)[0] for name in names for depth in range(1, name.count(".") + 1)}
    return frozenset(name for name in names | packages if _file_of(name))


@cache
def _top_level_imports(file: Path) -> frozenset[str]:
    """Returns the names without a dot that a script imports, which may be scripts beside it."""
    if PACKAGE in file.parents:
        return frozenset()
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return frozenset(node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module)


def imported_files(script: Path | str) -> list[Path]:
    """Returns the source files and scripts that a script imports, directly or through others, sorted."""
    found: set[Path] = set()
    waiting = [Path(script)]
    while waiting:
        current = waiting.pop()
        siblings = [current.with_name(f"{name}.py") for name in _top_level_imports(current)]
        files = [_file_of(module) for module in _imports(current)]
        for file in files + [sibling for sibling in siblings if sibling.is_file()]:
            if file not in found:
                found.add(file)
                waiting.append(file)
    return sorted(found)


def code_fingerprint(script: Path | str) -> str:
    """Returns a digest over a script and the source files that it depends on, as 16 hexadecimal digits."""
    # Snakemake does not notice a changed script itself where a rule's output was temporary.
    return files_fingerprint([Path(script), *imported_files(script)])[:16]
