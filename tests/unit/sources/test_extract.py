"""Archives come out whole, below the folder and nowhere else, or not at all."""

import io
import lzma
import os
import random
import stat
import tarfile
import zipfile

import pytest

from lslo.sources.extract import extract

CONTENTS = {"data/dev/eng.dev": b"one\n", "data/dev/deu.dev": "zwölf\n".encode(), "data/README": b""}
NOISE = random.Random(1).randbytes(200_000)

FORMS = ["tar", "tar.gz", "tar.xz", "zip"]


def member(name, content=b"", kind=tarfile.REGTYPE, target="", **fields):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def write_tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def write_zip(path, pairs, mode=0):
    """mode: of the last member."""
    with zipfile.ZipFile(path, "w") as file:
        for number, (name, content) in enumerate(pairs, start=1):
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16 if number == len(pairs) else 0
            file.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def write(path, contents):
    pairs = contents.items() if isinstance(contents, dict) else contents
    if path.suffix == ".zip":
        return write_zip(path, pairs)
    mode = {".tar": "w", ".gz": "w:gz", ".xz": "w:xz"}[path.suffix]
    return write_tar(path, [member(name, content) for name, content in pairs], mode)


def contents_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if not path.is_dir()
    }


def refused(archive, tmp_path, fault, **arguments):
    """Extract an archive that must be refused, leaving nothing; the message's text."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=fault) as error:
        extract(archive, tmp_path / "out", **arguments)
    assert sorted(tmp_path.rglob("*")) == before
    assert str(error.value).startswith(str(archive))
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("form", FORMS)
def test_an_archive_is_extracted_whole(tmp_path, form):
    archive = write(tmp_path / f"archive.{form}", CONTENTS)
    assert extract(archive, tmp_path / "deep" / "out") == tmp_path / "deep" / "out"
    assert contents_of(tmp_path / "deep" / "out") == CONTENTS
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_folders_are_members_too(tmp_path):
    folder, inner = member("./data", kind=tarfile.DIRTYPE), member("./data/empty/", kind=tarfile.DIRTYPE)
    archive = write_tar(tmp_path / "a.tar.gz", [folder, inner, member("./data/x", b"x")])
    extract(archive, tmp_path / "out")
    assert (tmp_path / "out/data/empty").is_dir()
    assert contents_of(tmp_path / "out") == {"data/x": b"x"}
    write_zip(tmp_path / "a.zip", [("data/", b""), ("data/x", b"x")])
    extract(tmp_path / "a.zip", tmp_path / "out")
    assert contents_of(tmp_path / "out") == {"data/x": b"x"}


def test_what_was_in_the_folder_is_replaced_but_only_by_a_whole_archive(tmp_path):
    out = tmp_path / "out"
    (out / "data").mkdir(parents=True)
    (out / "data" / "old").write_bytes(b"old")
    refused(write_tar(tmp_path / "bad.tar.gz", [member("x", b"x"), member("../y")]), tmp_path, "inside")
    assert contents_of(out) == {"data/old": b"old"}
    extract(write(tmp_path / "good.tar.gz", CONTENTS), out)
    assert contents_of(out) == CONTENTS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.tar.gz", "good.tar.gz", "out"]


def test_permissions_and_owners_stay_in_the_archive(tmp_path):
    archive = write_tar(tmp_path / "a.tar.gz", [member("run", b"x", mode=0o6777, uid=12345)])
    extract(archive, tmp_path / "out")
    status = (tmp_path / "out" / "run").stat()
    assert status.st_uid == os.getuid()
    assert not status.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IXUSR)


def test_an_archive_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.tar\.gz"):
        extract(tmp_path / "none.tar.gz", tmp_path / "out")


STRANGE_NAMES = [
    "{outside}/evil",
    "../evil",
    "data/../../evil",
    "data/..",
    "//evil",
    "..\\evil",
    "C:evil",
    "data/a\nb",
    "\x1b[31mred",
]


@pytest.mark.parametrize("name", STRANGE_NAMES)
@pytest.mark.parametrize("form", FORMS)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path, form, name):
    name = name.format(outside=tmp_path)
    archive = write(tmp_path / f"a.{form}", {**CONTENTS, name: b"evil", "after": b""})
    assert repr(name) in refused(archive, tmp_path, "is not a path inside")


def test_a_name_that_is_cut_at_a_nul_is_refused(tmp_path):
    archive = write_zip(tmp_path / "a.zip", [("goodXevil", b"x")])
    archive.write_bytes(archive.read_bytes().replace(b"goodXevil", b"good\0evil"))
    refused(archive, tmp_path, "is not a path inside")


@pytest.mark.parametrize(
    ("kind", "target", "fault"),
    [
        (tarfile.SYMTYPE, "/etc", "is a symbolic link"),
        (tarfile.SYMTYPE, "data", "is a symbolic link"),
        (tarfile.LNKTYPE, "/etc/passwd", "is a hard link"),
        (tarfile.LNKTYPE, "data/README", "is a hard link"),
        (tarfile.CHRTYPE, "", "is a device"),
        (tarfile.BLKTYPE, "", "is a device"),
        (tarfile.FIFOTYPE, "", "is a device"),
        (tarfile.GNUTYPE_SPARSE, "", "of an unusual kind"),
    ],
)
def test_links_and_devices_are_refused(tmp_path, kind, target, fault):
    link = member("link", kind=kind, target=target)
    # What would be written through the link, were it made.
    archive = write_tar(tmp_path / "a.tar.gz", [member("data/README"), link, member("link/evil", b"x")])
    assert "'link'" in refused(archive, tmp_path, fault)


@pytest.mark.parametrize(
    ("mode", "fault"),
    [
        (stat.S_IFLNK | 0o777, "is a symbolic link"),
        (stat.S_IFCHR, "is a device"),
        (stat.S_IFIFO, "is a device"),
    ],
)
def test_links_and_devices_in_a_zip_are_refused(tmp_path, mode, fault):
    archive = write_zip(tmp_path / "a.zip", [("data/x", b"x"), ("link", b"/etc/passwd")], mode)
    assert "'link'" in refused(archive, tmp_path, fault)


@pytest.mark.parametrize("form", FORMS)
def test_an_archive_that_is_too_large_is_refused(tmp_path, form):
    archive = write(tmp_path / f"a.{form}", {"small": b"x", "bomb": bytes(5_000_000)})
    assert "'bomb'" in refused(archive, tmp_path, "more than 1000000 bytes", maximum_size=1_000_000)
    extract(archive, tmp_path / "out", maximum_size=5_000_001)


@pytest.mark.parametrize("form", FORMS)
def test_too_many_members_are_refused(tmp_path, form):
    archive = write(tmp_path / f"a.{form}", {f"member{number}": b"" for number in range(11)})
    assert "'member10'" in refused(archive, tmp_path, "more than 10 members", maximum_members=10)
    extract(archive, tmp_path / "out", maximum_members=11)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a", "./a")])
def test_nothing_is_written_twice(tmp_path, form, names):
    archive = write(tmp_path / f"a.{form}", [(name, b"x") for name in names])
    refused(archive, tmp_path, "stands twice, or is a file and a folder")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.999])
def test_an_archive_that_is_cut_short_is_refused(tmp_path, form, share):
    archive = write(tmp_path / f"a.{form}", {"first": NOISE, "second": NOISE[::-1]})
    content = archive.read_bytes()
    if form == "tar":
        # Behind the members are ten thousand zeros of which nothing is missed but the first 512.
        content = content[: 2 * (512 + -(-len(NOISE) // 512) * 512)]
    archive.write_bytes(content[: int(share * len(content))])
    refused(archive, tmp_path, "damaged, or no tar or zip archive")


def test_a_cut_between_two_members_is_noticed(tmp_path):
    archive = write(tmp_path / "a.tar", {"first": NOISE[:1024], "second": NOISE})
    archive.write_bytes(archive.read_bytes()[: 512 + 1024])
    assert "'first'" in refused(archive, tmp_path, "does not end as a tar archive does|unexpected end")


def test_a_damaged_header_is_noticed(tmp_path):
    archive = write(tmp_path / "a.tar", {"first": NOISE[:1024], "second": NOISE})
    content = bytearray(archive.read_bytes())
    content[512 + 1024 + 20] ^= 1
    archive.write_bytes(content)
    refused(archive, tmp_path, "does not end as a tar archive does")


@pytest.mark.parametrize("form", ["tar.gz", "tar.xz", "zip"])
def test_a_damaged_archive_is_refused(tmp_path, form):
    content = write(tmp_path / f"a.{form}", {"first": NOISE, "second": NOISE[::-1]}).read_bytes()
    for place in (len(content) // 3, len(content) // 2):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        (tmp_path / f"a.{form}").write_bytes(damaged)
        refused(tmp_path / f"a.{form}", tmp_path, "damaged, or no tar or zip archive")


def test_a_member_shorter_than_announced_is_noticed(tmp_path):
    archive = write(tmp_path / "a.zip", {"short": b"four"})
    content = archive.read_bytes()
    # The size in the directory at the archive's end is 24 bytes behind its mark.
    place = content.index(b"PK\1\2") + 24
    archive.write_bytes(content[:place] + b"\x05" + content[place + 1 :])
    assert "'short'" in refused(archive, tmp_path, "is cut short")


def test_a_wrong_checksum_at_the_end_of_a_stream_is_noticed(tmp_path):
    archive = write(tmp_path / "a.tar.gz", CONTENTS)
    content = bytearray(archive.read_bytes())
    content[-8] ^= 1
    archive.write_bytes(content)
    refused(archive, tmp_path, "CRC check failed")


@pytest.mark.parametrize("content", [b"", b"<html>not here</html>", NOISE, lzma.compress(b"x")])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "a.tar.gz").write_bytes(content)
    refused(tmp_path / "a.tar.gz", tmp_path, "no tar or zip archive")


@pytest.mark.parametrize("form", ["tar", "tar.gz", "zip"])
def test_damage_anywhere_is_an_error_that_is_told(tmp_path, form):
    """Archives with a few bytes changed at random are extracted, or refused by name."""
    generator = random.Random(2)
    archive, messages = tmp_path / f"a.{form}", []
    whole = write(archive, CONTENTS).read_bytes()
    for _ in range(50):
        content = bytearray(whole)
        for _ in range(generator.randint(1, 4)):
            content[generator.randrange(min(len(content), 4096))] = generator.randrange(256)
        archive.write_bytes(content)
        try:
            extract(archive, tmp_path / "out")
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) > 10
    assert all(message.startswith(str(archive)) for message in messages)
    assert {path.name for path in tmp_path.iterdir()} <= {archive.name, "out"}
