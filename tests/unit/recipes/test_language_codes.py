"""Languages that the base model calls by other codes: what training keeps of them, and who uses it again."""

import io
import json
import shutil
from pathlib import Path

import pytest

from lslo.adapters.adapter_folder import load_codes, load_with_adapter, save_codes, save_full_model
from lslo.base_model.loading import load_base_model
from lslo.base_model.tokenizer import Tokenizer
from lslo.cli import main
from lslo.experiment.hyperparameters import Decoding, Recipe
from lslo.experiment.setting_notation import Setting
from lslo.files.checksums import check_checksums
from lslo.recipes.finetuning import FineTuning, FineTuningOutputs
from lslo.recipes.training_job import TrainingJob
from lslo.translation.translate import translate

BASE_MODEL = Path(__file__).parents[3] / "resources/embedded_base_model"
CODES = {"eng": "en", "nld": "nl", "fra": "fr"}
SENTENCES = {
    "eng": ["Monday", "ten euros"],
    "nld": ["maandag", "tien euro"],
    "fra": ["lundi", "dix euros"],
}


@pytest.fixture(scope="module", params=["2;2;4+SRC", "Ft-all"])
def trained(request, tmp_path_factory):
    """The folder that the fine-tuning of a setting writes."""
    folder = tmp_path_factory.mktemp("trained")
    for language, lines in SENTENCES.items():
        (folder / f"{language}.txt").write_text("".join(f"{line}\n" for line in lines))
    job = TrainingJob(
        base_model=BASE_MODEL,
        corpus=folder,
        resource_classes={"eng": "H", "nld": "M", "fra": "V"},
        codes=CODES,
        recipe=Recipe(epochs=1, learning_rate=1e-3, tokens_per_batch=60, tokens_per_update=60),
        metrics=folder / "metrics.jsonl",
        state=folder / "state",
        fingerprint="fingerprint",
    )
    FineTuning(job, Setting.parse(request.param)).train(
        FineTuningOutputs(
            output=folder / "adapter",
            parameters=folder / "parameters.json",
            epochs_output=folder / "epochs",
        )
    )
    return folder / "adapter"


def test_training_keeps_the_codes_among_the_hashed_files(trained):
    assert load_codes(trained) == CODES
    check_checksums(trained)
    file = trained / ("language_codes.json" if (trained / "model.safetensors").exists() else "adapter.json")
    assert f"  {file.name}\n" in (trained / "SHA256SUMS").read_text()


def test_the_command_translates_by_the_experiments_codes(monkeypatch, capsys, trained):
    monkeypatch.setattr("sys.stdin", io.StringIO("Monday\nten euros\n"))
    arguments = ["--base-model", str(BASE_MODEL), "--adapter", str(trained)]
    status = main(["translate", *arguments, "--source", "eng", "--target", "fra", "--device", "cpu"])
    output = capsys.readouterr()
    assert (status, output.err) == (0, "")
    model, router = load_with_adapter(BASE_MODEL, trained)
    expected = translate(
        model, Tokenizer(BASE_MODEL, CODES), SENTENCES, [("eng", "fra")], Decoding(), router=router
    )
    assert output.out.splitlines() == expected["eng", "fra"]
    assert all(expected["eng", "fra"])


def test_the_base_model_goes_by_its_own_codes(monkeypatch, capsys):
    assert load_codes(None) == {}
    for source, target, status in (("en", "fr", 0), ("eng", "fra", 1)):
        monkeypatch.setattr("sys.stdin", io.StringIO("Monday\n"))
        arguments = ["--base-model", str(BASE_MODEL), "--source", source, "--target", target]
        assert main(["translate", *arguments]) == status
    assert "no language token for 'fra'" in capsys.readouterr().err


def test_folders_without_codes_stand_for_the_same_codes(trained, tmp_path):
    for path in trained.iterdir():
        if path.name not in ("SHA256SUMS", "language_codes.json"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    description = tmp_path / "adapter.json"
    if description.exists():
        content = json.loads(description.read_text())
        del content["codes"]
        description.write_text(json.dumps(content))
    assert load_codes(tmp_path) == {}
    load_with_adapter(BASE_MODEL, tmp_path)


@pytest.mark.parametrize("content", ["[]", "{", '{"eng": 1}', '{"eng": "a b"}', '{"eng": "en\\n"}', "{}"])
def test_damaged_codes_of_a_fine_tuned_model_are_refused_by_file(tmp_path, content):
    (tmp_path / "model.safetensors").touch()
    file = tmp_path / "language_codes.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=f"^{file}: not the codes of languages") as error:
        load_codes(tmp_path)
    assert str(error.value).isprintable()


def test_a_model_fine_tuned_again_keeps_the_codes_of_its_last_training(tmp_path):
    before = shutil.copytree(BASE_MODEL, tmp_path / "before")
    save_codes(before, {"an": "en"})
    save_full_model(load_base_model(before), before, CODES, tmp_path / "after")
    assert load_codes(tmp_path / "after") == CODES
    check_checksums(tmp_path / "after")
