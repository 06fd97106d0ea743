"""Tables 1, 2, 6 and 7: the scores of settings by class pair."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from lslo.job import job
from lslo.scoring import read_scores
from lslo.table_formats import write_table
from lslo.tables import SettingResult, results_caption, results_table


def main(
    number: int,
    settings: Sequence[str],
    scores: Mapping[str, Sequence[str]],
    parameters: Mapping[str, str],
    resource_classes: Mapping[str, str],
    experiment: str,
    outputs: Mapping[str, Path],
) -> None:
    """Write table `number`. scores: setting -> scores.csv of each seed; parameters: -> parameters.json."""
    results = [
        SettingResult(
            setting,
            [read_scores(path) for path in scores[setting]],
            json.loads(Path(parameters[setting]).read_text()) if setting in parameters else None,
        )
        for setting in settings
    ]
    table = results_table(
        results,
        resource_classes,
        caption=results_caption(number, experiment),
        label=f"tab:{experiment}-{number}",
    )
    write_table(table, **outputs)


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            int(snakemake.wildcards.number),
            snakemake.params.settings,
            snakemake.params.scores,
            snakemake.params.parameters,
            snakemake.params.resource_classes,
            snakemake.params.experiment,
            {form: Path(path) for form, path in snakemake.output.items()},
        )
