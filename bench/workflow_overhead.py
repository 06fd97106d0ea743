"""What Snakemake itself costs: dry runs of small and large configurations, plans, and the time between jobs.

    python bench/workflow_overhead.py --output workflow_overhead.json

A dry run of 204 languages has 41,412 directions (bench/many_languages.py). The time between jobs is that of a
workflow of many jobs that do nothing: its wall time without its start, a job; and with --small-run that of
tests/data/tiny.yaml: the wall time less what its jobs' benchmarks add up to, a job.
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
# Of a workflow that has nothing of lslo in it: what Snakemake's own jobs cost.
TRIVIAL = """
rule all:
    input: expand("done/{{number}}", number=range({jobs}))

rule nothing:
    output: "done/{{number}}"
    shell: "touch {{output}}"
"""


def run_snakemake(folder: Path, arguments: Sequence[str], snakefile: Path | None = None) -> tuple[float, str]:
    """(seconds, output) of a run in a folder. Raises RuntimeError with the output's end where it fails."""
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
    """The number of jobs in Snakemake's table of them."""
    return next((int(line.split()[1]) for line in output.splitlines() if line.split()[:1] == ["total"]), 0)


def measure_configuration(config: Path, repetitions: int = 3) -> dict:
    """Seconds of a dry run and of `snakemake plan`, the best of some; nothing is downloaded or made."""
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
    """Seconds a job of a workflow of jobs that do nothing, by one core; starting Snakemake is taken off."""
    seconds = []
    for number in (1, jobs + 1):
        with tempfile.TemporaryDirectory() as name:
            snakefile = Path(name) / "Snakefile"
            snakefile.write_text(TRIVIAL.format(jobs=number))
            seconds.append(run_snakemake(Path(name), ["--cores", "1"], snakefile)[0])
    return {"jobs": jobs, "start_seconds": seconds[0], "seconds_a_job": (seconds[1] - seconds[0]) / jobs}


def measure_small_run(cores: int = 1) -> dict:
    """A run of tests/data/tiny.yaml from nothing: wall time, and what of it no job's benchmark has.

    On one core, where no two jobs run at a time.
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
    """All of it. languages: of the large configuration. jobs: that do nothing. small_run: minutes more."""
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
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--languages", type=int, default=204, help="of the large configuration")
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
