"""Results tables from the files of settings to the files of the tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lslo.reporting.differences_table import differences_table
from lslo.reporting.paper_columns import read_paper_table
from lslo.reporting.results_table import SettingResult, results_caption, results_table
from lslo.reporting.table_formats import Table, TableFiles, write_table
from lslo.scoring.bootstrap import significance_by_setting
from lslo.scoring.score_files import read_scores


@dataclass(frozen=True)
class SettingFiles:
    """The files of a setting's results.

    Attributes:
        setting: The setting as the paper writes it.
        scores: scores.csv of each seed.
        statistics: statistics.npz of each seed.
        parameters: parameters.json; None for Pretrain.
    """

    setting: str
    scores: Sequence[Path]
    statistics: Sequence[Path]
    parameters: Path | None

    def read(self) -> SettingResult:
        """Reads the scores and the numbers of parameters."""
        return SettingResult(
            self.setting,
            [read_scores(path) for path in self.scores],
            json.loads(self.parameters.read_text()) if self.parameters else None,
        )


@dataclass(frozen=True)
class ResultsTableInputs:
    """A results table as an experiment asks for it.

    Attributes:
        number: The table's number in the paper: 1, 2, 6 or 7.
        experiment: The experiment's name.
        resource_classes: The resource class of each language code.
        settings: The rows in the table's order.
        paper: The paper's table as CSV, to compare with.
        resamples: The number of resamples of the bootstrap test against Ft-all; 0 for no test. A table
            without Ft-all is not tested.
        record: The name of the file that tells which runs the table comes from.
    """

    number: int
    experiment: str
    resource_classes: Mapping[str, str]
    settings: Sequence[SettingFiles]
    paper: Path | None = None
    resamples: int = 0
    record: str | None = None


def read_results_table(inputs: ResultsTableInputs) -> Table:
    """Makes a results table from the files of its settings.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged, or the files do not fit together.
    """
    significance = None
    if inputs.resamples:
        significance = significance_by_setting(
            {files.setting: files.statistics for files in inputs.settings},
            inputs.resource_classes,
            resamples=inputs.resamples,
        )
    table = results_table(
        [files.read() for files in inputs.settings],
        inputs.resource_classes,
        caption=results_caption(inputs.number, inputs.experiment),
        label=f"tab:{inputs.experiment}-{inputs.number}",
        paper=read_paper_table(inputs.paper) if inputs.paper else None,
        significance=significance,
    )
    if inputs.record:
        table = replace(table, note=f"{table.note} The runs it comes from are named in {inputs.record}.")
    return table


def write_results_table(
    inputs: ResultsTableInputs, files: TableFiles, differences: TableFiles | None = None
) -> None:
    """Makes a results table and writes it.

    Args:
        inputs: The table that is asked for.
        files: The files of the table.
        differences: The files of a second table, with the comparisons of every class pair; None for no
            such table.
    """
    table = read_results_table(inputs)
    write_table(table, files)
    if differences:
        write_table(differences_table(table), differences)
