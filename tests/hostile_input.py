"""Hostile input for the tests: pieces that parsers stumble over, mutations, and the form of a refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import hypothesis
from hypothesis import HealthCheck
from hypothesis import strategies as st

from lslo.errors import USER_ERRORS

# Line breaks of every kind, terminal escapes, paths that lead elsewhere, other alphabets' digits, shells,
# formats, numbers beyond every type, half a character.
PIECES = (
    *("", " ", "\t", "\n", "\r", "\r\n", "\0", "\x0b", "\x1b[31m", "\x85", "\u2028", "\ufeff", "\u202e"),
    *("..", "../", "/", "//", "/etc/passwd", "~nobody/", "C:\\", ".", "-"),
    *("٣", "९", "１", "0", "-1", "1e9", "0x1", "nan", "inf", "9" * 25, "9" * 5000, "0." + "0" * 400 + "1"),
    *("$(touch x)", "`touch x`", "; touch x", "'", '"', "&&", "%00", "%2e%2e%2f", "%n"),
    *("{", "}", "{code}", "{code.x}", "{code:>9999999999}", "{0}", "@", "+", ";", "_", "\ud800", "x" * 300),
)
BYTES = (*(piece.encode("utf-8", "surrogatepass") for piece in PIECES), b"\xff", b"\xc3")


def bounded(examples: int) -> Callable:
    """Returns the settings of a test: the same examples in every run, and no database of failures."""
    return hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        # All examples of a test share its folder; each example writes its files anew.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@st.composite
def mutated(draw, originals: Sequence[Any], pieces: Sequence[Any] = PIECES):
    """Draws one of the original texts (or bytes) and replaces one to three stretches of it by pieces."""
    value = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(value)))
        end = draw(st.integers(start, min(len(value), start + 6)))
        value = value[:start] + draw(st.sampled_from(pieces)) + value[end:]
    return value


@st.composite
def flipped(draw, original: bytes):
    """Draws a binary file's content with some bytes changed, its end cut off, or bytes inserted."""
    content = bytearray(original)
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        content = content[: draw(st.integers(0, len(content)))]
    place = draw(st.integers(0, len(content)))
    return bytes(content[:place] + draw(st.binary(max_size=8)) + content[place:])


def accepted(names: Sequence[object], function: Callable, *arguments: Any, **named: Any) -> Any:
    """Calls a parser and returns its result, or None if it refuses its input as a user's error.

    A refusal must be one line without control characters and must contain all names. Any other exception is
    not caught and fails the test.

    Args:
        names: The words that the message of a refusal must contain.
        function: The parser.
        *arguments: The parser's positional arguments.
        **named: The parser's keyword arguments.
    """
    try:
        return function(*arguments, **named)
    except USER_ERRORS as error:
        message = str(error)
        assert message.isprintable(), repr(message)
        for name in names:
            assert str(name) in message, (name, message)
        return None
