"""Writes the experiment's Table 3, the pruning schedules, or Table 4 or 5, the languages."""

from pathlib import Path
from typing import Any

from lslo.experiment.languages import Language
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.reporting.setup_tables import PrunedExperiment, languages_table, schedule_table
from lslo.reporting.table_formats import Table, TableFiles, write_table
from lslo.running.script import script_job


def setup_table(number: int, params: Any) -> Table:
    """Returns Table 3 from the schedules, or Table 4 or 5 from the rows of languages.tsv."""
    if number == 3:
        return schedule_table(
            [
                PrunedExperiment(
                    row["experiment"],
                    [GradualPruningSchedule(**schedule) for schedule in row["schedules"]],
                    row["epochs"],
                )
                for row in params.schedules
            ]
        )
    languages = [Language(**language) for language in params.languages]
    return languages_table(languages, name=params.experiment, label=f"tab:{params.experiment}-languages")


if "snakemake" in globals():
    with script_job(snakemake.log[0]):
        write_table(
            setup_table(int(snakemake.wildcards.number), snakemake.params),
            TableFiles(**{form: Path(path) for form, path in snakemake.output.items()}),
        )
