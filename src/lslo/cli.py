"""The command `lslo`: use an adapter outside the workflow."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from lslo.job import USER_ERRORS
from lslo.messages import one_line


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lslo", description="Language-specific LoRA for translation models."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    translate = commands.add_parser(
        "translate",
        help="translate standard input, a sentence a line",
        description="Translate standard input.",
    )
    translate.add_argument("--base-model", type=Path, required=True, help="folder of the base model")
    translate.add_argument(
        "--adapter", type=Path, help="adapter folder of a setting (without it: the base model itself)"
    )
    translate.add_argument("--source", required=True, help="code of the language to translate from")
    translate.add_argument("--target", required=True, help="code of the language to translate to")
    translate.add_argument(
        "--beam", type=_positive, default=5, help="hypotheses kept in the search (default: 5)"
    )
    translate.set_defaults(run=_translate)
    return parser


def _translate(arguments: argparse.Namespace) -> None:
    # Imported here, so that --help and wrong arguments answer at once.
    from transformers.utils import logging

    from lslo.model.adapter import load_with_adapter
    from lslo.tokenizer import Tokenizer
    from lslo.translation import Decoding, translate

    logging.disable_progress_bar()
    model, router = load_with_adapter(arguments.base_model, arguments.adapter)
    for language in (arguments.source, arguments.target):
        if router and language not in router.languages:
            raise ValueError(
                f"{arguments.adapter}: the adapter has no language '{language}', only "
                f"{', '.join(router.languages)}"
            )
    # An empty line stays empty: there is nothing to translate, and the lines must remain aligned.
    lines = _lines(sys.stdin)
    sentences = [line for line in lines if line.strip()]
    direction = (arguments.source, arguments.target)
    found = translate(
        model,
        Tokenizer(arguments.base_model),
        {arguments.source: sentences},
        [direction],
        Decoding(beam=arguments.beam),
        router=router,
        progress=sys.stderr if sys.stderr.isatty() else None,
    )
    hypotheses = iter(found[direction])
    for line in lines:
        print(next(hypotheses) if line.strip() else "")


def _lines(stream: TextIO) -> list[str]:
    """The lines of standard input, ended by line feeds only, as those of a corpus."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="strict", newline="\n")
    try:
        return [line.rstrip("\r\n") for line in stream]
    except UnicodeDecodeError as error:
        raise ValueError(f"standard input: not UTF-8 ({error.reason})") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status. A user's error is one line on standard error."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    # OSError too: all paths are arguments.
    except (*USER_ERRORS, OSError) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 1
    return 0
