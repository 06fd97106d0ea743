"""Class means and AVG are the paper's."""

from pathlib import Path

import pandas
import pytest

from class_pair_scores import CLASSES, mean_over_directions, numbered, scores_of
from lslo.scoring.class_means import class_means, class_pairs, mean_over_seeds, with_class_pair

PAPER = Path(__file__).parents[3] / "resources" / "paper"


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
    assert class_pairs(classes) == expected.split()


def test_papers_columns_are_ours():
    lang30 = pandas.read_csv(PAPER / "table2.csv")
    assert list(lang30.columns[2:-1]) == class_pairs({"a": "H", "b": "M", "c": "L", "d": "V"})


def test_means_average_directions_not_columns():
    values = numbered(10)
    means = class_means(scores_of(values), CLASSES)
    assert means.drop("AVG").to_dict() == pytest.approx(values)
    assert means["AVG"] == pytest.approx(mean_over_directions(values))
    assert means["AVG"] == pytest.approx(scores_of(values)["spbleu"].mean())
    assert abs(means["AVG"] - sum(values.values()) / 9) > 0.1


def test_a_class_of_one_language_has_no_mean_of_its_own():
    classes = {"en": "H", "or": "V", "wo": "V"}
    means = class_means(scores_of({"H2V": 1.0, "V2H": 2.0, "V2V": 3.0}, classes), classes)
    assert pandas.isna(means["H2H"])
    assert means["AVG"] == pytest.approx(2.0)
    # And AVG from such means ignores the class pair without directions.
    assert mean_over_directions(means.to_dict(), {"H": 1, "V": 2}) == pytest.approx(2.0)


def test_incomplete_scores_are_refused():
    scores = scores_of(numbered(1))
    with pytest.raises(ValueError, match=r"lack 1 of 42 directions \(en-fr"):
        class_means(scores[1:], CLASSES)
    with pytest.raises(ValueError, match="en-fr more than once"):
        class_means(pandas.concat([scores, scores[:1]]), CLASSES)
    fewer = {language: name for language, name in CLASSES.items() if language != "sd"}
    with pytest.raises(ValueError, match="scores of sd, which is none of"):
        with_class_pair(scores, fewer)
    with_unknown = pandas.concat([scores_of(numbered(1), fewer), scores[scores["source"] == "sd"][:1]])
    with pytest.raises(ValueError, match="sd-en, which is no direction"):
        class_means(with_unknown, fewer)
    with pytest.raises(ValueError, match="resource class 'X'"):
        class_pairs({"en": "X"})


def test_seeds_are_averaged_direction_by_direction():
    first, second = scores_of(numbered(10.0)), scores_of(numbered(20.0))
    mean = mean_over_seeds([first, second.sample(frac=1, random_state=3)])
    pandas.testing.assert_frame_equal(mean, scores_of(numbered(15.0))[list(mean.columns)])
    with pytest.raises(ValueError, match="seed number 2"):
        mean_over_seeds([first, second[1:]])
    with pytest.raises(ValueError, match="no scores"):
        mean_over_seeds([])
