"""Tables 1, 2, 6 and 7: the scores of settings by class pair, beside the paper's where that is asked for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas

from lslo.experiment.provenance import recorded
from lslo.reporting.paper_comparison import comparison_table, read_paper_table
from lslo.reporting.table_formats import write_table
from lslo.reporting.tables import SettingResult, results_caption, results_table
from lslo.running.script import script_job
from lslo.scoring.bootstrap import bootstrap, significance
from lslo.scoring.score_files import read_scores, read_statistics

BASELINE = "Ft-all"


def main(
    number: int,
    settings: Sequence[str],
    scores: Mapping[str, Sequence[str]],
    parameters: Mapping[str, str],
    resource_classes: Mapping[str, str],
    experiment: str,
    outputs: Mapping[str, Path],
    *,
    statistics: Mapping[str, Sequence[str]] | None = None,
    resamples: int = 0,
    paper: Path | None = None,
    comparison: Mapping[str, Path] | None = None,
    record: str | None = None,
) -> None:
    """Write table `number`.

    scores: setting -> scores.csv of each seed; parameters: setting -> parameters.json. statistics: setting
    -> statistics.npz of each seed, for `resamples` of a bootstrap against Ft-all. paper: its table as CSV.
    comparison: the files of a second table, ours and the paper's and the differences below each other.
    record: the name of the file that names the runs.
    """
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
        paper=read_paper_table(paper) if paper else None,
        significance=_significance(statistics or {}, resource_classes, resamples),
    )
    if record:
        table = replace(table, note=f"{table.note} The runs it comes from are named in {record}.")
    write_table(table, **outputs)
    if comparison:
        write_table(comparison_table(table), **comparison)


def _significance(
    statistics: Mapping[str, Sequence[str]], resource_classes: Mapping[str, str], resamples: int
) -> dict[str, pandas.DataFrame] | None:
    """Each setting against Ft-all; None where that is not asked for or not possible."""
    if not resamples or BASELINE not in statistics:
        return None

    def resampled(setting: str):
        seeds = [read_statistics(path) for path in statistics[setting]]
        # The base model has one run; it is paired with every seed of the others.
        seeds *= len(statistics[BASELINE]) // len(seeds)
        return bootstrap(seeds, resource_classes, resamples=resamples)

    baseline = resampled(BASELINE)
    return {
        setting: significance(resampled(setting), baseline) for setting in statistics if setting != BASELINE
    }


def _files(output: Mapping[str, str], prefix: str) -> dict[str, Path]:
    names = ("csv", "markdown", "latex", "page")
    return {name: Path(output[prefix + name]) for name in names if prefix + name in output.keys()}  # noqa: SIM118


if "snakemake" in globals():
    with script_job(snakemake.log[0]), recorded(snakemake):
        main(
            int(snakemake.wildcards.number),
            snakemake.params.settings,
            snakemake.params.scores,
            snakemake.params.parameters,
            snakemake.params.resource_classes,
            snakemake.params.experiment,
            _files(snakemake.output, ""),
            statistics=snakemake.params.statistics,
            resamples=snakemake.params.resamples,
            paper=snakemake.params.paper and Path(snakemake.params.paper),
            comparison=_files(snakemake.output, "comparison_"),
            record=Path(snakemake.output.record).name,
        )
