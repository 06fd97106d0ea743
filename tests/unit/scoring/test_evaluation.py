"""Folders of translations are scored as their texts are, epoch by epoch too."""

import pandas
import pytest
import sentencepiece

from lslo.base_model.file_names import SENTENCEPIECE_MODEL
from lslo.corpus.plain_text import write_sentences
from lslo.scoring.directions import score_directions
from lslo.scoring.evaluation import EvaluationSet, score_epochs, score_setting
from lslo.scoring.score_files import read_scores, read_statistics

REFERENCES = {
    "en": ["the house is small", "two boats on the river"],
    "de": ["das haus ist klein", "zwei boote auf dem fluss"],
    "fr": ["la maison est petite", "deux bateaux sur la rivière"],
}
DIRECTIONS = [["en", "de"], ["de", "en"], ["fr", "en"]]


def translations(damaged):
    """The references, without the last word of the first `damaged` lines."""
    return {
        (source, target): [
            line.rsplit(" ", 1)[0] if number < damaged else line
            for number, line in enumerate(REFERENCES[target])
        ]
        for source, target in DIRECTIONS
    }


def written(folder, hypotheses):
    folder.mkdir(parents=True)
    for direction, lines in hypotheses.items():
        write_sentences(folder / f"{'-'.join(direction)}.txt", lines)
    return folder


@pytest.fixture(scope="module")
def base_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base_model")
    lines = [line for lines in REFERENCES.values() for line in lines]
    write_sentences(folder / "text", lines)
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text"),
        model_prefix=str(folder / "own"),
        vocab_size=40,
        minloglevel=2,
        num_threads=1,
    )
    (folder / "own.model").rename(folder / SENTENCEPIECE_MODEL)
    return folder


@pytest.fixture
def evaluation_set(tmp_path, base_model):
    (tmp_path / "devtest").mkdir()
    for language, lines in REFERENCES.items():
        write_sentences(tmp_path / "devtest" / f"{language}.txt", lines)
    return EvaluationSet.read(
        tmp_path / "devtest", list(REFERENCES), DIRECTIONS, tokenizer="base_model", base_model=base_model
    )


def test_a_settings_folder_is_scored_as_its_texts(tmp_path, evaluation_set):
    folder = written(tmp_path / "hypotheses", translations(1))
    score_setting(folder, evaluation_set, tmp_path / "scores.csv", tmp_path / "statistics.npz")
    expected = score_directions(translations(1), REFERENCES, evaluation_set.tokenizer)
    pandas.testing.assert_frame_equal(read_scores(tmp_path / "scores.csv"), expected, atol=5e-5)
    assert read_statistics(tmp_path / "statistics.npz").directions == tuple(map(tuple, DIRECTIONS))


def test_epochs_lie_between_the_base_models_scores_and_the_final_ones(tmp_path, evaluation_set):
    for name, damaged in (("base", 2), ("final", 0)):
        folder = written(tmp_path / name, translations(damaged))
        score_setting(folder, evaluation_set, tmp_path / f"{name}.csv", tmp_path / f"{name}.npz")
    written(tmp_path / "epochs" / "epoch1", translations(1))
    # Figure 3 follows some of the directions only.
    some = EvaluationSet(REFERENCES, [("de", "en"), ("en", "de")], evaluation_set.tokenizer)
    score_epochs(
        tmp_path / "epochs",
        some,
        tmp_path / "epoch_scores.csv",
        epochs=2,
        base_model_scores=tmp_path / "base.csv",
        final_scores=tmp_path / "final.csv",
    )
    scores = read_scores(tmp_path / "epoch_scores.csv")
    assert list(scores["epoch"]) == [0, 0, 1, 1, 2, 2]
    assert set(zip(scores["source"], scores["target"], strict=True)) == set(some.directions)
    by_epoch = scores.groupby("epoch")["spbleu"].mean()
    assert by_epoch[0] < by_epoch[1] < by_epoch[2] == 100
