"""Hostile input for the tests: pieces that parsers stumble over, mutations, and what a refusal must be."""

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
    """Settings of a test: so many examples, the same in every run, and no database of failures."""
    return hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        # The folder of a test serves all its examples, each of which writes its files anew.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@st.composite
def mutated(draw, originals: Sequence[Any], pieces: Sequence[Any] = PIECES):
    """One of `originals` (texts, or bytes) with one to three stretches of it replaced by pieces."""
    value = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(value)))
        end = draw(st.integers(start, min(len(value), start + 6)))
        value = value[:start] + draw(st.sampled_from(pieces)) + value[end:]
    return value


@st.composite
def flipped(draw, original: bytes):
    """A binary file with some bytes changed, its end cut off, or bytes put in."""
    content = bytearray(original)
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        content = content[: draw(st.integers(0, len(content)))]
    place = draw(st.integers(0, len(content)))
    return bytes(content[:place] + draw(st.binary(max_size=8)) + content[place:])


def accepted(names: Sequence[object], function: Callable, *arguments: Any, **named: Any) -> Any:
    """What a parser makes of its input; None if it refuses it as a user's error.

    A refusal must be one line that a terminal shows as it is, and have all of `names` in it. Any other
    exception passes on and fails the test.
    """
    try:
        return function(*arguments, **named)
    except USER_ERRORS as error:
        message = str(error)
        assert message.isprintable(), repr(message)
        for name in names:
            assert str(name) in message, (name, message)
        return None
