"""The page of the configuration's keys is made of the configuration's fields."""

from pathlib import Path

from lslo.reporting.config_reference import keys_table, with_keys_table

PAGE = Path(__file__).parents[3] / "config/README.md"


def test_the_page_of_keys_has_them_all():
    page = PAGE.read_text()
    assert page == with_keys_table(page)


def test_a_row_has_the_key_its_default_and_its_meaning():
    rows = keys_table().splitlines()
    assert "| `gpus` | `0` | GPUs of a fine-tuning job; 0 computes on the CPU |" in rows
    assert any(row.startswith("| `training.learning_rate.lslo` | required |") for row in rows)
    assert any(row.startswith("| `figures` | `[1, 2, 3, 4, 5, 6]` |") for row in rows)
    assert all(row.count("|") == 4 for row in rows)
