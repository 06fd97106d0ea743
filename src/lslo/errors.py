"""What a user is told of an error: one line, whatever is quoted in it."""

from __future__ import annotations

import errno
import os
import re

LONGEST = 1000


def one_line(message: object) -> str:
    """A message as one line: of line breaks, spaces; of control characters, escapes; of much, its two ends.

    What an error quotes comes from files and configurations, and may be made to look like other output.
    """
    text = re.sub(r"\s*\n\s*", " ", str(message).strip())
    if len(text) > LONGEST:
        text = f"{text[: LONGEST * 2 // 3]} … {text[-LONGEST // 3 :]}"
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


class Stopped(Exception):  # noqa: N818 - it is no error
    """A training that was asked to stop, and did."""


# What a user can cause and mend, told in one line; anything else is a defect and shows its traceback.
USER_ERRORS = (
    *(ValueError, FloatingPointError, ConnectionError, Stopped),
    *(FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError),
)


# In whatever exception of whatever library: those of tensors do not raise OSError.
FULL_DISK = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))


def user_message(error: BaseException) -> str | None:
    """The line that tells a user of an error, None for one that is not the user's."""
    if isinstance(error, KeyboardInterrupt):
        return "error: stopped by SIGINT; start again"
    if type(error).__name__ == "OutOfMemoryError":
        # PyTorch's, which this module does not import.
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
    return f"error: {one_line(error)}" if isinstance(error, (*USER_ERRORS, OSError, MemoryError)) else None
