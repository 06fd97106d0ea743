"""Results tables: their values, their forms, and how they compare with the paper and with Ft-all."""

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pandas
import pytest

from class_pair_scores import CLASSES, mean_over_directions, numbered, scores_of
from lslo.reporting import results_table as tables
from lslo.reporting import table_formats
from lslo.reporting.differences_table import differences_table
from lslo.reporting.paper_columns import read_paper_table
from lslo.reporting.results_files import (
    ResultsTableInputs,
    SettingFiles,
    read_results_table,
    write_results_table,
)
from lslo.reporting.table_formats import TableFiles
from lslo.scoring.bleu import STATISTICS, DirectionStatistics, corpus_spbleu
from lslo.scoring.score_files import write_scores, write_statistics

PAPER = Path(__file__).parents[3] / "resources" / "paper"


def example_table(metric="spbleu"):
    return tables.results_table(
        [
            tables.SettingResult("Pretrain", [scores_of(numbered(10))]),
            tables.SettingResult(
                "2;2;8+WL+GPS(0.9)",
                [scores_of(numbered(11)), scores_of(numbered(14))],
                {"true": 44_800_000, "nonzero": 4_480_000, "paper": 512_345},
            ),
        ],
        CLASSES,
        caption="Scores on 100% of lang_7.",
        label="tab:main",
        metric=metric,
    )


def test_results_table_values():
    table = example_table()
    row = table.values.iloc[1]
    assert row["seeds"] == 2
    assert (row["parameters"], row["nonzero_parameters"], row["paper_parameters"]) == (
        44800000,
        4480000,
        512345,
    )
    assert row["H2H"] == pytest.approx(12.5)
    assert row["AVG"] == pytest.approx(mean_over_directions(numbered(12.5)))
    assert pandas.isna(table.values.loc[0, "parameters"])
    assert example_table("chrf").values.loc[1, "H2H"] == pytest.approx(32.5)


def test_csv_keeps_four_decimals_and_exact_counts():
    text = table_formats.to_csv(example_table())
    read = pandas.read_csv(io.StringIO(text))
    assert list(read["signature"]) == ["tok:test", "tok:test"]
    assert "2;2;8+WL+GPS(0.9),2,44800000,4480000,512345,12.5000," in text
    assert "Pretrain,1,,,,10.0000," in text


def test_markdown_has_the_best_value_bold_and_the_signature():
    lines = table_formats.to_markdown(example_table()).splitlines()
    assert lines[2].startswith("| Methods | #Params | #Non-zero | #Params (paper) | H2H | H2M | H2V |")
    assert lines[3].startswith("|---|---:|---:|---:|---:|")
    assert lines[4].startswith("| Pretrain | - | - | - | 10.00 | 11.00 |")
    assert lines[5].startswith("| 2;2;8+WL+GPS(0.9) | 44.8M | 4.5M | 512.3k | **12.50** | **13.50** |")
    assert len({line.count("|") for line in lines[2:6]}) == 1
    assert "tok:test" in lines[-1]
    assert "all 42 directions" in lines[-1]
    assert "1 or 2 seeds" in lines[-1]
    assert "chrF++ (chrf:tok:test)" in table_formats.to_markdown(example_table("chrf"))


def test_latex_is_booktabs_with_everything_escaped():
    text = table_formats.to_latex(example_table())
    for command in ("\\toprule", "\\midrule", "\\bottomrule", "\\label{tab:main}", "\\begin{table*}"):
        assert text.count(command) == 1
    assert "\\multicolumn{9}{c}{Language Direction}" in text
    assert "\\cmidrule(lr){5-13}" in text
    assert "\\textbf{12.50}" in text
    assert "\\textbf{10.00}" not in text
    assert "Scores on 100\\% of lang\\_7." in text
    assert "\\#Params" in text
    assert "tok:test" in text
    body = [line for line in text.splitlines() if line.endswith("\\\\")]
    # Every row fills 14 columns; the heading above nine of them counts as one.
    assert [line.count("&") for line in body] == [5, 13, 13, 13]
    assert text.count("{") - text.count("\\{") == text.count("}") - text.count("\\}")


def test_bars_of_a_signature_are_escaped_in_latex():
    results_ = [tables.SettingResult("Pretrain", [scores_of(numbered(1), signature="nrefs:1|tok:x")])]
    table = tables.results_table(results_, CLASSES, caption="c", label="l")
    assert "nrefs:1\\textbar{}tok:x" in table_formats.to_latex(table)


def test_values_that_print_alike_are_all_bold():
    settings = [
        tables.SettingResult(name, [scores_of(numbered(start))])
        for name, start in (("a", 10.001), ("b", 10.004), ("c", 9.0))
    ]
    text = table_formats.to_markdown(tables.results_table(settings, CLASSES, caption="c", label="l"))
    assert text.count("**10.00**") == 2
    assert "**9.00**" not in text


def test_scores_of_different_tokenizers_share_no_table():
    settings = [
        tables.SettingResult("a", [scores_of(numbered(1))]),
        tables.SettingResult("b", [scores_of(numbered(1), signature="tok:other")]),
    ]
    with pytest.raises(ValueError, match="b was scored as tok:other but a as tok:test"):
        tables.results_table(settings, CLASSES, caption="c", label="l")


def test_an_error_in_a_setting_names_it():
    settings = [tables.SettingResult("8;8;8+WL", [scores_of(numbered(1))[1:]])]
    with pytest.raises(ValueError, match=r"8;8;8\+WL: scores lack 1"):
        tables.results_table(settings, CLASSES, caption="c", label="l")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "-"),
        (44_800_000, "44.8M"),
        (615_000_000, "615M"),
        (245_600_000, "245.6M"),
        (999_999, "1M"),
        (512_345, "512.3k"),
        (950, "950"),
        (1_200_000_000, "1.2B"),
    ],
)
def test_parameter_counts_print_as_in_the_paper(count, text):
    assert table_formats.parameter_count(count) == text


def significance_of(values, differing=(), difference=1.0):
    """What `bootstrap.significance` returns: columns of `differing` with p 0.001, others with 0.5."""
    average = mean_over_directions(values)
    frame = pandas.DataFrame({"setting": [*values.values(), average]}, index=[*values, "AVG"])
    frame["baseline"] = frame["setting"] - difference
    frame["difference"] = difference
    frame["lower"], frame["upper"] = difference - 0.5, difference + 0.5
    return frame.assign(p=[0.001 if column in differing else 0.5 for column in frame.index])


def compared_table(differing=("V2V", "AVG")):
    return tables.results_table(
        [
            tables.SettingResult("Ft-all", [scores_of(numbered(10))]),
            tables.SettingResult("2;2;8+WL+GPS(0.9)", [scores_of(numbered(11))]),
            tables.SettingResult("2;2;9+WL", [scores_of(numbered(9))]),
        ],
        CLASSES,
        caption="Scores.",
        label="tab:main",
        paper=read_paper_table(PAPER / "table1.csv"),
        significance={"2;2;8+WL+GPS(0.9)": significance_of(numbered(11), differing)},
    )


def test_comparison_is_in_the_csv():
    read = pandas.read_csv(io.StringIO(table_formats.to_csv(compared_table())), index_col="setting")
    plain = tables.results_table(
        [tables.SettingResult("Ft-all", [scores_of(numbered(10))])], CLASSES, caption="c", label="l"
    )
    assert list(read.columns)[: len(plain.values.columns) - 1] == list(plain.values.columns)[1:]
    row = read.loc["2;2;8+WL+GPS(0.9)"]
    assert (row["H2H_paper"], row["AVG_paper"]) == (33.13, 16.73)
    assert row["H2H_minus_paper"] == pytest.approx(11 - 33.13)
    assert tuple(row[["V2V_minus_ft_all", "V2V_lower", "V2V_upper", "V2V_p"]]) == (1, 0.5, 1.5, 0.001)
    assert row["AVG_significant"] == "yes"
    assert read.loc["Ft-all", "H2H_paper"] == 29.29
    assert read.loc["Ft-all"][["H2H_p", "AVG_minus_ft_all", "AVG_significant"]].isna().all()
    assert read.loc["2;2;9+WL"].filter(regex="_paper$|_minus_|_p$").isna().all()


def test_comparison_of_avg_is_printed_at_the_right_end():
    lines = table_formats.to_markdown(compared_table()).splitlines()
    assert lines[2].endswith("| AVG | AVG, paper | AVG, ours − paper | AVG, ours − Ft-all | p < 0.05 |")
    assert lines[3].endswith("|---:|---:|---:|---:|---|")
    assert lines[4].endswith("| 14.57 | 15.43 | -0.86 | - | - |")
    assert lines[5].endswith("| **15.57** | 16.73 | -1.16 | 1.00 | yes |")
    assert lines[6].endswith("| - | - | - | - |")
    assert "paired bootstrap" in lines[-1]
    unsure = table_formats.to_markdown(compared_table(differing=("V2V",))).splitlines()
    assert unsure[5].endswith("| 1.00 | no |")
    # The heading above the class pairs still spans them alone.
    latex = table_formats.to_latex(compared_table())
    body = [line for line in latex.splitlines() if line.endswith("\\\\")]
    assert [line.count("&") for line in body] == [9, 17, 17, 17, 17]


def test_comparison_of_every_class_pair_is_a_table_of_its_own():
    table = differences_table(compared_table())
    lines = table_formats.to_markdown(table).splitlines()
    assert lines[2].startswith("| Methods | Scores | H2H | H2M |")
    assert [line.split(" | ")[:3] for line in lines[4:-2]] == [
        ["| Ft-all", "ours", "10.00"],
        ["| ", "paper", "29.29"],
        ["| ", "ours − paper", "-19.29"],
        ["| 2;2;8+WL+GPS(0.9)", "ours", "11.00"],
        ["| ", "paper", "33.13"],
        ["| ", "ours − paper", "-22.13"],
        ["| ", "ours − Ft-all", "1.00"],
    ]
    # Every difference is printed, and which of them are significant.
    assert lines[-3].endswith("| 1.00 | 1.00\\* | 1.00\\* |")
    assert lines[-3].count("\\*") == 2
    assert "asterisk at p < 0.05" in lines[-1]
    assert "1.00* \\\\" in table_formats.to_latex(table)
    nothing = differences_table(compared_table(differing=()))
    assert list(nothing.values["line"])[-1] == "ours − Ft-all"
    assert "*" not in table_formats.to_html(nothing)
    for every in (table, compared_table()):
        assert table_formats.to_latex(every).isascii()
    with pytest.raises(ValueError, match="no setting has"):
        differences_table(example_table())


def test_comparison_that_does_not_fit_is_refused():
    def table(**options):
        result = tables.SettingResult("Ft-all", [scores_of(numbered(10))])
        return tables.results_table([result], CLASSES, caption="c", label="l", **options)

    paper = read_paper_table(PAPER / "table1.csv")
    with pytest.raises(ValueError, match="not of chrF"):
        table(metric="chrf", paper=paper)
    with pytest.raises(ValueError, match="Ft-all more than once"):
        table(paper=pandas.concat([paper, paper[1:2]]))
    with pytest.raises(ValueError, match=r"Ft-all: H2H is 10\.00 by its scores but 11\.00 by its statistics"):
        table(significance={"Ft-all": significance_of(numbered(11))})
    with pytest.raises(ValueError, match="Ft-all: significance of H2H, AVG for a table of"):
        table(significance={"Ft-all": significance_of(numbered(10)).loc[["H2H", "AVG"]]})
    # What the table has not is left out.
    alone = table(paper=paper[:1].assign(setting="elsewhere"), significance={"elsewhere": pandas.DataFrame()})
    assert alone.values.filter(like="_minus_").isna().all(axis=None)


def test_write_table(tmp_path):
    files = TableFiles(*(tmp_path / f"table1.{suffix}" for suffix in ("csv", "md", "tex", "html")))
    table = example_table()
    table_formats.write_table(table, files)
    for path, written in (
        (files.csv, table_formats.to_csv),
        (files.markdown, table_formats.to_markdown),
        (files.latex, table_formats.to_latex),
        (files.page, table_formats.to_html),
    ):
        assert path.read_text(encoding="utf-8") == written(table)


def test_html_has_every_cell_and_escapes_them():
    table = example_table()
    page = table_formats.to_html(table)
    assert page.count("<tr>") == len(table.values) + 1
    assert page.count("<td") == len(table.values) * len(table.headings)
    assert page.count("<b>") == table_formats.to_markdown(table).count("**") // 2 - 1
    risky = dataclasses.replace(table, caption="a < b & c")
    assert "a &lt; b &amp; c" in table_formats.to_html(risky)


def test_markdown_is_written_as_it_is():
    """Nothing is padded, stripped or taken for a number."""
    table = table_formats.Table(
        values=pandas.DataFrame({"a": ["007", " 1e3 ", "x|y*"], "b": ["", "-", "long text"]}),
        headings={"a": "A", "b": "long heading | B"},
        caption="c",
        note="n",
        label="l",
    )
    assert table_formats.to_markdown(table).splitlines()[2:-2] == [
        "| A | long heading \\| B |",
        "|---|---|",
        "| 007 |  |",
        "|  1e3  | - |",
        "| x\\|y\\* | long text |",
    ]


def test_tables_are_made_from_files(tmp_path):
    classes = {"en": "H", "fr": "H", "wo": "V"}
    directions = tuple((source, target) for source in classes for target in classes if source != target)
    draw = np.random.default_rng(1)

    def written(setting, share, parameters):
        counts = np.zeros((len(directions), 40, len(STATISTICS)), np.int32)
        counts[..., :2], counts[..., 6:] = 20, np.arange(20, 16, -1)
        counts[..., 2:6] = draw.binomial(counts[..., 6:], share)
        statistics = DirectionStatistics(directions, counts, "tok:test")
        frame = pandas.DataFrame(directions, columns=["source", "target"])
        frame["spbleu"], frame["chrf"] = corpus_spbleu(counts.sum(axis=1)), 50.0
        frame["spbleu_signature"], frame["chrf_signature"] = "tok:test", "chrf:test"
        folder = tmp_path / setting
        folder.mkdir()
        write_scores(frame, folder / "scores.csv")
        write_statistics(statistics, folder / "statistics.npz")
        if parameters:
            (folder / "parameters.json").write_text(json.dumps(parameters))
        return SettingFiles(
            setting,
            [folder / "scores.csv"],
            [folder / "statistics.npz"],
            folder / "parameters.json" if parameters else None,
        )

    settings = [
        written("Pretrain", 0.4, None),
        written("Ft-all", 0.6, {"true": 1000, "nonzero": 1000, "paper": 1000}),
    ]
    inputs = ResultsTableInputs(
        1, "lang3", classes, settings, paper=PAPER / "table1.csv", resamples=20, record="record.json"
    )
    names = [
        tmp_path / f"{name}{suffix}" for name in ("a", "b") for suffix in (".csv", ".md", ".tex", ".html")
    ]
    write_results_table(inputs, TableFiles(*names[:4]), TableFiles(*names[4:]))
    assert all(name.stat().st_size for name in names)
    values = pandas.read_csv(names[0], index_col="setting")
    assert values.loc["Ft-all", "parameters"] == 1000
    assert values.loc["Pretrain", "AVG_significant"] == "yes"
    assert values.loc["Pretrain", "H2V_minus_ft_all"] < 0
    assert pandas.isna(values.loc["Ft-all", "AVG_significant"])
    assert values.loc["Pretrain", "H2H_paper"] == 31.76
    text = names[1].read_text()
    assert text.startswith("**spBLEU scores on lang3 organized")
    assert text.endswith("The runs it comes from are named in record.json.\n")
    assert "ours − Ft-all" in names[5].read_text()
    # Without a comparison, nothing but the results themselves.
    plain = read_results_table(dataclasses.replace(inputs, paper=None, resamples=0, record=None))
    assert list(plain.values.columns)[-2:] == ["AVG", "signature"]
