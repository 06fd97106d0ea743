"""The folders of translations that the workflow asks for."""

from pathlib import Path

import pytest
import torch

from lslo.adapters.adapter_description import AdapterDescription
from lslo.adapters.adapter_folder import load_with_adapter, save_adapter
from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.placement import add_lslo
from lslo.base_model.loading import base_model_fingerprint, load_base_model
from lslo.base_model.tokenizer import Tokenizer
from lslo.experiment.hyperparameters import Decoding
from lslo.translation.translate import translate
from lslo.translation.translation_job import TranslationJob, translate_epochs, translate_split

BASE_MODEL = Path(__file__).parents[3] / "resources/embedded_base_model"
CODES = {"eng": "en", "nld": "nl", "fra": "fr"}
SENTENCES = {
    "eng": ["Monday", "ten euros"],
    "nld": ["maandag", "tien euro"],
    "fra": ["lundi", "dix euros"],
}
DIRECTIONS = [("eng", "nld"), ("fra", "eng")]


@pytest.fixture
def job(tmp_path):
    corpus = tmp_path / "devtest"
    corpus.mkdir()
    for language, lines in SENTENCES.items():
        (corpus / f"{language}.txt").write_text("".join(f"{line}\n" for line in lines))
    return TranslationJob(BASE_MODEL, corpus, CODES, DIRECTIONS, Decoding(beam=2, maximum_length=12))


def write_adapter(folder, randomised, scale):
    model = load_base_model(BASE_MODEL)
    strategy = IndexStrategy.fixed("SRC", model.config.encoder_layers, model.config.decoder_layers)
    ranks = dict.fromkeys(CODES, 2)
    _, placed = add_lslo(model, ranks, strategy)
    randomised([module.lslo for module in placed.values()], scale=scale)
    description = AdapterDescription(
        setting="2;2;2+SRC",
        ranks=ranks,
        strategy=strategy,
        modules="all",
        base_model_sha256=base_model_fingerprint(BASE_MODEL),
    )
    save_adapter(folder, placed, description)


def expected_files(job, adapter):
    model, router = load_with_adapter(BASE_MODEL, adapter)
    model.to(getattr(torch, job.decoding.precision))
    found = translate(model, Tokenizer(BASE_MODEL, CODES), SENTENCES, DIRECTIONS, job.decoding, router=router)
    return {f"{source}-{target}.txt": lines for (source, target), lines in found.items()}


def files(folder):
    return {file.name: file.read_text().removesuffix("\n").split("\n") for file in folder.iterdir()}


def test_a_split_has_a_file_for_each_direction(job, tmp_path):
    output = tmp_path / "hypotheses"
    translate_split(job, None, output)
    assert files(output) == expected_files(job, None)
    assert set(files(output)) == {"eng-nld.txt", "fra-eng.txt"}


def test_epochs_have_a_folder_each_of_their_own_adapter(job, tmp_path, randomised):
    epochs = tmp_path / "epochs"
    for number, scale in ((1, 0.02), (2, 0.3)):
        write_adapter(epochs / f"epoch{number}", randomised, scale)
    translate_epochs(job, epochs, tmp_path / "output")
    assert sorted(folder.name for folder in (tmp_path / "output").iterdir()) == ["epoch1", "epoch2"]
    found = [files(tmp_path / "output" / name) for name in ("epoch1", "epoch2")]
    assert found == [expected_files(job, epochs / name) for name in ("epoch1", "epoch2")]
    assert found[0] != found[1]


def test_without_epochs_the_folder_is_empty(job, tmp_path):
    (tmp_path / "epochs").mkdir()
    translate_epochs(job, tmp_path / "epochs", tmp_path / "output")
    assert list((tmp_path / "output").iterdir()) == []
