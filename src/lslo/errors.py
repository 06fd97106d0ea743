"""What a user is told of an error: one line, whatever is quoted in it."""

from __future__ import annotations

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
