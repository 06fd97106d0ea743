"""Settings, languages and sources: names that become paths are what their pattern says, or are refused."""

import os
import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hostile_input import BYTES, accepted, bounded, mutated
from lslo.experiment.languages import all_directions, read_languages, select_languages
from lslo.experiment.setting_notation import Setting
from lslo.sources.table import read_sources, use_mirrors
from lslo.sources.verification import read_record

LONGEST_NAME = os.pathconf("/", "PC_NAME_MAX")
SETTINGS = [
    "Pretrain",
    "Ft-all",
    "2;2;8+WL",
    "4;4;4;4+SRC+GPS(0.9)",
    "2;2;16+TGT+GPS(0.05)@fc",
    "8;8;8+WL@all",
]
LANGUAGES = (
    b"code\tname\tresource_class\tfamily\tbitext\tflores101\tm2m\n"
    b"en\tEnglish\tH\tGermanic\t-\teng\ten\n"
    b"zh\tChinese\tM\tSino-Tibetan\t37.9M\tzho_simpl\tzh\n"
)
SOURCES = (
    "name\turl\tsha256\tsize\tlicence\n"
    f"flores101\thttps://example.org/data/flores.tar.gz\t{'0af9' * 16}\t12\tCC BY-SA 4.0\n"
    "mine\tfile:///data/my%2Bown.zip?version=2\t\t\tmine\n"
).encode()


@bounded(400)
@given(mutated(SETTINGS) | st.text(max_size=20))
@example("2;2;8+WL+GPS(0." + "9" * 30 + ")")  # is 1 as a float
@example("2;2;8+WL+GPS(0." + "0" * 400 + "1)")  # is 0 as a float
@example("2;2;8+WL\n@fc")
def test_a_setting_round_trips_or_is_refused(text):
    setting = accepted(["setting "], Setting.parse, text)
    if setting is not None:
        assert Setting.parse(str(setting)) == setting
        assert Setting.from_slug(setting.slug) == setting
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", setting.slug)
        assert all(1 <= rank <= 99999 for rank in setting.ranks)
        assert setting.gps_ratio is None or 0 < float(setting.gps_ratio) < 1
        assert setting.gps_ratio is None or Decimal(str(float(setting.gps_ratio))) == setting.gps_ratio


@bounded(300)
@given(mutated([Setting.parse(text).slug for text in SETTINGS]) | st.text(max_size=20))
def test_a_slug_is_of_one_setting_or_is_refused(slug):
    setting = accepted([], Setting.from_slug, slug)
    assert setting is None or setting.slug == slug


@bounded(300)
@given(mutated([LANGUAGES], BYTES) | st.binary(max_size=40))
@example(b"\xef\xbb\xbf" + LANGUAGES)
@example(LANGUAGES + b"x" * 140_000)  # longer than a field of Python's csv may be
@example(LANGUAGES + LANGUAGES.splitlines()[1] + b"\n")
@example(LANGUAGES.replace(b"en\tE", b"x" * 300 + b"\tE"))
def test_a_table_of_languages_has_safe_codes_or_is_refused(tmp_path, content):
    path = tmp_path / "languages.tsv"
    path.write_bytes(content)
    languages = accepted([path], read_languages, path)
    if languages is not None:
        for code, language in languages.items():
            assert code == language.code
            for name in (language.code, language.flores101, language.m2m):
                assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,39}", name)
        # A direction is a file's name, with an ending.
        assert all(len(f"{one}-{other}.txt") < LONGEST_NAME for one, other in all_directions(list(languages)))


def test_a_mark_before_utf_8_is_no_part_of_a_table(tmp_path):
    path = tmp_path / "languages.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + LANGUAGES)
    assert list(read_languages(path)) == ["en", "zh"]


@bounded(100)
@given(mutated(["en", "zh"]))
def test_a_code_that_the_table_lacks_is_refused_on_one_line(code):
    if code not in ("en", "zh"):
        assert accepted(["table"], select_languages, {"en": 1, "zh": 2}, [code], "table") is None


@bounded(400)
@given(mutated([SOURCES], BYTES) | st.binary(max_size=40))
@example(SOURCES.replace(b"flores.tar", b"..%2f..%2fevil"))
@example(SOURCES.replace(b"flores.tar.gz", b"x;$(touch${IFS}y).gz"))
@example(SOURCES.replace(b"https://example.org", b"ftp://example.org"))
@example(SOURCES.replace(b"https://example.org", b"http://[::1"))
@example(SOURCES.replace(b"\t12\t", b"\t" + b"9" * 5000 + b"\t"))
@example(SOURCES.replace(b"flores.tar.gz", b"x" * 300))
@example(SOURCES + b"x" * 140_000)
def test_a_table_of_sources_has_safe_files_or_is_refused(tmp_path, content):
    path = tmp_path / "sources.tsv"
    path.write_bytes(content)
    for source in (accepted([path], read_sources, path) or {}).values():
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", source.name)
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}", source.file)
        # Other files beside it have longer names that contain its name.
        assert len(f".{source.file}.partial.json.partial") < LONGEST_NAME
        assert (source.local_path is None) == source.url.lower().startswith("http")
        assert source.size is None or source.size > 0


MIRRORS = ["https://mirror.example/x.tgz", "/data/x.tgz", "file:///data/x.tgz", "~/x.tgz"]


@bounded(300)
@given(st.sampled_from(["flores101", "mine", "nothing", "a\nb"]), mutated(MIRRORS))
@example("mine", "~nobody_of_this_name/x.tgz")
def test_a_mirror_can_be_used_or_is_refused(tmp_path, name, mirror):
    path = tmp_path / "sources.tsv"
    path.write_bytes(SOURCES)
    sources = accepted([], use_mirrors, read_sources(path), {name: mirror})
    if sources is not None:
        assert sources[name].location == mirror
        assert sources[name].local_path is None or str(sources[name].local_path)


@pytest.mark.parametrize(
    "mirror", ["http://me:secret@[::1/x", "ftp://me:secret@host/x", "file://me:secret@h/x"]
)
def test_a_refused_mirror_does_not_tell_its_password(tmp_path, mirror):
    (tmp_path / "sources.tsv").write_bytes(SOURCES)
    with pytest.raises(ValueError, match="mirror of 'mine'") as error:
        use_mirrors(read_sources(tmp_path / "sources.tsv"), {"mine": mirror})
    assert "secret" not in str(error.value)


@bounded(100)
@given(
    mutated([b'{"url": "u", "size": 3, "sha256": "aa"}'], BYTES)
    | st.sampled_from([b'{"url": "u", "size": 1e999, "sha256": "a"}', b"[" * 5000, b"NaN"])
)
def test_a_record_of_a_download_is_read_or_refused(tmp_path, content):
    path = tmp_path / "record.json"
    path.write_bytes(content)
    record = accepted([path, "delete it"], read_record, path)
    assert record is None or [type(record[key]) for key in ("url", "size", "sha256")] == [str, int, str]
