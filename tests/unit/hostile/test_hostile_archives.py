"""Whatever an archive holds, nothing is written outside the folder, and there only files and folders."""

import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hostile_input import PIECES, accepted, bounded, flipped
from lslo.sources.extract import extract

NAMES = st.sampled_from(["a", "A", "a/b", "a/b/c", "./a", "b/", "data/x.txt", "..", "../x", "/x", "", "."])
NAMES |= st.sampled_from([piece.replace("\ud800", "\udcff") for piece in PIECES])
NAMES |= st.lists(NAMES, min_size=2, max_size=3).map("/".join)
KINDS = (
    *(tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE),
    *(tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE, b"V", b"Z"),
)
SIZES = st.sampled_from([None, None, None, 0, 1, 600, 2**33, 2**40, 2**62, -1, -(2**40)])


@st.composite
def tar_archives(draw):
    """A tar archive of members of every kind, with names, targets and sizes that need not be true."""
    file = io.BytesIO()
    form = draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    for _ in range(draw(st.integers(1, 4))):
        info = tarfile.TarInfo(draw(NAMES))
        info.type = draw(st.sampled_from(KINDS[:1] * 8 + KINDS))
        info.linkname = draw(st.sampled_from(["", "a", "../../x", "/etc/passwd"]))
        content = draw(st.sampled_from([b"", b"content", bytes(700)]))
        size = draw(SIZES)
        info.size = len(content) if size is None else size
        info.mode = draw(st.sampled_from([0o644, 0o7777, 0]))
        if form == tarfile.PAX_FORMAT and info.size < 0:
            info.size = 0
        header = info.tobuf(form, "utf-8", "surrogateescape")
        file.write(header + content + bytes(-len(content) % 512))
    file.write(bytes(draw(st.sampled_from([1024, 10240, 0, 100]))))
    return file.getvalue()


@st.composite
def zip_archives(draw):
    """A zip archive of names and modes of every kind."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for _ in range(draw(st.integers(1, 4))):
            info = zipfile.ZipInfo("x")
            # ZipInfo would cut and change it.
            info.filename = draw(NAMES).encode("utf-8", "replace").decode()
            kind = draw(
                st.sampled_from([0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK])
            )
            info.external_attr = (kind | 0o7777) << 16
            archive.writestr(info, draw(st.sampled_from([b"", b"content", b"/etc/passwd"])))
    return file.getvalue()


def everything_below(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def check_extraction(tmp_path, content):
    """Extract into a folder of its own; what lies around it must stay as it is."""
    outer = tmp_path / "outer"
    inner = outer / "inner"
    inner.mkdir(parents=True, exist_ok=True)
    archive = outer / "archive"
    archive.write_bytes(content)
    before = everything_below(tmp_path)
    folder = accepted([archive], extract, archive, inner / "new", maximum_size=1 << 20, maximum_members=50)
    after = everything_below(tmp_path)
    if folder is None:
        assert after == before
        return
    new = {name: value for name, value in after.items() if name not in before}
    assert all(name == "outer/inner/new" or name.startswith("outer/inner/new/") for name in new)
    assert {name: value for name, value in after.items() if name in before} == before
    for path in folder.rglob("*"):
        status = path.lstat()
        assert stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
        assert not status.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX)
        assert status.st_uid == os.getuid()
        path.name.encode("utf-8")
    # As it was, for the next example.
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


@bounded(250)
@given(tar_archives())
def test_a_tar_archive_writes_below_its_folder_only(tmp_path, content):
    check_extraction(tmp_path, content)


@bounded(150)
@given(zip_archives())
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_archive_writes_below_its_folder_only(tmp_path, content):
    check_extraction(tmp_path, content)


def sound_archives():
    """An archive of each form, to be damaged."""
    for mode in ("w", "w:gz", "w:xz", "w:bz2"):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode=mode, format=tarfile.PAX_FORMAT) as tar:
            info = tarfile.TarInfo("data/" + "long" * 40)
            info.size = 1500
            info.pax_headers = {"comment": "x"}
            tar.addfile(info, io.BytesIO(bytes(1500)))
        yield file.getvalue()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/x", bytes(1500))
    yield file.getvalue()


@bounded(400)
@given(st.sampled_from(list(sound_archives())).flatmap(flipped))
@example(b"")
@example(b"PK\x05\x06" + bytes(18))
def test_a_damaged_archive_is_extracted_or_refused(tmp_path, content):
    check_extraction(tmp_path, content)


@pytest.mark.parametrize(
    "kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, b"g", b"X"]
)
@pytest.mark.parametrize("size", [2**21, 2**40, 2**62, -1])
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path, kind, size):
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    with pytest.raises(ValueError, match=f"damaged.*a header of {size} bytes"):
        extract(tmp_path / "a.tar", tmp_path / "out")


def test_headers_upon_headers_are_refused(tmp_path):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1
    (tmp_path / "a.tar").write_bytes((info.tobuf(tarfile.GNU_FORMAT) + b"y" + bytes(511)) * 3000)
    with pytest.raises(ValueError, match="damaged"):
        extract(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize("name", ["x" * 256, "d/" * 101 + "x", "ä" * 128, ("y" * 200 + "/") * 6])
@pytest.mark.parametrize("form", ["tar", "zip"])
def test_a_name_that_no_file_system_takes_is_refused(tmp_path, name, form):
    archive = tmp_path / f"a.{form}"
    if form == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(name, b"")
    else:
        with tarfile.open(archive, "w") as file:
            file.addfile(tarfile.TarInfo(name))
    with pytest.raises(ValueError, match="has a name that is too long"):
        extract(archive, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == [archive.name]
