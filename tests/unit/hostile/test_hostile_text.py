"""Files of text and numbers are read as other programs read them, or refused by file and line."""

import io
import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hostile_input import BYTES, accepted, bounded, flipped, mutated
from lslo.adapters.index_strategy import IndexStrategy
from lslo.base_model.fairseq_languages import LANGUAGE_PAIRS, language_tokens
from lslo.base_model.file_names import DICTIONARY, LANGUAGE_TOKENS
from lslo.base_model.tokenizer import Tokenizer, read_dictionary
from lslo.cli import _lines
from lslo.cli import main as command_line
from lslo.corpus.plain_text import read_hypotheses, read_parallel, read_sentences, write_sentences
from lslo.scoring.bleu import DirectionStatistics
from lslo.scoring.score_files import read_scores, read_statistics, write_statistics

TEXT = "The house is small.\nଘରଟି ଛୋଟ\n房子很小。\n".encode()
SYMBOLS = "▁the 12\nhouse 3\n__en__ 1\n__de__ 1\n".encode()
PAIRS = b"en-de,de-en\n"
STRATEGY = b'{"encoder": ["src", "tgt"], "decoder": ["tgt"]}'
SCORES = b"source,target,spbleu,chrf,spbleu_signature,chrf_signature\nen,nan,12.5,40,a,b\nnan,en,0,1,a,b\n"
LINES = st.text(st.sampled_from(list("ab \r\0\x0b\x0c\x85\u2028\ufeffé")), max_size=6)


@bounded(400)
@given(mutated([TEXT], BYTES) | st.binary(max_size=30))
@example(TEXT.decode().encode("utf-16-le"))
@example(b"\xef\xbb\xbf" + TEXT)
@example(b"\xef\xbb\xbf\n")
@example(TEXT.replace(b"\n", b"\r"))
@example(b"x" * 3_000_000)
def test_a_corpus_has_the_same_lines_for_us_and_for_other_programs(tmp_path, content):
    path, copy = tmp_path / "x.txt", tmp_path / "copy.txt"
    path.write_bytes(content)
    sentences = accepted([path], read_sentences, path)
    if sentences is None:
        return
    assert len(sentences) == len(content.removesuffix(b"\n").split(b"\n"))
    with path.open(encoding="utf-8-sig") as file:  # as Python and most programs count
        assert [line.rstrip("\n") for line in file] == sentences
    write_sentences(copy, sentences)
    assert read_sentences(copy) == read_hypotheses(copy) == sentences


def test_a_mark_before_utf_8_is_no_part_of_a_sentence(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfa\nb\n")
    assert read_sentences(tmp_path / "x.txt") == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a\nb\0c\n", "line 2: has a NUL character"),
        ("ab\n".encode("utf-16-le"), "line 1: has a NUL character"),
        (b"a\rb\r", "line 1: has a carriage return"),
        (b"a\n\xed\xa0\x80\n", "line 2: not UTF-8"),
        (b"\xef\xbb\xbf", "the file is empty"),
        ("a\n\u2028\n".encode(), "line 2: the line is empty"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path, content, fault):
    (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises(ValueError, match=f"x.txt.*{fault}"):
        read_sentences(tmp_path / "x.txt")


@bounded(100)
@given(st.lists(LINES, min_size=1, max_size=5))
@example(["a\rb", "\x85", ""])
def test_translations_keep_their_lines_whatever_a_model_writes(tmp_path, lines):
    write_sentences(tmp_path / "x.txt", lines)
    assert read_hypotheses(tmp_path / "x.txt") == lines


def test_a_sentence_of_two_lines_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"x\.txt, line 2: the sentence has a line feed"):
        write_sentences(tmp_path / "x.txt", ["a", "b\nc"])
    assert not (tmp_path / "x.txt").exists()


@bounded(60)
@given(st.lists(mutated([TEXT], BYTES), min_size=2, max_size=3))
def test_languages_of_a_corpus_are_aligned_or_refused(tmp_path, contents):
    paths = {f"l{number}": tmp_path / f"l{number}.txt" for number in range(len(contents))}
    for path, content in zip(paths.values(), contents, strict=True):
        path.write_bytes(content)
    corpus = accepted([tmp_path], read_parallel, paths)
    assert corpus is None or len({len(sentences) for sentences in corpus.values()}) == 1


@bounded(300)
@given(mutated([SYMBOLS], BYTES) | st.binary(max_size=30))
@example(SYMBOLS + b"house 4\n")
@example(SYMBOLS + b"house 4 #fairseq:overwrite\n")
@example(SYMBOLS + b"\n")
@example(SYMBOLS + b"word -1\n")
@example(SYMBOLS + b"<s> 1\n")
def test_a_dictionary_gives_each_symbol_one_id_or_is_refused(tmp_path, content):
    path = tmp_path / DICTIONARY
    path.write_bytes(content)
    symbols = accepted([path, "dictionary"], read_dictionary, path)
    if symbols is not None:
        assert symbols[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
        assert len(set(symbols)) == len(symbols)
        with path.open(encoding="utf-8") as file:  # as fairseq counts
            assert len(symbols) == 4 + len(list(file))


@bounded(200)
@given(
    mutated([PAIRS], BYTES) | st.binary(max_size=20),
    st.sampled_from([None, ["en", "de"], "en,de", [1], 5, {"en": 1}, ["../x", "en", "de"], ["\0"]]),
    st.integers(0, 12),
)
def test_language_pairs_give_ids_within_the_model_or_are_refused(tmp_path, content, langs, rows):
    (tmp_path / LANGUAGE_PAIRS).write_bytes(content)
    symbols = ["<s>", "<pad>", "</s>", "<unk>", "x", "__en__", "__de__"]
    tokens = accepted([tmp_path], language_tokens, tmp_path, {"langs": langs}, symbols, rows)
    if tokens is not None:
        assert all(0 < index < rows for index in tokens.values())
        assert len(set(tokens.values())) == len(tokens)


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"en": [1]}', '{"en": "1"}', '{"en": true}', '{"en": -1}', '{"en": 1.5}', "[" * 5000],
)
def test_language_tokens_that_are_no_ids_are_refused(tmp_path, tokenizer_folder, content):
    spm = (tokenizer_folder / "sentencepiece.bpe.model").read_bytes()
    (tmp_path / "sentencepiece.bpe.model").write_bytes(spm)
    (tmp_path / DICTIONARY).write_bytes(SYMBOLS)
    (tmp_path / LANGUAGE_TOKENS).write_text(json.dumps({"en": 6}))
    assert Tokenizer(tmp_path).language_token("en") == 6
    (tmp_path / LANGUAGE_TOKENS).write_text(content)
    with pytest.raises(ValueError, match=r"language_tokens\.json: not a JSON object of codes and ids"):
        Tokenizer(tmp_path)


@bounded(200)
@given(mutated([STRATEGY], BYTES) | st.binary(max_size=20))
@example(b'{"encoder": [["src"]], "decoder": ["tgt"]}')
@example(b'{"encoder": [{}], "decoder": ["tgt"]}')
@example(b'{"encoder": "src", "decoder": ["tgt"]}')
@example(b"[" * 5000)
def test_an_index_strategy_is_read_or_refused(tmp_path, content):
    path = tmp_path / "index_strategy.json"
    path.write_bytes(content)
    strategy = accepted([path], IndexStrategy.read, path)
    assert strategy is None or {*strategy.encoder, *strategy.decoder} <= {"src", "tgt"}


@bounded(200)
@given(mutated([SCORES], BYTES) | st.binary(max_size=20))
@example(SCORES.replace(b"12.5", b"NaN"))
@example(SCORES.replace(b"12.5", b"1e999"))
@example(SCORES.replace(b"12.5", b"True"))
def test_scores_are_finite_numbers_or_are_refused(tmp_path, content):
    path = tmp_path / "scores.csv"
    path.write_bytes(content)
    scores = accepted([path], read_scores, path)
    if scores is not None:
        assert scores[["spbleu", "chrf"]].astype(float).abs().max().max() < 1e308 or scores.empty


@pytest.fixture(scope="module")
def statistics(tmp_path_factory):
    path = tmp_path_factory.mktemp("statistics") / "statistics.npz"
    counts = np.arange(40, dtype=np.int32).reshape(2, 2, 10)
    write_statistics(DirectionStatistics((("en", "de"), ("de", "en")), counts, "signature"), path)
    return path.read_bytes()


@bounded(150)
@given(data=st.data())
def test_statistics_are_whole_or_refused(tmp_path, statistics, data):
    path = tmp_path / "statistics.npz"
    path.write_bytes(data.draw(flipped(statistics)))
    found = accepted([path], read_statistics, path)
    assert found is None or found.counts.shape == (len(found.directions), 2, 10)


def test_standard_input_has_the_lines_of_a_corpus():
    stream = io.TextIOWrapper(io.BytesIO("a\rb\x85\nc\r\n\n".encode()), encoding="ascii")
    assert _lines(stream) == ["a\rb\x85", "c", ""]
    with pytest.raises(ValueError, match="standard input: not UTF-8"):
        _lines(io.TextIOWrapper(io.BytesIO(b"a\n\xff\n"), encoding="ascii"))


@pytest.mark.parametrize("name", ["a\nerror: b", "\x1b[31m", "\u2028", "x" * 5000, "\udcff"])
def test_an_error_of_the_command_line_is_one_line(monkeypatch, capsys, tmp_path, name):
    monkeypatch.setattr("sys.stdin", io.StringIO("a\n"))
    arguments = ["--base-model", str(tmp_path / name), "--source", "en", "--target", "de"]
    assert command_line(["translate", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.removesuffix("\n").isprintable()
    assert len(error) < 1100


@pytest.mark.parametrize("beam", ["0", "-1", "x", "1.5", "٣x"])
def test_a_beam_is_a_positive_number(capsys, beam):
    with pytest.raises(SystemExit):
        command_line(["translate", "--base-model", "x", "--source", "a", "--target", "b", "--beam", beam])
    assert f"--beam: must be a whole number from 1, not {beam!r}" in capsys.readouterr().err
