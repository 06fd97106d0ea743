"""The paper's tables: main results (1, 2, 6, 7), pruning schedules (3) and languages (4, 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas

from lslo.experiment.languages import RESOURCE_CLASSES
from lslo.reporting.paper_comparison import with_comparison
from lslo.reporting.table_formats import Table
from lslo.scoring.class_means import AVERAGE, METRIC_NAMES, class_columns, class_means, mean_over_seeds

if TYPE_CHECKING:
    from lslo.experiment.languages import Language

PARAMETER_HEADINGS = {
    "parameters": "#Params",
    "nonzero_parameters": "#Non-zero",
    "paper_parameters": "#Params (paper)",
}

_CAPTIONS = {
    1: "{metric} scores on {languages} organized by language resource type. Ranks of LSLo in the order of "
    "the resource types; WL: architecture of Weight Learning; GPS(P): Gradual Pruning Schedule with ratio P "
    "for high and medium-resource languages.",
    2: "{metric} scores on {languages} organized by languages' resource type.",
    6: "{metric} of different index strategies on {languages}: learned (WL), source-indexed encoder (SRC), "
    "target-indexed encoder (TGT).",
    7: "{metric} on {languages} of adding LSLo to all modules versus only to the fully connected layers "
    "(@fc).",
}


@dataclass(frozen=True)
class SettingResult:
    """What a row of a results table is made from.

    Attributes:
        setting: as the paper writes it, such as ``2;2;8+WL+GPS(0.9)``.
        scores: one frame a seed (scoring.SCORE_COLUMNS), all of the same directions.
        parameters: ``parameters.json``: trainable parameters (``true``), those left by pruning
            (``nonzero``), and their number as the paper counts (``paper``); None for Pretrain.
    """

    setting: str
    scores: Sequence[pandas.DataFrame]
    parameters: Mapping[str, float | None] | None = None


@dataclass(frozen=True)
class PruningSchedule:
    """A row of Table 3: the Gradual Pruning Schedule of an experiment (Equation 6).

    Attributes:
        experiment: ISE, LSP or LSLo.
        ratios: P, in (0, 1); several where the experiment compares them.
        start_epoch: E, the last epoch without pruning.
        pruning_epochs: k, how many epochs the ratio grows.
        epochs: T, epochs of training.
    """

    experiment: str
    ratios: Sequence[float]
    start_epoch: int
    pruning_epochs: int
    epochs: int


def results_table(
    results: Sequence[SettingResult],
    resource_classes: Mapping[str, str],
    *,
    caption: str,
    label: str,
    metric: str = "spbleu",
    paper: pandas.DataFrame | None = None,
    significance: Mapping[str, pandas.DataFrame] | None = None,
) -> Table:
    """A results table (Tables 1, 2, 6, 7): a row a setting, a column a pair of resource classes.

    Several seeds are averaged direction by direction. AVG is the mean over all directions, as in the paper
    (not over the columns, which average different numbers of directions).

    Args:
        results: the rows, in the table's order.
        resource_classes: language code -> class.
        caption, label: of the table in print.
        metric: "spbleu" or "chrf".
        paper: of `read_paper_table`, and
        significance: setting -> `significance.significance` of it against Ft-all: what to compare with.

    Returns:
        Values with columns setting, seeds, parameters, nonzero_parameters, paper_parameters, H2H, …, AVG,
        signature (the metric's), and those of `comparison.with_comparison`.

    Raises:
        ValueError: no settings; a setting's scores lack a direction; settings were scored in different
            ways, which one table must not compare; a comparison of chrF++, or one that does not fit.
    """
    if not results:
        raise ValueError("a results table needs at least one setting")
    if metric != "spbleu" and (paper is not None or significance):
        raise ValueError("the paper's scores and tests of significance are of spBLEU, not of chrF++")
    signature = _common_signature(results, metric)
    rows = []
    for result in results:
        try:
            means = class_means(mean_over_seeds(result.scores), resource_classes, metric)
        except ValueError as error:
            raise ValueError(f"{result.setting}: {error}") from error
        counts = result.parameters or {}
        rows.append(
            {
                "setting": result.setting,
                "seeds": len(result.scores),
                "parameters": counts.get("true"),
                "nonzero_parameters": counts.get("nonzero"),
                "paper_parameters": counts.get("paper"),
                **means.to_dict(),
                "signature": signature,
            }
        )
    columns = tuple(class_columns(resource_classes))
    counts = tuple(PARAMETER_HEADINGS)
    # Int64, not int64: Pretrain has no count, and a float column would print 44800000.0 in the CSV.
    values = pandas.DataFrame(rows).astype(dict.fromkeys(counts, "Int64"))
    table = Table(
        values=values,
        headings={"setting": "Methods", **PARAMETER_HEADINGS} | {c: c for c in (*columns, AVERAGE)},
        caption=caption,
        note=_results_note(results, resource_classes, metric, signature),
        label=label,
        best_of=(*columns, AVERAGE),
        counts=counts,
        group=("Language Direction", columns),
    )
    return with_comparison(table, paper, significance)


def results_caption(table: int, languages: str, metric: str = "spbleu") -> str:
    """The caption of results table 1, 2, 6 or 7 for a set of languages, such as ``lang12``."""
    return _CAPTIONS[table].format(metric=METRIC_NAMES[metric], languages=languages)


def _common_signature(results: Sequence[SettingResult], metric: str) -> str:
    column = f"{metric}_signature"
    first: tuple[str, str] | None = None
    for result in results:
        for scores in result.scores:
            for signature in scores[column].unique():
                first = first or (result.setting, signature)
                if signature != first[1]:
                    raise ValueError(
                        f"{result.setting} was scored as {signature} but {first[0]} as {first[1]}: "
                        "score both in the same way"
                    )
    if first is None:
        raise ValueError(f"{results[0].setting}: no scores to average: name at least one seed")
    return first[1]


def _results_note(
    results: Sequence[SettingResult], resource_classes: Mapping[str, str], metric: str, signature: str
) -> str:
    present = [name for name in RESOURCE_CLASSES if name in resource_classes.values()]
    classes = ", ".join(f"{name}: {RESOURCE_CLASSES[name].lower()}-resource" for name in present)
    directions = len(resource_classes) * (len(resource_classes) - 1)
    seeds = sorted({len(result.scores) for result in results})
    runs = "One seed." if seeds == [1] else f"Mean over {' or '.join(map(str, seeds))} seeds."
    how = " with the base model's own SentencePiece pieces, not comparable with flores101's"
    how = how if "tok:spm:" in signature else ""
    return (
        f"{METRIC_NAMES[metric]}{how} ({signature}). Source class 2 target class ({classes}); {AVERAGE} is "
        f"the mean over all {directions} directions. {runs} #Params: trainable parameters by Equation 3; "
        "#Non-zero: those that pruning leaves; #Params (paper): by the paper's count, 2·d·r for each "
        "matrix, fc1 and fc2 too."
    )


def schedule_table(schedules: Sequence[PruningSchedule], *, label: str = "tab:gps") -> Table:
    """Table 3: the settings of the Gradual Pruning Schedule in each experiment."""
    values = pandas.DataFrame(
        {
            "experiment": [schedule.experiment for schedule in schedules],
            "P": [_ratios(schedule.ratios) for schedule in schedules],
            "E": [schedule.start_epoch for schedule in schedules],
            "k": [schedule.pruning_epochs for schedule in schedules],
            "T": [schedule.epochs for schedule in schedules],
        }
    )
    return Table(
        values=values,
        headings={"experiment": "Experiments", "P": "P", "E": "E", "k": "k", "T": "T"},
        caption="Settings of the Gradual Pruning Schedule in each experiment.",
        note="P: pruning ratio; E: last epoch without pruning; k: epochs over which the ratio grows to P; "
        "T: epochs of training (Equation 6).",
        label=label,
    )


def _ratios(ratios: Sequence[float]) -> str:
    texts = [f"{ratio:g}" for ratio in sorted(ratios)]
    if not texts:
        return "-"
    return texts[0] if len(texts) == 1 else "{" + ",".join(texts) + "}"


def languages_table(languages: Sequence[Language], *, name: str, label: str) -> Table:
    """Tables 4 and 5: the languages of an experiment by resource class.

    Args:
        languages: in display order.
        name: of the set of languages, such as ``lang12``.
        label: of the table in print.
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


def beside_paper(table: Table, paper: pandas.DataFrame) -> pandas.DataFrame:
    """One's own results beside the paper's, for the settings and columns that both have.

    Args:
        table: of `results_table`.
        paper: of `read_paper_table`.

    Returns:
        A row a setting and column: setting, column, measured, paper, difference (measured - paper).
    """
    columns = [c for c in table.best_of if c in paper.columns]
    measured = table.values.melt("setting", columns, "column", "measured")
    printed = paper.melt("setting", columns, "column", "paper")
    both = measured.merge(printed, on=["setting", "column"], validate="one_to_one")
    return both.assign(difference=both["measured"] - both["paper"])
