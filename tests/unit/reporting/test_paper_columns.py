"""The paper's tables as data: their rows, and AVG, which is the mean over all directions."""

from pathlib import Path

import pandas

from class_pair_scores import direction_counts, mean_over_directions
from lslo.reporting.paper_columns import read_paper_table

PAPER = Path(__file__).parents[3] / "resources" / "paper"


def paper_class_sizes(name):
    languages = pandas.read_csv(PAPER / name)
    counts = languages["resource_type"].value_counts()
    letters = {"High": "H", "Medium": "M", "Low": "L", "Very Low": "V"}
    return {letter: int(counts[kind]) for kind, letter in letters.items() if kind in counts}


def test_class_sizes_reproduce_the_papers_averages():
    lang12 = paper_class_sizes("table4_lang12.csv")
    lang30 = paper_class_sizes("table5_lang30.csv")
    assert sum(direction_counts(lang12).values()) == 132
    assert sum(direction_counts(lang30).values()) == 870
    rows = 0
    differing = []
    for number, sizes in ((1, lang12), (2, lang30), (6, lang12), (7, lang12)):
        for row in read_paper_table(PAPER / f"table{number}.csv").to_dict("records"):
            average = mean_over_directions(row, sizes)
            rows += 1
            # Half a unit in the last of two decimals on either side, and each printed column's own rounding.
            if abs(average - row["AVG"]) > 0.01:
                differing.append((number, row["setting"], round(average, 2), row["AVG"]))
    assert rows == 31
    assert differing == [(7, "2;2;32+WL+GPS(0.9)@fc", 17.41, 17.44)]


def test_a_mean_of_columns_is_not_the_papers_average():
    row = read_paper_table(PAPER / "table1.csv").iloc[0]
    of_columns = sum(row[column] for column in row.index[2:-1]) / 9
    assert abs(of_columns - row["AVG"]) > 0.1


def test_table7_marks_the_fully_connected_rows():
    settings = list(read_paper_table(PAPER / "table7.csv")["setting"])
    assert settings[2:5] == ["2;2;8+WL+GPS(0.9)", "2;2;16+WL+GPS(0.9)", "2;2;16+WL+GPS(0.9)@fc"]
    assert len(set(settings)) == 7
