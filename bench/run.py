"""Times lslo beside its peers on the same work: translation, training, scoring.

    python bench/run.py                                              # or: make bench
    python bench/run.py --only translation --sizes embedded --rounds 1

Each engine runs in a process of its own, one after the other, in alternating order within a round. Results
that do not agree are an error, not a row. Writes bench.json and bench.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import torch

import report
import workflow_overhead
from agreement import DisagreementError, check_repetition
from comparisons import Comparison, Engine, resized, selected
from machine import cores
from results import EngineResult
from sizes import DIRECTIONS, SIZES

BENCH = Path(__file__).resolve().parent
KINDS = ("translation", "training", "scoring", "workflow")
# Very small, to test the harness itself.
QUICK = {
    "directions": 4,
    "rows": 3,
    "sampled": 1,
    "passes": 1,
    "tokens_per_batch": 100,
    "lines": 4,
}


class EngineError(Exception):
    """An engine's process failed."""


def run_engine(
    function: str, output: Path, options: argparse.Namespace, work: Path | None, check: bool = True
) -> EngineResult:
    """Run `module:function` in a fresh process; check: as of Work. Raises EngineError where it fails."""
    command = [sys.executable, str(BENCH / "engine.py"), function, "--output", str(output)]
    command += ["--threads", str(options.threads), "--device", options.device]
    if work is not None:
        command += ["--work", str(work), *([] if check else ["--unchecked"])]
    threads = {name: str(options.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    result = subprocess.run(command, env={**os.environ, **threads}, check=False)
    if result.returncode:
        raise EngineError(f"{function} ended with status {result.returncode}")
    return EngineResult.read(output)


def order(engines: list[Engine], round_number: int) -> list[Engine]:
    """The engines of a round (from 1): every other round is backwards, so that none is always first."""
    return engines if round_number % 2 else engines[::-1]


def compare(comparison: Comparison, options: argparse.Namespace, peak: float) -> dict:
    """Run a comparison; its part of the report. What fails or disagrees is told among its errors.

    peak: GFLOP/s that matrix products reach on this machine.
    """
    folder = options.output / "work" / comparison.folder
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{comparison.title}: making the work", flush=True)
    work = comparison.prepare(folder)
    on_cpu = torch.device(options.device).type == "cpu"
    suitable = [engine for engine in comparison.engines if on_cpu or not engine.cpu_only]
    lacking = {engine.name: engine.lacks() for engine in suitable}
    engines = [engine for engine in suitable if not lacking[engine.name]]
    runs: dict[str, list[EngineResult]] = {engine.name: [] for engine in engines}
    errors: dict[str, str] = {}
    for round_number in range(1, options.rounds + 1):
        for engine in order(engines, round_number):
            if engine.name in errors:
                continue
            print(f"  round {round_number}: {engine.title}", flush=True)
            started = time.perf_counter()
            try:
                output = folder / f"{engine.name}-{round_number}.json"
                result = run_engine(engine.function, output, options, folder, round_number == 1)
                runs[engine.name].append(result)
            except EngineError as error:
                errors[engine.name] = str(error)
            print(f"    the process took {time.perf_counter() - started:.1f} s", flush=True)
    rows = []
    reference = engines[0].name
    for engine in engines:
        try:
            if errors.keys() & {engine.name, engine.against, reference}:
                continue
            rows += engine_rows(engine, work, runs, reference, comparison.unit, peak)
        except DisagreementError as error:
            errors[engine.name] = str(error)
    titles = {engine.name: engine.title for engine in engines}
    shutil.rmtree(folder)
    return {
        "kind": comparison.kind,
        "size": comparison.size.as_dictionary(),
        "title": comparison.title,
        "work": comparison.work,
        "unit": comparison.unit,
        "rows": report.as_dictionaries(rows),
        "rounds": {
            name: [{"seconds": run.seconds, "parts": run.parts, "work": run.work} for run in of]
            for name, of in runs.items()
        },
        "missing": [
            f"{engine.title}, since {', '.join(lacking[engine.name])} is not installed"
            for engine in suitable
            if lacking[engine.name]
        ],
        "errors": [f"{titles[name]}: {message}" for name, message in errors.items()],
        "not_covered": comparison.not_covered,
    }


def engine_rows(
    engine: Engine, work, runs: dict[str, list[EngineResult]], reference: str, unit: str, peak: float
) -> list[report.Row]:
    """The rows of an engine, one a variant. Raises DisagreementError."""
    own = runs[engine.name]
    for again in own[1:]:
        check_repetition(own[0], again)
    agreement = "-"
    if engine.check is not None:
        agreement = engine.check(work, runs[engine.against][0], own[0])
    notes = [note for run in own for note in run.notes]
    if "operations" in own[0].work:
        seconds = median(run.seconds[""] for run in own)
        notes.append(report.share_of_peak(own[0].work["operations"], seconds, peak))
    return [
        report.make_row(
            f"{engine.title}: {variant}" if variant else engine.title,
            [run.seconds[variant] for run in own],
            [run.seconds[""] for run in runs[reference]],
            work=own[0].work[unit],
            reference_work=runs[reference][0].work[unit],
            peak_memory_bytes=[run.peak_memory_bytes for run in own],
            agreement=agreement,
            notes=notes,
        )
        for variant in own[0].seconds
    ]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
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
    parser.add_argument("--rounds", type=int, default=3, help="of all engines of a comparison")
    parser.add_argument("--threads", type=int, default=cores(), help="of every engine; default: all cores")
    parser.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu", help="a GPU where there is one"
    )
    parser.add_argument("--directions", type=int, help=f"to translate, {DIRECTIONS} at most")
    parser.add_argument(
        "--rows", type=int, help="sentences to translate in a direction; embedded: 24 at most"
    )
    parser.add_argument("--lines", type=int, help="sentences to score in each direction")
    parser.add_argument("--tokens-per-batch", type=int, help="of training")
    parser.add_argument("--batches-per-update", type=int, help="of training")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the embedded size once and very small, whatever else is asked: tests the harness only",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("results/bench"), help="a folder; its report is replaced"
    )
    options = parser.parse_args(arguments)
    numbers = ("rounds", "threads", "directions", "rows", "lines", "tokens_per_batch", "batches_per_update")
    for name in numbers:
        if getattr(options, name) is not None and getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be 1 or more")
    if options.directions is not None and options.directions > DIRECTIONS:
        parser.error(f"--directions: there are no more than {DIRECTIONS}")
    most = SIZES["embedded"].rows
    if "embedded" in options.sizes and "translation" in options.only and (options.rows or 0) > most:
        parser.error(f"--rows: the embedded corpus has no more than {most}; or --sizes middle")
    try:
        torch.device(options.device)
    except RuntimeError:
        parser.error(f"--device {options.device}: PyTorch knows no such device; cpu or cuda")
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error(f"--device {options.device}: PyTorch finds no GPU here")
    if "workflow" not in options.only and not selected(set(options.only), [SIZES[n] for n in options.sizes]):
        parser.error(f"nothing to compare: no {', '.join(options.only)} of {', '.join(options.sizes)}")
    if options.quick:
        options.sizes, options.rounds = ["embedded"], 1
    return options


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 1 where an engine failed or results disagreed."""
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
