"""Reading and writing the corpus as plain text."""

import pytest

from lslo.corpus.plain_text import copy_corpus, read_hypotheses, read_sentences, read_split, write_sentences


def test_sentences_round_trip(tmp_path):
    # Separators that str.splitlines would break a line at are part of a sentence here.
    sentences = ["one", "two\u2028still two", "three\x85 \x0b\x0c", "ଓଡ଼ିଆ", " spaces stay "]
    write_sentences(tmp_path / "x.txt", sentences)
    assert read_sentences(tmp_path / "x.txt") == sentences
    assert (tmp_path / "x.txt").read_bytes().count(b"\n") == len(sentences)


def test_line_ends_of_other_systems_and_a_missing_last_one_are_read(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"one\r\ntwo")
    assert read_sentences(tmp_path / "x.txt") == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one\n \ntwo\n", "x.txt, line 2: the line is empty"),
        (b"one\ntwo\n\n", "x.txt, line 3: the line is empty"),
        (b"one\nab\xffc\n", "x.txt, line 2: not UTF-8 .* at byte 3 of the line"),
        (b"", "x.txt: the file is empty"),
    ],
)
def test_what_is_no_sentence_is_named_by_file_and_line(tmp_path, content, message):
    (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_sentences(tmp_path / "x.txt")


def test_languages_of_different_length_are_refused(tmp_path):
    write_sentences(tmp_path / "en.txt", ["one", "two"])
    write_sentences(tmp_path / "fr.txt", ["un"])
    with pytest.raises(ValueError, match=r"fr\.txt: 1 lines, but .*en\.txt has 2;"):
        read_split(tmp_path, ["en", "fr"])


def test_a_users_text_is_copied_when_all_of_it_is_sound(tmp_path):
    paths = {split: {code: f"{split}.{code}" for code in ("en", "fr")} for split in ("dev", "devtest")}
    for code, line in (("en", b"one\r\ntwo"), ("fr", b"un\ndeux\n")):
        (tmp_path / f"dev.{code}").write_bytes(line)
        (tmp_path / f"devtest.{code}").write_bytes(line)
    copy_corpus(tmp_path, paths, tmp_path / "corpus")
    expected = {"en": ["one", "two"], "fr": ["un", "deux"]}
    assert read_split(tmp_path / "corpus/dev", ["en", "fr"]) == expected
    assert read_split(tmp_path / "corpus/devtest", ["en", "fr"]) == expected
    assert (tmp_path / "corpus/dev/en.txt").read_bytes() == b"one\ntwo\n"
    (tmp_path / "devtest.fr").write_bytes(b"un\n")
    with pytest.raises(ValueError, match=r"devtest\.fr: 1 lines, but .*devtest\.en has 2;"):
        copy_corpus(tmp_path, paths, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_translation_may_be_empty(tmp_path):
    write_sentences(tmp_path / "x.txt", ["", "b", ""])
    assert read_hypotheses(tmp_path / "x.txt") == ["", "b", ""]
