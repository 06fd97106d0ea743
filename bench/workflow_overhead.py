"""Measures Snakemake's own time: dry runs and plans of small and large configurations, time between jobs.

    python bench/workflow_overhead.py --output workflow_overhead.json

The large configuration has 204 languages and 41,412 directions (bench/many_languages.py). The time between
jobs is measured on a workflow of many jobs that do nothing: its wall time without the start, divided by the
number of jobs. With --small-run it is also measured on tests/data/tiny.yaml: the wall time minus the time
within jobs, by their benchmarks, divided by the number of jobs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from many_languages import write as write_many_languages

REPOSITORY = Path(__file__).parents[1]
# A workflow without anything of lslo, whose jobs do nothing: its time is Snakemake's own.
TRIVIAL = """
rule all:
    input: expand("done/{{number}}", number=range({jobs}))

rule nothing:
    output: "done/{{number}}"
    shell: "touch {{output}}"
"""


def run_snakemake(folder: Path, arguments: Sequence[str], snakefile: Path | None = None) -> tuple[float, str]:
    """Runs Snakemake in a folder.

    Args:
        folder: The folder to run in.
        arguments: The arguments of the command line.
        snakefile: The workflow; the repository's where it is None.

    Returns:
        The seconds that the run took, and its output.

    Raises:
        RuntimeError: The run failed; the message has the end of its output.
    """
    command = [sys.executable, "-m", "snakemake", "--directory", str(folder)]
    command += ["--snakefile", str(snakefile or REPOSITORY / "Snakefile"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}
    started = time.perf_counter()
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    seconds = time.perf_counter() - started
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{result.stdout[-3000:]}")
    return seconds, result.stdout


def jobs_of(output: str) -> int:
    """Returns the number of jobs that Snakemake's table of jobs gives as the total; 0 without a table."""
    return next((int(line.split()[1]) for line in output.splitlines() if line.split()[:1] == ["total"]), 0)


def measure_configuration(config: Path, repetitions: int = 3) -> dict:
    """Times a dry run and `snakemake plan` of a configuration; nothing is downloaded or made.

    Args:
        config: The configuration file.
        repetitions: The number of repetitions, of which the fastest counts.
    """
    dry, plans, jobs = [], [], 0
    with tempfile.TemporaryDirectory() as name:
        for _ in range(repetitions):
            seconds, output = run_snakemake(
                Path(name), ["--cores", "2", "--dry-run", "--configfile", str(config)]
            )
            dry.append(seconds)
            jobs = jobs_of(output)
            seconds, _ = run_snakemake(Path(name), ["--cores", "1", "plan", "--configfile", str(config)])
            plans.append(seconds)
    return {"jobs": jobs, "dry_run_seconds": min(dry), "plan_seconds": min(plans)}


def measure_trivial_jobs(jobs: int = 100) -> dict:
    """Times jobs that do nothing, on one core, without the time that Snakemake takes to start.

    Args:
        jobs: The number of jobs.
    """
    seconds = []
    for number in (1, jobs + 1):
        with tempfile.TemporaryDirectory() as name:
            snakefile = Path(name) / "Snakefile"
            snakefile.write_text(TRIVIAL.format(jobs=number))
            seconds.append(run_snakemake(Path(name), ["--cores", "1"], snakefile)[0])
    return {"jobs": jobs, "start_seconds": seconds[0], "seconds_a_job": (seconds[1] - seconds[0]) / jobs}


def measure_small_run(cores: int = 1) -> dict:
    """Times a run of tests/data/tiny.yaml from scratch, and the part of it that lies between jobs.

    Args:
        cores: The number of cores. With more than one, jobs run at the same time, and the time between jobs
            is not what the difference says.
    """
    config = yaml.safe_load((REPOSITORY / "tests/data/tiny.yaml").read_text())
    config["base_model"] = str(REPOSITORY / config["base_model"])
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "config.yaml"
        file.write_text(yaml.safe_dump(config, sort_keys=False))
        wall, output = run_snakemake(Path(name), ["--cores", str(cores), "--configfile", str(file)])
        inside = 0.0
        for benchmark in Path(name, "benchmarks").rglob("*.tsv"):
            with benchmark.open(encoding="utf-8", newline="") as lines:
                inside += sum(float(row["s"]) for row in csv.DictReader(lines, delimiter="\t"))
    jobs = jobs_of(output)
    return {
        "jobs": jobs,
        "wall_seconds": wall,
        "seconds_in_jobs": inside,
        "seconds_between_a_job": (wall - inside) / jobs,
    }


def measure(languages: int = 204, jobs: int = 100, small_run: bool = False) -> dict:
    """Makes all measurements.

    Args:
        languages: The number of languages of the large configuration.
        jobs: The number of jobs that do nothing.
        small_run: Whether to run tests/data/tiny.yaml too, which takes minutes more.
    """
    result: dict = {
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "configurations": {},
    }
    for name in ("lang12", "lang30"):
        result["configurations"][name] = measure_configuration(REPOSITORY / "config" / f"{name}.yaml")
    with tempfile.TemporaryDirectory() as name:
        config = write_many_languages(Path(name), languages)
        result["configurations"][f"{languages}_languages"] = {
            "directions": languages * (languages - 1),
            **measure_configuration(config, repetitions=2),
        }
    result["trivial_jobs"] = measure_trivial_jobs(jobs)
    if small_run:
        result["small_run"] = measure_small_run()
    return result


def main() -> None:
    """Makes the measurements that the command line asks for, and prints or writes them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--languages", type=int, default=204, help="languages of the large configuration")
    parser.add_argument("--jobs", type=int, default=100, help="jobs that do nothing")
    parser.add_argument("--small-run", action="store_true", help="run tests/data/tiny.yaml too, two minutes")
    parser.add_argument("--output", type=Path, help="a JSON file")
    options = parser.parse_args()
    text = json.dumps(measure(options.languages, options.jobs, options.small_run), indent=1)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
