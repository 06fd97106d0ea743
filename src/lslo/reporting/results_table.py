"""The results tables, Tables 1, 2, 6 and 7: a row for each setting, a column for each class pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas

from lslo.experiment.languages import RESOURCE_CLASSES
from lslo.reporting.baseline_columns import with_baseline_columns
from lslo.reporting.paper_columns import with_paper_columns
from lslo.reporting.table_formats import Table
from lslo.scoring.class_means import AVERAGE, METRIC_NAMES, class_means, class_pairs, mean_over_seeds

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
    """The results that a row of a results table is made from.

    Attributes:
        setting: The setting as the paper writes it, such as `2;2;8+WL+GPS(0.9)`.
        scores: The scores of each seed (scores.csv), all with the same directions.
        parameters: The content of `parameters.json`: the numbers of trainable parameters (`true`), of
            those left by pruning (`nonzero`), and by the paper's count (`paper`). None for Pretrain.
    """

    setting: str
    scores: Sequence[pandas.DataFrame]
    parameters: Mapping[str, float | None] | None = None


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
    """Makes a results table, compared with the paper's and with Ft-all where that is asked for.

    The scores of several seeds are averaged direction by direction. AVG is the mean over all directions, as
    in the paper (not over the columns, which average different numbers of directions).

    Args:
        results: The rows in the table's order.
        resource_classes: The resource class of each language code.
        caption: The printed caption.
        label: The name in LaTeX.
        metric: "spbleu" or "chrf".
        paper: The paper's table from `read_paper_table`, to compare with.
        significance: The tests of settings against Ft-all from `bootstrap.significance`, by setting.

    Returns:
        A table whose values have the columns setting, seeds, parameters, nonzero_parameters,
        paper_parameters, H2H, …, AVG, signature (the metric's), and those of `with_paper_columns` and
        `with_baseline_columns`.

    Raises:
        ValueError: There are no settings, the scores of a setting lack a direction, settings that one table
            would compare were scored in different ways, or `paper` or `significance` does not fit the
            table.
    """
    if not results:
        raise ValueError("a results table needs at least one setting")
    if metric != "spbleu" and (paper is not None or significance):
        raise ValueError("the paper's scores and tests of significance are of spBLEU, not of chrF++")
    signature = _common_signature(results, metric)
    rows = [_row(result, resource_classes, metric) | {"signature": signature} for result in results]
    pairs = tuple(class_pairs(resource_classes))
    counts = tuple(PARAMETER_HEADINGS)
    table = Table(
        # Int64, not int64: Pretrain has no count, and a float column would print 44800000.0 in the CSV.
        values=pandas.DataFrame(rows).astype(dict.fromkeys(counts, "Int64")),
        headings={"setting": "Methods", **PARAMETER_HEADINGS} | {c: c for c in (*pairs, AVERAGE)},
        caption=caption,
        note=_results_note(results, resource_classes, metric, signature),
        label=label,
        best_of=(*pairs, AVERAGE),
        counts=counts,
        group=("Language Direction", pairs),
    )
    if paper is not None:
        table = with_paper_columns(table, paper)
    return with_baseline_columns(table, significance) if significance else table


def results_caption(table: int, languages: str, metric: str = "spbleu") -> str:
    """Returns the caption of results table 1, 2, 6 or 7 for a set of languages, such as `lang12`."""
    return _CAPTIONS[table].format(metric=METRIC_NAMES[metric], languages=languages)


def _row(result: SettingResult, resource_classes: Mapping[str, str], metric: str) -> dict[str, object]:
    """Returns a setting's row by column."""
    try:
        means = class_means(mean_over_seeds(result.scores), resource_classes, metric)
    except ValueError as error:
        raise ValueError(f"{result.setting}: {error}") from error
    counts = result.parameters or {}
    return {
        "setting": result.setting,
        "seeds": len(result.scores),
        "parameters": counts.get("true"),
        "nonzero_parameters": counts.get("nonzero"),
        "paper_parameters": counts.get("paper"),
        **means.to_dict(),
    }


def _common_signature(results: Sequence[SettingResult], metric: str) -> str:
    """Returns the metric's signature, or raises ValueError where settings have different ones."""
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
