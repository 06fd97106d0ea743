"""Writes Table 1, 2, 6 or 7: scores by class pair, compared with the paper's and with Ft-all's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lslo.experiment.provenance import recorded
from lslo.reporting.results_files import ResultsTableInputs, SettingFiles, write_results_table
from lslo.reporting.table_formats import TableFiles
from lslo.running.script import script_job


def inputs(number: int, params: Any, record: str) -> ResultsTableInputs:
    """Returns the inputs of the table that the rule asks for."""
    settings = [
        SettingFiles(
            setting,
            scores=[Path(path) for path in params.scores[setting]],
            statistics=[Path(path) for path in params.statistics[setting]],
            parameters=Path(params.parameters[setting]) if setting in params.parameters else None,
        )
        for setting in params.settings
    ]
    return ResultsTableInputs(
        number,
        params.experiment,
        params.resource_classes,
        settings,
        paper=Path(params.paper) if params.paper else None,
        resamples=params.resamples,
        record=Path(record).name,
    )


def table_files(output: Mapping[str, str], prefix: str = "") -> TableFiles:
    """Returns the output files of a table, whose names begin with the prefix."""
    return TableFiles(*(Path(output[prefix + form]) for form in ("csv", "markdown", "latex", "page")))


if "snakemake" in globals():
    with script_job(snakemake.log[0]), recorded(snakemake):
        output = dict(snakemake.output.items())
        write_results_table(
            inputs(int(snakemake.wildcards.number), snakemake.params, output["record"]),
            table_files(output),
            table_files(output, "comparison_") if "comparison_csv" in output else None,
        )
