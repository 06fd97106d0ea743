"""Table 3 is the paper's, and Tables 4 and 5 group languages by resource class."""

from pathlib import Path

import pandas
import pytest

from lslo.experiment.languages import Language
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.reporting.setup_tables import PrunedExperiment, languages_table, schedule_table
from lslo.reporting.table_formats import to_latex, to_markdown

PAPER = Path(__file__).parents[3] / "resources" / "paper"


def pruned(name, ratios, start=2):
    return PrunedExperiment(name, [GradualPruningSchedule(ratio, start, 8) for ratio in ratios], 15)


def test_table3_is_the_papers():
    experiments = [pruned("ISE", [0.7]), pruned("LSP", [0.7]), pruned("LSLo", [0.9, 0.1, 0.3, 0.5, 0.7])]
    table = schedule_table(experiments)
    paper = pandas.read_csv(PAPER / "table3.csv", dtype=str)
    ours = table.values.astype(str)
    ours["P"] = ours["P"].str.strip("{}")
    assert ours.to_numpy().tolist() == paper.to_numpy().tolist()
    assert "\\{0.1,0.3,0.5,0.7,0.9\\}" in to_latex(table)


def test_a_row_of_table3_has_one_start_and_one_duration():
    differing = PrunedExperiment("LSLo", [*pruned("", [0.9]).schedules, *pruned("", [0.5], 3).schedules], 15)
    for experiment in (differing, pruned("LSLo", [])):
        with pytest.raises(ValueError, match="LSLo: a row of Table 3 needs schedules with one E and one k"):
            schedule_table([experiment])


def test_languages_table():
    languages = [
        Language("en", "English", "H", "Germanic", "-", "eng", "en"),
        Language("fr", "French", "H", "Romance", "289M", "fra", "fr"),
        Language("wo", "Wolof", "V", "Nilotic", "86.9K", "wol", "wo"),
    ]
    table = languages_table(languages, name="lang3", label="tab:lang3")
    assert list(table.values["resource_type"]) == ["High", "High", "Very Low"]
    lines = to_markdown(table).splitlines()
    # The resource type is printed once.
    assert lines[4:7] == [
        "| High | English | en | eng | Germanic | - |",
        "|  | French | fr | fra | Romance | 289M |",
        "| Very Low | Wolof | wo | wol | Nilotic | 86.9K |",
    ]
