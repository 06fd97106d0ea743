"""Digests have the values that results on disk name, and a damaged file is named."""

import hashlib
import subprocess

import pytest

from lslo.files.checksums import (
    DamagedError,
    check_checksums,
    contents_sha256,
    damaged_set_aside,
    file_or_folder_sha256,
    file_sha256,
    files_fingerprint,
    text_sha256,
    write_checksums,
)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_digests_have_the_values_that_results_on_disk_name(tmp_path):
    (tmp_path / "deep").mkdir()
    one, two = tmp_path / "one", tmp_path / "deep/two"
    one.write_bytes(b"1" * 3_000_000)
    two.write_bytes(b"2\n")
    (tmp_path / ".snakemake_timestamp").write_text("")
    assert text_sha256("ଓ") == sha256("ଓ".encode())
    assert file_sha256(one) == file_or_folder_sha256(one) == sha256(b"1" * 3_000_000)
    assert contents_sha256([one, two]) == sha256(b"1" * 3_000_000 + b"2\n")
    assert files_fingerprint([two, one]) == sha256(b"two\0" + b"2\n\0" + b"one\0" + b"1" * 3_000_000 + b"\0")
    lines = f"deep/two\0{sha256(two.read_bytes())}\none\0{sha256(one.read_bytes())}\n"
    assert file_or_folder_sha256(tmp_path) == sha256(lines.encode())
    assert file_or_folder_sha256(tmp_path / "none") is None


def test_files_fingerprint_tells_content_name_and_order_apart(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text("x")
    b.write_text("x")
    assert files_fingerprint([a]) != files_fingerprint([b])
    assert files_fingerprint([a, b]) != files_fingerprint([b, a])
    before = files_fingerprint([a])
    a.write_text("y")
    assert files_fingerprint([a]) != before


@pytest.fixture
def summed(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a b").write_bytes(b"one")
    (tmp_path / "deep/c").write_bytes(b"two")
    write_checksums(tmp_path)
    return tmp_path


def test_an_undamaged_folder_passes_ours_and_sha256sums_check(summed):
    check_checksums(summed)
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=summed, check=True)


@pytest.mark.parametrize("name", ["a b", "deep/c"])
def test_damage_is_named(summed, name):
    content = (summed / name).read_bytes()
    for damaged in (content[:-1], bytes([content[0] ^ 1]) + content[1:], b""):
        (summed / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=f"^{summed / name}: damaged"):
            check_checksums(summed)
    (summed / name).unlink()
    with pytest.raises(ValueError, match=f"^{summed / name}: missing"):
        check_checksums(summed)


def test_empty_sums_are_refused(summed):
    (summed / "SHA256SUMS").write_text("")
    with pytest.raises(ValueError, match="SHA256SUMS: damaged, it is empty"):
        check_checksums(summed)


def test_what_is_damaged_is_set_aside(summed, tmp_path_factory):
    with damaged_set_aside(summed):
        check_checksums(summed)
    (summed / "a b").write_bytes(b"")
    told = rf"damaged, .*; moved to {summed}\.damaged, start again and"
    with pytest.raises(DamagedError, match=told), damaged_set_aside(summed):
        check_checksums(summed)
    assert not summed.exists()
    assert summed.with_name(f"{summed.name}.damaged").is_dir()
    with pytest.raises(DamagedError, match="elsewhere"), damaged_set_aside(None):
        raise DamagedError("elsewhere")


@pytest.mark.parametrize("line", ["", "nonsense", "0" * 64 + " one space", "0" * 64 + "  ../outside"])
def test_damaged_sums_are_refused(summed, line):
    (summed.parent / "outside").write_text("")
    (summed / "SHA256SUMS").write_text(f"{line}\n")
    with pytest.raises(ValueError, match="SHA256SUMS"):
        check_checksums(summed)
