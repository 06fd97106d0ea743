"""Say what a configuration will cost, and once it has run, how close that was."""

import json
from pathlib import Path

from lslo.errors import one_line
from lslo.experiment.experiment import Experiment
from lslo.files.atomic import write_atomically
from lslo.planning.plan import Plan
from lslo.planning.report import as_json, markdown


def main(experiment: Experiment, runtime_minutes: float, log: Path) -> None:
    """Print the plan, and write it to `plan.md` and `plan.json` in the folder of results.

    runtime_minutes: that a training's rule asks for.
    """
    plan = Plan.of(experiment)
    text = markdown(plan, runtime_minutes)
    numbers = json.dumps(as_json(plan), indent=1) + "\n"
    results = experiment.paths.results
    write_atomically(results / "plan.md", lambda path: path.write_text(text, encoding="utf-8"))
    write_atomically(results / "plan.json", lambda path: path.write_text(numbers, encoding="utf-8"))
    log.write_text(text, encoding="utf-8")
    print(text)


if "snakemake" in globals():
    try:
        root = Path(snakemake.scriptdir).resolve().parents[1]
        main(Experiment(snakemake.config, root), snakemake.params.runtime, Path(snakemake.log[0]))
    except ValueError as error:
        Path(snakemake.log[0]).write_text(f"error: {one_line(error)}\n", encoding="utf-8")
        raise SystemExit(f"error: {one_line(error)}") from None
