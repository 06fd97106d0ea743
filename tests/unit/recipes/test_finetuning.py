"""Fine-tuning: which epochs are kept, which weights are pruned, and what a job does that is started again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from lslo.experiment.hyperparameters import Recipe
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.experiment.setting_notation import Setting
from lslo.recipes.finetuning import FineTuning, FineTuningOutputs
from lslo.recipes.training_job import TrainingJob, run_training
from lslo.training.checkpoints import CheckpointStore

BASE_MODEL = Path(__file__).parents[3] / "resources/embedded_base_model"
SENTENCES = {
    "en": ["Monday", "ten euros"],
    "nl": ["maandag", "tien euro"],
    "fr": ["lundi", "dix euros"],
}


@pytest.fixture
def fine_tuning(tmp_path):
    """A fine-tuning of two epochs with GPS."""
    for language, lines in SENTENCES.items():
        (tmp_path / f"{language}.txt").write_text("".join(f"{line}\n" for line in lines))
    job = TrainingJob(
        base_model=BASE_MODEL,
        corpus=tmp_path,
        resource_classes={"en": "H", "nl": "M", "fr": "V"},
        codes={language: language for language in SENTENCES},
        recipe=Recipe(epochs=2, learning_rate=1e-2, tokens_per_batch=60, tokens_per_update=60),
        metrics=tmp_path / "metrics.jsonl",
        state=tmp_path / "state",
        fingerprint="fingerprint",
    )
    return FineTuning(job, Setting.parse("2;2;4+SRC+GPS(0.5)@fc"), GradualPruningSchedule(0.5, 1, 1))


@pytest.fixture
def outputs(tmp_path):
    return FineTuningOutputs(tmp_path / "adapter", tmp_path / "parameters.json", tmp_path / "epochs")


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("keep_epochs", [True, False])
def test_epochs_are_kept_where_asked_for_and_none_of_an_earlier_training(fine_tuning, outputs, keep_epochs):
    earlier = fine_tuning.job.epochs_folder / "epoch7"
    earlier.mkdir(parents=True)
    (earlier / "adapter.safetensors").touch()
    replace(fine_tuning, keep_epochs=keep_epochs).train(outputs)
    names = ["SHA256SUMS", "adapter.json", "adapter.safetensors"]
    assert outputs.epochs_output.is_dir()
    assert files(outputs.epochs_output) == ([f"epoch1/{name}" for name in names] if keep_epochs else [])
    assert files(outputs.output) == names


def test_epochs_of_the_training_that_is_continued_are_kept(fine_tuning, outputs):
    training = replace(fine_tuning, keep_epochs=True)
    training.train(outputs)
    # The state of the whole training lies there still.
    assert CheckpointStore(training.job.state, "fingerprint").load()["epoch"] == 3
    first = (training.job.epochs_folder / "epoch1/adapter.safetensors").read_bytes()
    again = replace(outputs, epochs_output=outputs.epochs_output.with_name("again"))
    training.train(again)
    assert (again.epochs_output / "epoch1/adapter.safetensors").read_bytes() == first


def test_gps_prunes_high_and_medium_resource_languages(fine_tuning, outputs):
    fine_tuning.train(outputs)
    tensors = load_file(outputs.output / "adapter.safetensors")
    for name, tensor in tensors.items():
        *_, language, matrix = name.split(".")
        pruned = round(0.5 * tensor.numel()) if language in ("en", "nl") else 0
        zeros = int((tensor == 0).sum())
        # B starts at zero and stays there where no gradient comes.
        assert zeros == pruned or (matrix == "B" and zeros > pruned), name
    counts = json.loads(outputs.parameters.read_text())
    assert counts["true"] == sum(tensor.numel() for tensor in tensors.values())
    assert counts["nonzero"] == sum(int(tensor.count_nonzero()) for tensor in tensors.values())


def test_a_job_that_finished_before_publishes_its_results_again(fine_tuning, outputs, tmp_path, caplog):
    run_training(fine_tuning, outputs, 0, tmp_path / "locks")
    job = fine_tuning.job
    assert not job.checkpoints.files
    assert not job.epochs_folder.exists()
    result = job.state / "result"
    assert {"output", "parameters", "epochs_output", "metrics", "fingerprint"} <= {
        path.name for path in result.iterdir()
    }
    adapter = (outputs.output / "adapter.safetensors").read_bytes()
    for path in (job.metrics, outputs.parameters):
        path.unlink()
    with caplog.at_level("INFO"):
        run_training(fine_tuning, outputs, 0, tmp_path / "locks")
    assert f"{result}: finished before, nothing has changed since" in caplog.text
    assert (outputs.output / "adapter.safetensors").read_bytes() == adapter
    assert job.metrics.exists()
    assert outputs.parameters.exists()
