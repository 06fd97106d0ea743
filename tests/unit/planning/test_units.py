"""Numbers and tables as a person reads them."""

from lslo.planning.aligned_table import aligned_table
from lslo.planning.units import count, duration, size


def test_numbers_as_a_person_reads_them():
    assert [duration(seconds) for seconds in (0, 119, 121, 7300, 200_000)] == [
        *("0.0 s", "119.0 s", "2.0 min", "2.0 h", "2.3 days"),
    ]
    assert [size(number) for number in (0, 12, 2.5e3, 3e9)] == ["-", "12 B", "2.5 kB", "3.0 GB"]
    assert [count(number) for number in (0, 1234, 2.5e6)] == ["-", "1,234", "2.5 M"]


def test_columns_of_a_table_are_as_wide_as_their_widest_cell():
    lines = list(aligned_table(["a", "bb"], [["ccc", "d"]]))
    assert lines == ["| a   | bb |", "|:----|---:|", "| ccc |  d |", ""]


def test_a_table_keeps_numbers_as_they_are_written():
    lines = list(aligned_table(["what", "hours", "share"], [["all", "1.0", "1e+12"], ["some", "10", ""]]))
    assert lines[2:4] == ["| all  |   1.0 | 1e+12 |", "| some |    10 |       |"]
