"""Times lslo and its peers on the same work: translation, training, scoring.

    python bench/run.py                                              # or: make bench
    python bench/run.py --only translation --sizes embedded --rounds 1

Each engine runs in a process of its own, one after the other; every other round is in the opposite order. An
engine whose results do not agree is an error and has no row. Writes bench.json and bench.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import torch

import report
import workflow_overhead
from catalogue import resized, selected
from machine import cores
from rounds import compare, run_engine
from sizes import DIRECTIONS, SIZES

KINDS = ("translation", "training", "scoring", "workflow")
# The sizes of --quick: very small, to test the harness itself.
QUICK = {
    "directions": 4,
    "rows": 3,
    "sampled": 1,
    "passes": 1,
    "tokens_per_batch": 100,
    "lines": 4,
}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads and checks the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--only",
        nargs="+",
        choices=KINDS,
        default=list(KINDS),
        help="kinds of comparison; default: all",
    )
    parser.add_argument(
        "--sizes", nargs="+", choices=list(SIZES), default=["embedded", "middle"], help="m2m124 on request"
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds in which all engines run")
    parser.add_argument(
        "--threads", type=int, default=cores(), help="threads of every engine; default: all cores"
    )
    parser.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu", help="a GPU where there is one"
    )
    parser.add_argument("--directions", type=int, help=f"directions to translate, {DIRECTIONS} at most")
    parser.add_argument(
        "--rows", type=int, help="sentences to translate in a direction; embedded: 24 at most"
    )
    parser.add_argument("--lines", type=int, help="sentences to score in each direction")
    parser.add_argument("--tokens-per-batch", type=int, help="token budget of a training batch")
    parser.add_argument("--batches-per-update", type=int, help="batches in a training update")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the size embedded once and very small, whatever else is asked: tests the harness only",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("results/bench"), help="a folder; its report is replaced"
    )
    options = parser.parse_args(arguments)
    _check(options, parser)
    if options.quick:
        options.sizes, options.rounds = ["embedded"], 1
    return options


def _check(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Ends the process with the parser's message where options are wrong or leave nothing to compare."""
    numbers = ("rounds", "threads", "directions", "rows", "lines", "tokens_per_batch", "batches_per_update")
    for name in numbers:
        if getattr(options, name) is not None and getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be 1 or more")
    if options.directions is not None and options.directions > DIRECTIONS:
        parser.error(f"--directions: there are no more than {DIRECTIONS}")
    most = SIZES["embedded"].rows
    if "embedded" in options.sizes and "translation" in options.only and (options.rows or 0) > most:
        parser.error(f"--rows: the demo's corpus has no more than {most}; or --sizes middle")
    try:
        torch.device(options.device)
    except RuntimeError:
        parser.error(f"--device {options.device}: PyTorch knows no such device; cpu or cuda")
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error(f"--device {options.device}: PyTorch finds no GPU here")
    if "workflow" not in options.only and not selected(set(options.only), [SIZES[n] for n in options.sizes]):
        parser.error(f"nothing to compare: no {', '.join(options.only)} of {', '.join(options.sizes)}")


def main(arguments: list[str] | None = None) -> int:
    """Runs the comparisons and returns the exit status: 1 where an engine failed or results disagreed."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    changes = dict(QUICK) if options.quick else {}
    names = ("directions", "rows", "lines", "tokens_per_batch", "batches_per_update")
    changes |= {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    sizes = [resized(SIZES[name], **changes) for name in options.sizes]
    machine = run_engine("machine:run_machine", options.output / "machine.json", options, None).outputs
    (options.output / "machine.json").unlink()
    result = {"machine": machine, "rounds": options.rounds, "comparisons": [], "workflow": None}
    for comparison in selected(set(options.only), sizes):
        result["comparisons"].append(compare(comparison, options, machine["matrix_peak_gflop_per_second"]))
        report.write(result, options.output)
    if "workflow" in options.only:
        result["workflow"] = workflow_overhead.measure()
    report.write(result, options.output)
    shutil.rmtree(options.output / "work", ignore_errors=True)
    print((options.output / "bench.md").read_text(encoding="utf-8"))
    errors = [error for comparison in result["comparisons"] for error in comparison["errors"]]
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
