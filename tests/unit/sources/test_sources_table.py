"""The table of sources is sound, its faults are named by file and line, and mirrors stand in for URLs."""

from pathlib import Path

import pytest

from lslo.sources.table import Source, read_sources, use_mirrors

PROJECT = Path(__file__).parents[3]
TABLE = PROJECT / "config/sources.tsv"
HEADER = "name\turl\tsha256\tsize\tlicence"
SHA256 = "0af9" * 16
ROW = f"flores101\thttps://example.org/data/flores.tar.gz\t{SHA256}\t12\tCC BY-SA 4.0"


def test_the_papers_sources():
    sources = read_sources(TABLE)
    assert {name: source.file for name, source in sources.items()} == {
        "flores101": "flores101_dataset.tar.gz",
        "m2m124_615M": "flores101_mm100_615M.tar.gz",
        "m2m124_175M": "flores101_mm100_175M.tar.gz",
        "flores101_spm": "sacrebleu_tokenizer_spm.model",
    }
    assert all(source.url.startswith("https://dl.fbaipublicfiles.com/") for source in sources.values())
    assert all(source.local_path is None for source in sources.values())


def test_a_row_is_read(tmp_path):
    path = tmp_path / "sources.tsv"
    path.write_text(f"{HEADER}\n{ROW}\nmine\tfile:///data/my%2Bown.zip?version=2\t\t\tmine\n")
    sources = read_sources(path)
    url = "https://example.org/data/flores.tar.gz"
    assert sources["flores101"] == Source("flores101", url, SHA256, 12, "CC BY-SA 4.0")
    assert sources["flores101"].location == url
    mine = sources["mine"]
    assert (mine.sha256, mine.size, mine.file) == ("", None, "my+own.zip")
    assert mine.local_path == Path("/data/my+own.zip")


@pytest.mark.parametrize(
    ("content", "line", "fault"),
    [
        ("", 1, "columns must be name url sha256 size licence"),
        (f"{HEADER[:-8]}\n", 1, "columns must be"),
        (f"{HEADER}\n{ROW}\tx\n", 2, "6 columns instead of 5"),
        (f"{HEADER}\n{ROW}\n\n", 3, "0 columns instead of 5"),
        (f"{HEADER}\n{ROW.replace('flores101', '../flores')}\n", 2, "'../flores' is not a name"),
        (f"{HEADER}\n{ROW}\n{ROW}\n", 3, "'flores101' stands twice"),
        (f"{HEADER}\n{ROW}\nother{ROW[9:]}\n", 3, "called 'flores.tar.gz'"),
        (f"{HEADER}\n{ROW.replace('https', 's3')}\n", 2, "not a URL with https, http or file"),
        (f"{HEADER}\n{ROW.replace('https://example.org', '')}\n", 2, "not a URL with https, http or file"),
        (f"{HEADER}\n{ROW.replace('example.org', '')}\n", 2, "names no server"),
        (f"{HEADER}\n{ROW.replace('https', 'file')}\n", 2, "on another machine"),
        (f"{HEADER}\n{ROW.replace('flores.tar.gz', '')}\n", 2, "does not end in the name of a file"),
        (f"{HEADER}\n{ROW.replace('flores.tar', '..%2Fevil')}\n", 2, "does not end in the name of a file"),
        (f"{HEADER}\n{ROW.replace(SHA256, SHA256[1:])}\n", 2, "is not 64 digits"),
        (f"{HEADER}\n{ROW.replace(SHA256, SHA256.upper())}\n", 2, "is not 64 digits"),
        (f"{HEADER}\n{ROW.replace('12', '1.2e6')}\n", 2, "is not a number of bytes"),
        (f"{HEADER}\n{ROW.replace('CC BY-SA 4.0', '')}\n", 2, "licence is empty"),
    ],
)
def test_a_fault_is_named_by_file_and_line(tmp_path, content, line, fault):
    path = tmp_path / "my_sources.tsv"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"line {line}: ") as error:
        read_sources(path)
    assert str(path) in str(error.value)
    assert fault in str(error.value)


def test_a_password_is_refused_and_not_told(tmp_path):
    path = tmp_path / "sources.tsv"
    path.write_text(f"{HEADER}\n{ROW.replace('example.org', 'me:secret@example.org')}\n")
    with pytest.raises(ValueError, match="netrc") as error:
        read_sources(path)
    assert "example.org" in str(error.value)
    assert "secret" not in str(error.value)


def test_a_file_that_is_not_utf_8_is_named(tmp_path):
    path = tmp_path / "my_sources.tsv"
    path.write_bytes(f"{HEADER}\n{ROW}\n".encode("utf-16"))
    with pytest.raises(ValueError, match="not UTF-8") as error:
        read_sources(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("mirror", "local_path"),
    [
        ("https://mirror.example/other_name.tgz", None),
        ("/data/other_name.tgz", Path("/data/other_name.tgz")),
        ("data/other name.tgz", Path("data/other name.tgz")),
        ("file:///data/other%20name.tgz", Path("/data/other name.tgz")),
        ("~/other_name.tgz", Path.home() / "other_name.tgz"),
    ],
)
def test_a_mirror_changes_where_a_file_comes_from_and_nothing_else(mirror, local_path):
    sources = read_sources(TABLE)
    mirrored = use_mirrors(sources, {"flores101": mirror})
    source = mirrored["flores101"]
    assert source.location == mirror
    assert source.local_path == local_path
    assert (source.url, source.file) == (sources["flores101"].url, "flores101_dataset.tar.gz")
    assert {name for name in sources if mirrored[name] != sources[name]} == {"flores101"}


@pytest.mark.parametrize(
    ("name", "mirror", "fault"),
    [
        ("flores", "/data/x", "did you mean 'flores101'"),
        ("zzz", "/data/x", "sources are flores101, m2m124_615M"),
        ("flores101", " ", "is empty"),
        ("flores101", "ftp://example.org/x", "mirror of 'flores101'"),
        ("flores101", "https:///x", "names no server"),
    ],
)
def test_a_mirror_that_cannot_be_used_is_refused(name, mirror, fault):
    with pytest.raises(ValueError, match=fault):
        use_mirrors(read_sources(TABLE), {name: mirror})
