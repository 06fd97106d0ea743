"""Tells what a configuration will cost and, once it has run, how close that was."""

from pathlib import Path

from lslo.errors import one_line
from lslo.experiment.experiment import Experiment
from lslo.planning.report import report_plan

if "snakemake" in globals():
    log = Path(snakemake.log[0])
    try:
        root = Path(snakemake.scriptdir).resolve().parents[1]
        report_plan(Experiment(snakemake.config, root), snakemake.params.runtime, log)
    except ValueError as error:
        message = f"error: {one_line(error)}"
        log.write_text(f"{message}\n", encoding="utf-8")
        raise SystemExit(message) from None
