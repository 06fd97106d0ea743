"""The command `lslo`, which uses an adapter outside the workflow."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from lslo.errors import USER_ERRORS, one_line
from lslo.experiment.hyperparameters import PRECISIONS, Decoding

if TYPE_CHECKING:
    import torch


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text!r}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lslo", description="Language-specific LoRA for translation models."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    translate = commands.add_parser(
        "translate",
        help="translate standard input, one sentence per line",
        description="Translate standard input. Languages go by the codes of the adapter's experiment, or, "
        "without an adapter, by the base model's own.",
    )
    translate.add_argument("--base-model", type=Path, required=True, help="folder of the base model")
    translate.add_argument(
        "--adapter", type=Path, help="adapter folder of a setting (without it: the base model itself)"
    )
    translate.add_argument("--source", required=True, help="code of the language to translate from")
    translate.add_argument("--target", required=True, help="code of the language to translate to")
    translate.add_argument(
        "--beam",
        type=_positive,
        default=Decoding.beam,
        help=f"hypotheses kept in the search (default: {Decoding.beam})",
    )
    translate.add_argument(
        "--device", help="where to compute: cpu, cuda or cuda:1 (default: cuda where there is one, else cpu)"
    )
    translate.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=Decoding.precision,
        help=f"of weights and products (default: {Decoding.precision})",
    )
    translate.set_defaults(run=_translate)
    return parser


def _translate(arguments: argparse.Namespace) -> None:
    if not arguments.base_model.is_dir():
        raise FileNotFoundError(
            f"--base-model {arguments.base_model}: there is no such folder; a model of the Hugging Face hub "
            "must be downloaded into one first"
        )
    # Imported here, so that --help and wrong arguments answer at once.
    import torch
    from transformers.utils import logging

    from lslo.adapters.adapter_folder import load_codes, load_with_adapter
    from lslo.base_model.tokenizer import Tokenizer
    from lslo.translation.translate import translate

    logging.disable_progress_bar()
    device = _device(arguments.device)
    model, router = load_with_adapter(arguments.base_model, arguments.adapter)
    for language in (arguments.source, arguments.target):
        if router and language not in router.languages:
            raise ValueError(
                f"{arguments.adapter}: the adapter has no language '{language}', only "
                f"{', '.join(router.languages)}"
            )
    # An empty line stays empty: it has nothing to translate, but the lines must stay aligned.
    lines = _lines(sys.stdin)
    direction = (arguments.source, arguments.target)
    tokenizer = Tokenizer(arguments.base_model, load_codes(arguments.adapter))
    try:
        found = translate(
            model.to(device, getattr(torch, arguments.precision)),
            tokenizer,
            {arguments.source: [line for line in lines if line.strip()]},
            [direction],
            Decoding(beam=arguments.beam, precision=arguments.precision),
            router=router,
            progress=sys.stderr if sys.stderr.isatty() else None,
        )
    except torch.OutOfMemoryError:
        raise ValueError(
            f"--device {device}: its memory is full; give a lower --precision, a smaller --beam, or "
            "--device cpu"
        ) from None
    hypotheses = iter(found[direction])
    for line in lines:
        print(next(hypotheses) if line.strip() else "")


def _device(name: str | None) -> torch.device:
    """Returns the device to compute on.

    Args:
        name: A name that PyTorch knows; None for a GPU where there is one, else the CPU.

    Raises:
        ValueError: PyTorch cannot compute on the named device.
    """
    import torch

    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()
    # Any kind of exception: it depends on the device and on how PyTorch was built.
    except Exception as error:
        raise ValueError(
            f"--device {name}: PyTorch cannot compute there ({str(error).partition(chr(10))[0]}); "
            "give cpu, or leave it out"
        ) from None
    return device


def _lines(stream: TextIO) -> list[str]:
    """Returns the lines of standard input, which only line feeds end, as in a corpus.

    Raises:
        ValueError: The input is not UTF-8.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="strict", newline="\n")
    try:
        return [line.rstrip("\r\n") for line in stream]
    except UnicodeDecodeError as error:
        raise ValueError(f"standard input: not UTF-8 ({error.reason})") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; a user's error is printed as one line on standard error.

    Args:
        arguments: The words after `lslo`; those of the process if None.

    Returns:
        The exit status.
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    # Every OSError is a user's error here: all paths come from the command line.
    except (*USER_ERRORS, OSError, MemoryError) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: stopped by SIGINT", file=sys.stderr)
        return 130
    return 0
