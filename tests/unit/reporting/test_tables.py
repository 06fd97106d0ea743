"""Class means and AVG as the paper's, and tables in their three forms."""

import dataclasses
import io
from pathlib import Path
from types import SimpleNamespace

import pandas
import pytest

from lslo.reporting import paper_comparison as comparison
from lslo.reporting import table_formats, tables
from lslo.scoring import class_means as results

PAPER = Path(__file__).parents[3] / "resources" / "paper"
CLASSES = {"en": "H", "fr": "H", "nl": "M", "ko": "M", "or": "V", "wo": "V", "sd": "V"}
SIZES = {"H": 2, "M": 2, "V": 3}


def scores_of(column_values, classes=None, signature="tok:test"):
    """Scores whose every direction has its column's value."""
    classes = classes or CLASSES
    rows = []
    for source in classes:
        for target in classes:
            if source != target:
                value = column_values[f"{classes[source]}2{classes[target]}"]
                rows.append((source, target, value, value + 20, signature, f"chrf:{signature}"))
    columns = ["source", "target", "spbleu", "chrf", "spbleu_signature", "chrf_signature"]
    return pandas.DataFrame(rows, columns=columns)


def numbered(start):
    """A different value in each column: start, start + 1, …"""
    return {column: start + number for number, column in enumerate(results.class_columns(CLASSES))}


def paper_class_sizes(name):
    languages = pandas.read_csv(PAPER / name)
    counts = languages["resource_type"].value_counts()
    letters = {"High": "H", "Medium": "M", "Low": "L", "Very Low": "V"}
    return {letter: int(counts[kind]) for kind, letter in letters.items() if kind in counts}


def test_class_sizes_reproduce_the_papers_averages():
    lang12 = paper_class_sizes("table4_lang12.csv")
    lang30 = paper_class_sizes("table5_lang30.csv")
    assert sum(results.direction_counts(lang12).values()) == 132
    assert sum(results.direction_counts(lang30).values()) == 870
    rows = 0
    differing = []
    for number, sizes in ((1, lang12), (2, lang30), (6, lang12), (7, lang12)):
        for row in comparison.read_paper_table(PAPER / f"table{number}.csv").to_dict("records"):
            average = results.average_of_columns(row, sizes)
            rows += 1
            # Half a unit in the last of two decimals on either side, and each printed column's own rounding.
            if abs(average - row["AVG"]) > 0.01:
                differing.append((number, row["setting"], round(average, 2), row["AVG"]))
    assert rows == 31
    assert differing == [(7, "2;2;32+WL+GPS(0.9)@fc", 17.41, 17.44)]


def test_a_mean_of_columns_is_not_the_papers_average():
    row = comparison.read_paper_table(PAPER / "table1.csv").iloc[0]
    of_columns = sum(row[column] for column in row.index[2:-1]) / 9
    assert abs(of_columns - row["AVG"]) > 0.1


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (
            {"a": "V", "b": "H", "c": "L", "d": "M"},
            "H2H H2M H2L H2V M2H M2M M2L M2V L2H L2M L2L L2V V2H V2M V2L V2V",
        ),
        ({"a": "H", "b": "M", "c": "V"}, "H2H H2M H2V M2H M2M M2V V2H V2M V2V"),
        ({"a": "V", "b": "H"}, "H2H H2V V2H V2V"),
    ],
)
def test_columns_come_in_the_papers_order(classes, expected):
    assert results.class_columns(classes) == expected.split()


def test_papers_columns_are_ours():
    lang30 = pandas.read_csv(PAPER / "table2.csv")
    assert list(lang30.columns[2:-1]) == results.class_columns({"a": "H", "b": "M", "c": "L", "d": "V"})


def test_means_average_directions_not_columns():
    values = numbered(10)
    means = results.class_means(scores_of(values), CLASSES)
    assert means.drop("AVG").to_dict() == pytest.approx(values)
    assert means["AVG"] == pytest.approx(results.average_of_columns(values, SIZES))
    assert means["AVG"] == pytest.approx(scores_of(values)["spbleu"].mean())
    assert abs(means["AVG"] - sum(values.values()) / 9) > 0.1


def test_a_class_of_one_language_has_no_mean_of_its_own():
    classes = {"en": "H", "or": "V", "wo": "V"}
    means = results.class_means(scores_of({"H2V": 1.0, "V2H": 2.0, "V2V": 3.0}, classes), classes)
    assert pandas.isna(means["H2H"])
    assert means["AVG"] == pytest.approx(2.0)
    # And AVG from such columns ignores the one without directions.
    assert results.average_of_columns(means.to_dict(), {"H": 1, "V": 2}) == pytest.approx(2.0)


def test_incomplete_scores_are_refused():
    scores = scores_of(numbered(1))
    with pytest.raises(ValueError, match=r"lack 1 of 42 directions \(en-fr"):
        results.class_means(scores[1:], CLASSES)
    with pytest.raises(ValueError, match="en-fr more than once"):
        results.class_means(pandas.concat([scores, scores[:1]]), CLASSES)
    fewer = {language: name for language, name in CLASSES.items() if language != "sd"}
    with pytest.raises(ValueError, match="scores of sd, which is none of"):
        results.with_column(scores, fewer)
    with_unknown = pandas.concat([scores_of(numbered(1), fewer), scores[scores["source"] == "sd"][:1]])
    with pytest.raises(ValueError, match="sd-en, which is no direction"):
        results.class_means(with_unknown, fewer)
    with pytest.raises(ValueError, match="resource class 'X'"):
        results.class_columns({"en": "X"})


def test_seeds_are_averaged_direction_by_direction():
    first, second = scores_of(numbered(10.0)), scores_of(numbered(20.0))
    mean = results.mean_over_seeds([first, second.sample(frac=1, random_state=3)])
    pandas.testing.assert_frame_equal(mean, scores_of(numbered(15.0))[list(mean.columns)])
    with pytest.raises(ValueError, match="seed number 2"):
        results.mean_over_seeds([first, second[1:]])
    with pytest.raises(ValueError, match="no scores"):
        results.mean_over_seeds([])


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
    assert row["AVG"] == pytest.approx(results.average_of_columns(numbered(12.5), SIZES))
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


def test_table3_is_the_papers():
    ratios = (0.9, 0.1, 0.3, 0.5, 0.7)
    schedules = [tables.PruningSchedule(name, (0.7,), 2, 8, 15) for name in ("ISE", "LSP")]
    table = tables.schedule_table([*schedules, tables.PruningSchedule("LSLo", ratios, 2, 8, 15)])
    paper = pandas.read_csv(PAPER / "table3.csv", dtype=str)
    ours = table.values.astype(str)
    ours["P"] = ours["P"].str.strip("{}")
    assert ours.to_numpy().tolist() == paper.to_numpy().tolist()
    assert "\\{0.1,0.3,0.5,0.7,0.9\\}" in table_formats.to_latex(table)


def test_languages_table():
    languages = [
        SimpleNamespace(
            code="en", name="English", resource_class="H", family="Germanic", bitext="-", flores101="eng"
        ),
        SimpleNamespace(
            code="fr", name="French", resource_class="H", family="Romance", bitext="289M", flores101="fra"
        ),
        SimpleNamespace(
            code="wo", name="Wolof", resource_class="V", family="Nilotic", bitext="86.9K", flores101="wol"
        ),
    ]
    table = tables.languages_table(languages, name="lang3", label="tab:lang3")
    assert list(table.values["resource_type"]) == ["High", "High", "Very Low"]
    lines = table_formats.to_markdown(table).splitlines()
    # The resource type is printed once.
    assert lines[4:7] == [
        "| High | English | en | eng | Germanic | - |",
        "|  | French | fr | fra | Romance | 289M |",
        "| Very Low | Wolof | wo | wol | Nilotic | 86.9K |",
    ]


def test_paper_rows_stand_beside_ours():
    table = example_table()
    beside = tables.beside_paper(table, comparison.read_paper_table(PAPER / "table1.csv"))
    assert len(beside) == 2 * 10
    row = beside[(beside["setting"] == "2;2;8+WL+GPS(0.9)") & (beside["column"] == "H2H")].iloc[0]
    assert (row["measured"], row["paper"]) == (pytest.approx(12.5), 33.13)
    assert row["difference"] == pytest.approx(12.5 - 33.13)


def significance_of(values, differing=(), difference=1.0):
    """What `significance.significance` returns: columns of `differing` with p 0.001, others with 0.5."""
    average = results.average_of_columns(values, SIZES)
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
        paper=comparison.read_paper_table(PAPER / "table1.csv"),
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
    table = comparison.comparison_table(compared_table())
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
    nothing = comparison.comparison_table(compared_table(differing=()))
    assert list(nothing.values["line"])[-1] == "ours − Ft-all"
    assert "*" not in table_formats.to_html(nothing)
    for every in (table, compared_table()):
        assert table_formats.to_latex(every).isascii()
    with pytest.raises(ValueError, match="no setting has"):
        comparison.comparison_table(example_table())


def test_comparison_that_does_not_fit_is_refused():
    def table(**options):
        result = tables.SettingResult("Ft-all", [scores_of(numbered(10))])
        return tables.results_table([result], CLASSES, caption="c", label="l", **options)

    paper = comparison.read_paper_table(PAPER / "table1.csv")
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


def test_table7_marks_the_fully_connected_rows():
    settings = list(comparison.read_paper_table(PAPER / "table7.csv")["setting"])
    assert settings[2:5] == ["2;2;8+WL+GPS(0.9)", "2;2;16+WL+GPS(0.9)", "2;2;16+WL+GPS(0.9)@fc"]
    assert len(set(settings)) == 7


def test_write_table(tmp_path):
    paths = [tmp_path / f"table1.{suffix}" for suffix in ("csv", "md", "tex", "html")]
    table_formats.write_table(example_table(), *paths)
    written = [path.read_text(encoding="utf-8") for path in paths]
    table = example_table()
    assert written == [
        write(table)
        for write in (
            table_formats.to_csv,
            table_formats.to_markdown,
            table_formats.to_latex,
            table_formats.to_html,
        )
    ]


def test_html_has_every_cell_and_escapes_them():
    table = example_table()
    page = table_formats.to_html(table)
    assert page.count("<tr>") == len(table.values) + 1
    assert page.count("<td") == len(table.values) * len(table.headings)
    assert page.count("<b>") == table_formats.to_markdown(table).count("**") // 2 - 1
    risky = dataclasses.replace(table, caption="a < b & c")
    assert "a &lt; b &amp; c" in table_formats.to_html(risky)
