"""Jobs of several processes: the same adapter as one process, and a user's error in one line."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lslo.experiment.hyperparameters import Recipe
from lslo.experiment.setting_notation import Setting
from lslo.recipes.finetuning import FineTuning, FineTuningOutputs
from lslo.recipes.training_job import TrainingJob
from lslo.running.launch import launch

BASE_MODEL = Path(__file__).parents[3] / "resources/embedded_base_model"


@pytest.fixture
def fine_tuning(tmp_path):
    """Makes a fine-tuning and its outputs in a folder."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "en.txt").write_text("Monday\nGreece\nten euros\nFrance\n")
    (corpus / "fr.txt").write_text("lundi\nGrèce\ndix euros\nFrance\n")
    (corpus / "nl.txt").write_text("maandag\nGriekenland\ntien euro\nFrankrijk\n")

    def make(name, **recipe):
        folder = tmp_path / name
        folder.mkdir()
        job = TrainingJob(
            base_model=BASE_MODEL,
            corpus=corpus,
            resource_classes={"en": "H", "nl": "M", "fr": "V"},
            codes={"en": "en", "nl": "nl", "fr": "fr"},
            recipe=Recipe(
                **{
                    "epochs": 2,
                    "learning_rate": 0.01,
                    "tokens_per_batch": 40,
                    "tokens_per_update": 80,
                    "dropout": 0.0,
                }
                | recipe
            ),
            metrics=folder / "metrics.jsonl",
            state=folder / "state",
            fingerprint="fingerprint",
        )
        return FineTuning(job, Setting.parse("2;2;4+SRC")), FineTuningOutputs(
            output=folder / "adapter",
            parameters=folder / "parameters.json",
            epochs_output=folder / "epochs",
        )

    return make


def test_two_launched_processes_train_the_adapter_of_one(fine_tuning):
    adapters = []
    for number in (1, 2):
        training, outputs = fine_tuning(f"{number}")
        launch(training.train, {"outputs": outputs, "progress": None}, number)
        adapters.append(load_file(outputs.output / "adapter.safetensors"))
        assert len(training.job.metrics.read_text().splitlines()) > 2
    alone, together = adapters
    assert alone.keys() == together.keys()
    assert any(tensor.abs().max() > 0 for name, tensor in alone.items() if name.endswith("B"))
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_users_error_in_a_process_is_the_jobs_error(fine_tuning, processes):
    training, outputs = fine_tuning("refused", tokens_per_batch=4)
    with pytest.raises(
        ValueError, match=r"^line \d of language '(en|nl|fr)' has \d+ tokens, more than"
    ) as error:
        launch(training.train, {"outputs": outputs, "progress": None}, processes)
    assert "\n" not in str(error.value)
    assert not outputs.output.exists()
