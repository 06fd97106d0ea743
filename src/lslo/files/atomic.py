"""Files and folders that appear under their names when they are whole, and not before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file under a temporary name, flushes it to the disk and renames it to `path`.

    Args:
        path: The file's final name. Its folder is made where it is missing.
        write: The function that writes the whole file to the path that it is given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        write(temporary)
        _flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Writes a text as `write_atomically` does, in UTF-8."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _flush(file: Path) -> None:
    """Flushes a file to the disk: after a loss of power, no name may be there without its content."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder to write into, which is renamed to `path` when the context ends.

    The new folder replaces one that is already called `path`. If an exception ends the context, the new
    folder is removed and the old one stays. What a kill leaves behind is removed the next time.
    """
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        for file in partial.rglob("*"):
            if file.is_file():
                _flush(file)
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def publish(source: Path, target: Path) -> None:
    """Gives a file or folder a second name, by hard links where the file system has them, else by copies."""
    if source.is_dir():
        with atomic_folder(target) as partial:
            link_or_copy(source, partial)
    else:
        target.unlink(missing_ok=True)
        _link(source, target)


def link_or_copy(source: Path, target: Path) -> None:
    """Adds the files of one folder to another, as hard links where the file system has them, else copies."""
    shutil.copytree(source, target, copy_function=_link, dirs_exist_ok=True)


def _link(source: Path | str, target: Path | str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
