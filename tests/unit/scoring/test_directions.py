"""spBLEU and chrF++ equal sacrebleu's own, however references are shared."""

import hashlib
import io
import random
import zipfile

import numpy as np
import pandas
import pytest
import sentencepiece
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.tokenizers import tokenizer_spm

from lslo.base_model.file_names import SENTENCEPIECE_MODEL
from lslo.scoring import bleu, score_files
from lslo.scoring.directions import score_directions, stack_epochs
from lslo.scoring.spbleu_tokenizer import SpbleuTokenizer, spbleu_tokenizer

LANGUAGES = ("en", "de", "or")


@pytest.fixture(scope="module")
def references():
    draw = random.Random(1)
    letters = {"en": "abcdefg", "de": "abcdeäö", "or": "ଅଆଇଉକଖଗ"}
    words = {
        language: ["".join(draw.choices(alphabet, k=draw.randint(2, 6))) for _ in range(80)]
        for language, alphabet in letters.items()
    }
    return {
        language: [" ".join(draw.choices(words[language], k=draw.randint(4, 12))) + "." for _ in range(30)]
        for language in LANGUAGES
    }


@pytest.fixture(scope="module")
def hypotheses(references):
    """Some words of each reference replaced, differently for every source language; one line is empty."""
    draw = random.Random(2)
    result = {}
    for source in LANGUAGES:
        for target in LANGUAGES:
            if source != target:
                lines = []
                for line in references[target]:
                    words = line.split()
                    kept = [word if draw.random() < 0.7 else draw.choice(words) for word in words]
                    lines.append(" ".join(kept))
                result[source, target] = ["", *lines[1:-1], lines[-1] + "  "]
    return result


@pytest.fixture(scope="module")
def model(tmp_path_factory, references):
    folder = tmp_path_factory.mktemp("spm")
    text = folder / "text.txt"
    text.write_text("\n".join(line for lines in references.values() for line in lines), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(text),
        model_prefix=str(folder / "own"),
        vocab_size=120,
        minloglevel=2,
        num_threads=1,
    )
    return folder / "own.model"


def test_own_pieces_equal_plain_sacrebleu_on_pieces(hypotheses, references, model):
    scores = score_directions(hypotheses, references, SpbleuTokenizer.from_model(model))
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))

    def pieces(lines):
        return [" ".join(processor.EncodeAsPieces(line.rstrip())) for line in lines]

    for row in scores.itertuples():
        lines, reference = hypotheses[row.source, row.target], references[row.target]
        plain = BLEU(tokenize="none", force=True).corpus_score(pieces(lines), [pieces(reference)])
        assert row.spbleu == pytest.approx(plain.score, rel=1e-12)
        assert row.chrf == CHRF(word_order=2).corpus_score(lines, [reference]).score
    assert scores["spbleu"].between(5, 95).all()
    assert scores["spbleu"].nunique() == len(hypotheses)


def test_flores101_equals_plain_sacrebleu(hypotheses, references, model, tmp_path, monkeypatch):
    # Any SentencePiece model under the name that sacrebleu looks for stands in for the real, large one.
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "sacrebleu_tokenizer_spm.model").write_bytes(model.read_bytes())
    monkeypatch.setattr(tokenizer_spm, "SACREBLEU_DIR", str(tmp_path))
    scores = score_directions(hypotheses, references, spbleu_tokenizer("flores101", tmp_path))
    for row in scores.itertuples():
        metric = BLEU(tokenize="flores101")
        plain = metric.corpus_score(hypotheses[row.source, row.target], [references[row.target]])
        assert row.spbleu == pytest.approx(plain.score, rel=1e-12)
        assert row.spbleu_signature == str(metric.get_signature())
    # The same model as a base model's own gives the same scores under its own name.
    (tmp_path / SENTENCEPIECE_MODEL).write_bytes(model.read_bytes())
    own = score_directions(hypotheses, references, spbleu_tokenizer("base_model", tmp_path))
    assert list(own["spbleu"]) == list(scores["spbleu"])
    assert set(own["spbleu_signature"]).isdisjoint(scores["spbleu_signature"])


def test_missing_flores101_model_is_refused_before_any_download(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizer_spm, "SACREBLEU_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"sacrebleu_tokenizer_spm\.model.*SACREBLEU"):
        SpbleuTokenizer.flores101()


def test_signatures_name_the_tokenizer_and_the_metric(hypotheses, references, model):
    scores = score_directions(hypotheses, references, SpbleuTokenizer.from_model(model, "some_model"))
    digest = hashlib.sha256(model.read_bytes()).hexdigest()[:12]
    (spbleu,), (chrf,) = scores["spbleu_signature"].unique(), scores["chrf_signature"].unique()
    assert spbleu.startswith(f"nrefs:1|case:mixed|eff:no|tok:spm:some_model-{digest}|smooth:exp|version:")
    assert chrf.startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:")


def test_references_are_split_into_pieces_once_a_target_language(hypotheses, references, model, monkeypatch):
    split = []
    original = SpbleuTokenizer.numbered_pieces

    def counting(self, lines):
        split.append(lines)
        return original(self, lines)

    monkeypatch.setattr(SpbleuTokenizer, "numbered_pieces", counting)
    score_directions(hypotheses, references, SpbleuTokenizer.from_model(model))
    assert len(split) == len(LANGUAGES)
    for lines, language in zip(split, dict.fromkeys(target for _, target in hypotheses), strict=True):
        given = [hypotheses[direction] for direction in hypotheses if direction[1] == language]
        assert lines == [line for each in (references[language], *given) for line in each]


def test_statistics_made_before_are_not_made_again(hypotheses, references, model, monkeypatch):
    tokenizer = SpbleuTokenizer.from_model(model)
    statistics = bleu.direction_statistics(hypotheses, references, tokenizer)
    scores = score_directions(hypotheses, references, tokenizer)
    monkeypatch.setattr(SpbleuTokenizer, "numbered_pieces", None)
    shared = score_directions(hypotheses, references, tokenizer, statistics)
    pandas.testing.assert_frame_equal(shared, scores, check_exact=True)
    with pytest.raises(ValueError, match="statistics are of other directions"):
        score_directions(dict(reversed(hypotheses.items())), references, tokenizer, statistics)


def test_statistics_are_sacrebleus_counts(hypotheses, references, model):
    tokenizer = SpbleuTokenizer.from_model(model)
    statistics = bleu.direction_statistics(hypotheses, references, tokenizer)
    assert statistics.directions == tuple(hypotheses)
    assert statistics.counts.shape == (len(hypotheses), 30, len(bleu.STATISTICS))
    assert statistics.counts.dtype == np.int32
    for (source, target), counts in zip(statistics.directions, statistics.counts, strict=True):
        lines, lines_of_reference = hypotheses[source, target], references[target]
        for sentence in (0, 1, 29):
            metric = BLEU(tokenize="none", force=True)
            pieces, reference = (tokenizer.pieces([some[sentence]]) for some in (lines, lines_of_reference))
            plain = metric.corpus_score(pieces, [reference])
            assert list(counts[sentence]) == [plain.sys_len, plain.ref_len, *plain.counts, *plain.totals]


def test_statistics_need_the_same_sentences_in_every_direction(references, model):
    tokenizer = SpbleuTokenizer.from_model(model)
    shorter = {**references, "de": references["de"][1:]}
    hypotheses = {("en", "or"): shorter["or"], ("en", "de"): shorter["de"]}
    with pytest.raises(ValueError, match="en-de has 29 sentences but en-or has 30"):
        bleu.direction_statistics(hypotheses, shorter, tokenizer)


def test_statistics_survive_writing_and_reading(tmp_path, hypotheses, references, model):
    statistics = bleu.direction_statistics(hypotheses, references, SpbleuTokenizer.from_model(model))
    path, again = tmp_path / "statistics.npz", tmp_path / "again"
    score_files.write_statistics(statistics, path)
    read = score_files.read_statistics(path)
    assert (read.directions, read.signature) == (statistics.directions, statistics.signature)
    assert read.counts.dtype == np.int32
    np.testing.assert_array_equal(read.counts, statistics.counts)
    # The same bytes, whatever the name and the time.
    score_files.write_statistics(read, again)
    assert again.read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_counts_that_need_wider_integers_survive_too(tmp_path):
    counts = np.full((1, 2, len(bleu.STATISTICS)), 70_000, np.int32)
    score_files.write_statistics(bleu.DirectionStatistics((("en", "de"),), counts, "s"), tmp_path / "s.npz")
    np.testing.assert_array_equal(score_files.read_statistics(tmp_path / "s.npz").counts, counts)


def test_a_broken_file_of_statistics_is_refused_by_name(tmp_path, hypotheses, references, model):
    path = tmp_path / "statistics.npz"
    with pytest.raises(FileNotFoundError, match=r"statistics\.npz: no such statistics"):
        score_files.read_statistics(path)
    statistics = bleu.direction_statistics(hypotheses, references, SpbleuTokenizer.from_model(model))
    score_files.write_statistics(statistics, path)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 255
    plain, pickled, other = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(plain, statistics.counts)
    np.savez(pickled, directions=np.array([{}], dtype=object))
    np.savez(other, directions=statistics.directions, counts=statistics.counts)
    contents = [b"", b"text", whole[: len(whole) // 2], bytes(damaged)]
    for content in (*contents, plain.getvalue(), pickled.getvalue(), other.getvalue()):
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"statistics\.npz: not a file of spBLEU statistics, or damaged$"
        ):
            score_files.read_statistics(path)
    narrower = bleu.DirectionStatistics(statistics.directions, statistics.counts[..., :9], "s")
    score_files.write_statistics(narrower, path)
    with pytest.raises(ValueError, match=r"statistics of another form \(counts \[6, 30, 9\]\)"):
        score_files.read_statistics(path)


def test_rows_keep_the_given_order(hypotheses, references, model):
    tokenizer = SpbleuTokenizer.from_model(model)
    given = dict(reversed(hypotheses.items()))
    scores = score_directions(given, references, tokenizer)
    assert tuple(scores.columns) == score_files.SCORE_COLUMNS
    assert list(zip(scores["source"], scores["target"], strict=True)) == list(given)
    forward = score_directions(hypotheses, references, tokenizer)
    pandas.testing.assert_frame_equal(scores[::-1].reset_index(drop=True), forward)


def test_perfect_hypotheses_score_100(references, model):
    scores = score_directions({("en", "or"): references["or"]}, references, SpbleuTokenizer.from_model(model))
    assert scores.loc[0, "spbleu"] == pytest.approx(100)
    assert scores.loc[0, "chrf"] == pytest.approx(100)


def test_what_does_not_line_up_is_refused_by_direction(references, model):
    tokenizer = SpbleuTokenizer.from_model(model)
    with pytest.raises(ValueError, match="en-de: 29 hypotheses for 30 references"):
        score_directions({("en", "de"): references["de"][1:]}, references, tokenizer)
    with pytest.raises(ValueError, match="en-fr: no references for fr"):
        score_directions({("en", "fr"): []}, references, tokenizer)
    with pytest.raises(ValueError, match="en-de: no hypotheses"):
        score_directions({("en", "de"): []}, {"de": []}, tokenizer)


@pytest.mark.parametrize(
    ("folder", "label"),
    [("nllb-200-distilled-600M", "nllb-200-distilled-600M"), ("my | model: 2é", "my_model_2_")],
)
def test_a_base_models_own_pieces_go_by_the_name_of_its_folder(tmp_path, monkeypatch, model, folder, label):
    digest = hashlib.sha256(model.read_bytes()).hexdigest()[:12]
    (tmp_path / folder).mkdir()
    (tmp_path / folder / SENTENCEPIECE_MODEL).write_bytes(model.read_bytes())
    assert spbleu_tokenizer("base_model", tmp_path / folder).name == f"spm:{label}-{digest}"
    # However the folder is written.
    monkeypatch.chdir(tmp_path / folder)
    assert spbleu_tokenizer("base_model", ".").name == f"spm:{label}-{digest}"


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "no.model"
    with pytest.raises(FileNotFoundError, match=r"no\.model"):
        SpbleuTokenizer.from_model(path)
    path.write_text("not a model")
    with pytest.raises(ValueError, match=r"no\.model: not a SentencePiece model"):
        SpbleuTokenizer.from_model(path)


def test_scores_survive_writing_and_reading(tmp_path, hypotheses, references, model):
    scores = score_directions(hypotheses, references, SpbleuTokenizer.from_model(model))
    scores["source"] = scores["source"].replace("en", "nan")  # the code of Min Nan Chinese
    score_files.write_scores(scores, tmp_path / "scores.csv")
    read = score_files.read_scores(tmp_path / "scores.csv")
    pandas.testing.assert_frame_equal(read, scores, atol=5e-5, check_dtype=False)
    epochs = stack_epochs({1: scores, 0: scores})
    assert list(epochs["epoch"]) == [0] * len(scores) + [1] * len(scores)
    assert tuple(epochs.columns) == score_files.EPOCH_SCORE_COLUMNS


def test_a_broken_score_file_is_refused_by_name(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("source,target,spbleu\nen,de,1\n")
    with pytest.raises(ValueError, match=r"scores\.csv: no column chrf"):
        score_files.read_scores(path)
    path.write_text(",".join(score_files.SCORE_COLUMNS) + "\nen,de,good,1,a,b\n")
    with pytest.raises(ValueError, match=r"scores\.csv: column spbleu"):
        score_files.read_scores(path)
