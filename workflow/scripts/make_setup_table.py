"""Table 3, the pruning schedules, and Tables 4 and 5, the languages, as this experiment uses them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lslo.experiment.languages import Language
from lslo.reporting.table_formats import write_table
from lslo.reporting.tables import PruningSchedule, languages_table, schedule_table
from lslo.running.script import script_job


def main(
    number: int,
    schedules: Sequence[Mapping],
    languages: Sequence[Mapping[str, str]],
    experiment: str,
    outputs: Mapping[str, Path],
) -> None:
    """Write table `number`: 3 from the schedules, 4 or 5 from the rows of languages.tsv."""
    if number == 3:
        table = schedule_table([PruningSchedule(**schedule) for schedule in schedules])
    else:
        table = languages_table(
            [Language(**language) for language in languages],
            name=experiment,
            label=f"tab:{experiment}-languages",
        )
    write_table(table, **outputs)


if "snakemake" in globals():
    with script_job(snakemake.log[0]):
        main(
            int(snakemake.wildcards.number),
            snakemake.params.schedules,
            snakemake.params.languages,
            snakemake.params.experiment,
            {form: Path(path) for form, path in snakemake.output.items()},
        )
