"""The tables of an experiment's setup: pruning schedules (Table 3) and languages (Tables 4 and 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas

from lslo.experiment.languages import RESOURCE_CLASSES, Language
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.reporting.table_formats import Table


@dataclass(frozen=True)
class PrunedExperiment:
    """A row of Table 3: an experiment that prunes by the Gradual Pruning Schedule (Equation 6).

    Attributes:
        name: ISE, LSP or LSLo.
        schedules: The schedules that the experiment compares, at least one; they differ in their ratios
            only.
        epochs: T, the epochs of training.
    """

    name: str
    schedules: Sequence[GradualPruningSchedule]
    epochs: int


def schedule_table(experiments: Sequence[PrunedExperiment], *, label: str = "tab:gps") -> Table:
    """Makes Table 3: the settings of the Gradual Pruning Schedule in each experiment.

    Args:
        experiments: The rows in the table's order.
        label: The name in LaTeX.

    Raises:
        ValueError: The schedules of an experiment differ in E or k, or it has none.
    """
    rows = []
    for experiment in experiments:
        steps = {(schedule.start, schedule.duration) for schedule in experiment.schedules}
        if len(steps) != 1:
            raise ValueError(f"{experiment.name}: a row of Table 3 needs schedules with one E and one k")
        ((start, duration),) = steps
        ratios = _ratios([schedule.ratio for schedule in experiment.schedules])
        rows.append((experiment.name, ratios, start, duration, experiment.epochs))
    columns = ["experiment", "P", "E", "k", "T"]
    return Table(
        values=pandas.DataFrame(rows, columns=columns),
        headings={column: column for column in columns} | {"experiment": "Experiments"},
        caption="Settings of the Gradual Pruning Schedule in each experiment.",
        note="P: pruning ratio; E: last epoch without pruning; k: epochs over which the ratio grows to P; "
        "T: epochs of training (Equation 6).",
        label=label,
    )


def languages_table(languages: Sequence[Language], *, name: str, label: str) -> Table:
    """Makes Table 4 or 5: the languages of an experiment by resource class.

    Args:
        languages: The languages in display order.
        name: The name of the set of languages, such as `lang12`.
        label: The name in LaTeX.
    """
    values = pandas.DataFrame(
        {
            "resource_type": [RESOURCE_CLASSES[language.resource_class] for language in languages],
            "language": [language.name for language in languages],
            "code": [language.code for language in languages],
            "flores101_code": [language.flores101 for language in languages],
            "family": [language.family for language in languages],
            "bitext_with_en": [language.bitext for language in languages],
        }
    )
    return Table(
        values=values,
        headings={
            "resource_type": "Resource Type",
            "language": "Language",
            "code": "Code",
            "flores101_code": "FLORES-101",
            "family": "Family",
            "bitext_with_en": "Bitext w/ En",
        },
        caption=f"Details for each language in {name}.",
        note="Bitext w/ En: sentence pairs with English by which FLORES-101 sorts languages into resource "
        "types.",
        label=label,
        repeated=("resource_type",),
    )


def _ratios(ratios: Sequence[float]) -> str:
    texts = [f"{ratio:g}" for ratio in sorted(ratios)]
    return texts[0] if len(texts) == 1 else "{" + ",".join(texts) + "}"
