"""A file must have the size and hash of the table, or else those of its first download."""

import hashlib

import pytest

from lslo.sources.table import Source
from lslo.sources.verification import expected_of, read_record, verify, write_record

SHA256 = "0af9" * 16


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = {"url": "u", "size": 3, "sha256": SHA256}
    assert read_record(tmp_path / "record.json") == {}
    write_record(tmp_path / "record.json", record)
    assert read_record(tmp_path / "record.json") == record
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_the_table_is_believed_before_the_record(tmp_path):
    record = {"url": "u", "size": 3, "sha256": "a" * 64}
    unknown = Source("x", "https://example.org/x", "", None, "MIT")
    assert expected_of(unknown, {}, tmp_path / "r") == {}
    by_record = expected_of(unknown, record, tmp_path / "r")
    assert {key: value for key, (value, _) in by_record.items()} == {"size": 3, "sha256": "a" * 64}
    assert all(str(tmp_path / "r") in origin for _, origin in by_record.values())
    known = Source("x", "https://example.org/x", SHA256, None, "MIT")
    assert expected_of(known, record, tmp_path / "r")["sha256"] == (SHA256, "sources.tsv")
    assert expected_of(known, record, tmp_path / "r")["size"] == by_record["size"]


def test_both_hashes_are_named(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    found = hashlib.sha256(b"content").hexdigest()
    assert verify(tmp_path / "file", "f", {"sha256": (found, "")}) == {"size": 7, "sha256": found}
    with pytest.raises(ValueError, match=f"f: SHA-256 is {found} instead of {SHA256} \\(table\\)"):
        verify(tmp_path / "file", "f", {"sha256": (SHA256, "table")})
    with pytest.raises(ValueError, match="f: size is 7 instead of 8"):
        verify(tmp_path / "file", "f", {"size": (8, "table")})


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": "u", "size": "x", "sha256": "a"}'])
def test_a_damaged_record_is_named(tmp_path, content):
    (tmp_path / "record.json").write_text(content)
    with pytest.raises(ValueError, match="not a record of a download; delete it") as error:
        read_record(tmp_path / "record.json")
    assert "record.json" in str(error.value)
