"""Errors as a user sees them: one line on the terminal for each error that a user can cause and mend."""

from __future__ import annotations

import errno
import os
import re


class Stopped(Exception):  # noqa: N818 - it is no error
    """A training stopped because a signal asked it to."""


# Errors that a user can cause and mend: one line tells of them. Any other error is a defect and shows its
# traceback, unless it comes from the machine (see `user_message`).
USER_ERRORS = (
    *(ValueError, FloatingPointError, ConnectionError, Stopped),
    *(FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError),
)

# Words of a full disk, in the errors of whatever library met it: safetensors, for one, raises no OSError.
FULL_DISK = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))

# The most characters of a message.
LONGEST = 1000


def user_message(error: BaseException) -> str | None:
    """Returns the line that tells a user of an error, or None for a defect.

    Args:
        error: The error. A full disk, full memory and other errors of the machine are no defects.
    """
    if isinstance(error, KeyboardInterrupt):
        return "error: stopped by SIGINT; start again"
    # PyTorch's error, told by its name because this module does not import PyTorch.
    if type(error).__name__ == "OutOfMemoryError":
        return (
            f"error: the GPU's memory is full ({one_line(error).partition('. ')[0]}); a smaller "
            "`tokens_per_batch` in the configuration needs less"
        )
    if any(text in str(error) for text in FULL_DISK):
        file = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        return (
            f"error: the disk is full{file}; make room and start again: "
            "a training goes on from its last saved state"
        )
    if isinstance(error, (*USER_ERRORS, OSError, MemoryError)):
        return f"error: {one_line(error)}"
    return None


def one_line(message: object) -> str:
    """Returns a message as one line of printable characters, its middle left out if it is long.

    An error may quote a file or a configuration that was made to look like other output. Line breaks become
    spaces, and control characters become escapes.
    """
    text = re.sub(r"\s*\n\s*", " ", str(message).strip())
    if len(text) > LONGEST:
        text = f"{text[: LONGEST * 2 // 3]} … {text[-LONGEST // 3 :]}"
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
