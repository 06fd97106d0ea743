"""The plan of an experiment, printed and written to its folder of results."""

from __future__ import annotations

import json
from pathlib import Path

from lslo.experiment.experiment import Experiment
from lslo.files.atomic import write_text_atomically
from lslo.planning.json_report import as_json
from lslo.planning.markdown_report import as_markdown
from lslo.planning.plan import Plan


def report_plan(experiment: Experiment, runtime_minutes: float, log: Path) -> None:
    """Prints the plan of an experiment, and writes it to `plan.md` and `plan.json` in the folder of results.

    Args:
        experiment: The experiment.
        runtime_minutes: The time that the rules of trainings request, in minutes.
        log: The log of the rule `plan`, which gets the printed text too.

    Raises:
        ValueError: A size is not known, or a file cannot be read; the message names the key or file.
    """
    plan = Plan.of(experiment)
    text = as_markdown(plan, runtime_minutes)
    numbers = json.dumps(as_json(plan), indent=1) + "\n"
    results = experiment.paths.results
    write_text_atomically(results / "plan.md", text)
    write_text_atomically(results / "plan.json", numbers)
    log.write_text(text, encoding="utf-8")
    print(text)
