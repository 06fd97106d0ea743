"""The Gradual Pruning Schedule is Equation 6, with the values of Table 3."""

import csv
from pathlib import Path

import pytest

from lslo.experiment.pruning_schedule import GradualPruningSchedule

TABLE3 = Path(__file__).parents[3] / "resources/paper/table3.csv"


def table3():
    with TABLE3.open(newline="") as file:
        for row in csv.DictReader(file):
            for ratio in row["P"].split(","):
                yield float(ratio), int(row["E"]), int(row["k"]), int(row["T"])


def equation6(P, e, E, k, T):
    if e <= E:
        return 0
    if E < e <= E + k:
        return P - P * (1 - (e - E) / k) ** 3
    assert E + k < e <= T
    return P


@pytest.mark.parametrize(("P", "E", "k", "T"), sorted(set(table3())))
def test_schedule_is_equation_6_at_every_epoch(P, E, k, T):
    schedule = GradualPruningSchedule(P, E, k)
    ratios = [schedule.ratio_at(epoch) for epoch in range(1, T + 1)]
    assert ratios == pytest.approx([equation6(P, e, E, k, T) for e in range(1, T + 1)], abs=1e-12)
    assert ratios == sorted(ratios)
    assert ratios[:E] == [0.0] * E
    assert 0 < ratios[E] < P
    assert ratios[E + k - 2] < ratios[E + k - 1] == P


def test_table_3_has_all_of_the_papers_ratios():
    assert {row[0] for row in table3()} == {0.1, 0.3, 0.5, 0.7, 0.9}
