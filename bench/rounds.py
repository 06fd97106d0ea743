"""Rounds of a comparison: each engine runs in a process of its own; the results make the report's rows."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import torch

import report
from agreement import DisagreementError, check_repetition
from comparison import Comparison, Engine
from results import EngineResult
from work import Work

BENCH = Path(__file__).resolve().parent


class EngineError(Exception):
    """An engine's process failed."""


def run_engine(
    function: str, output: Path, options: argparse.Namespace, work: Path | None, check: bool = True
) -> EngineResult:
    """Runs an engine in a fresh process.

    Args:
        function: The engine's function, as `module:function`.
        output: The file for the result.
        options: The options of the command line: threads and device.
        work: The folder of the work; None for an engine that needs none.
        check: Whether the engine also makes the outputs that only the check of agreement needs.

    Raises:
        EngineError: The process failed.
    """
    command = [sys.executable, str(BENCH / "engine.py"), function, "--output", str(output)]
    command += ["--threads", str(options.threads), "--device", options.device]
    if work is not None:
        command += ["--work", str(work), *([] if check else ["--unchecked"])]
    threads = {name: str(options.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    result = subprocess.run(command, env={**os.environ, **threads}, check=False)
    if result.returncode:
        raise EngineError(f"{function} ended with status {result.returncode}")
    return EngineResult.read(output)


def order(engines: Sequence[Engine], round_number: int) -> Sequence[Engine]:
    """Returns the engines in the order of a round.

    Every other round is backwards, so that no engine is always the first.

    Args:
        engines: The engines.
        round_number: The number of the round, from 1.
    """
    return engines if round_number % 2 else engines[::-1]


def run_rounds(
    engines: Sequence[Engine], folder: Path, options: argparse.Namespace
) -> tuple[dict[str, list[EngineResult]], dict[str, str]]:
    """Runs all rounds; an engine that fails is left out of the later ones.

    Args:
        engines: The engines to run.
        folder: The folder of the work.
        options: The options of the command line: rounds, threads and device.

    Returns:
        The results of each engine, one for each round, and the messages of engines that failed, both by the
        engine's name.
    """
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
    return runs, errors


def engine_rows(
    engine: Engine,
    work: Work,
    runs: Mapping[str, Sequence[EngineResult]],
    reference: str,
    unit: str,
    peak: float,
) -> list[report.Row]:
    """Makes the rows of an engine, one for each of its variants.

    Args:
        engine: The engine.
        work: The work of the comparison.
        runs: The results of every engine, one for each round.
        reference: The name of the engine whose times the ratios are relative to.
        unit: The unit of work that throughput is given in.
        peak: The machine's best matrix products, in GFLOP/s.

    Raises:
        DisagreementError: The results disagree with those of another engine or of another round.
    """
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


def compare(comparison: Comparison, options: argparse.Namespace, peak: float) -> dict:
    """Runs a comparison and returns its section of the report.

    Engines that fail or disagree have no row; the section's `errors` name them.

    Args:
        comparison: The comparison.
        options: The options of the command line.
        peak: The machine's best matrix products, in GFLOP/s.
    """
    folder = options.output / "work" / comparison.folder
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{comparison.title}: making the work", flush=True)
    work = comparison.prepare(folder)
    on_cpu = torch.device(options.device).type == "cpu"
    suitable = [engine for engine in comparison.engines if on_cpu or not engine.cpu_only]
    lacking = {engine.name: engine.lacks() for engine in suitable}
    engines = [engine for engine in suitable if not lacking[engine.name]]
    runs, errors = run_rounds(engines, folder, options)
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
            name: [{"seconds": run.seconds, "parts": run.parts, "work": run.work} for run in results]
            for name, results in runs.items()
        },
        "missing": [
            f"{engine.title}, since {', '.join(lacking[engine.name])} is not installed"
            for engine in suitable
            if lacking[engine.name]
        ],
        "errors": [f"{titles[name]}: {message}" for name, message in errors.items()],
        "not_covered": comparison.not_covered,
    }
