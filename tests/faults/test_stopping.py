"""A training that is asked to stop saves its state and ends soon; continued, it gives the same bits."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lslo.errors import Stopped
from lslo.running.signals import StopSignals

PROGRAM = """
import sys
from pathlib import Path

from lslo.recipes.finetuning import FineTuning, FineTuningOutputs
from lslo.running.script import script_job
from lslo.experiment.hyperparameters import Recipe
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.experiment.setting_notation import Setting
from lslo.recipes.training_job import TrainingJob, run_training

folder, processes = Path(sys.argv[1]), int(sys.argv[2])

if __name__ == "__main__":
    with script_job(folder / "job.log"):
        training_job = TrainingJob(
            base_model=Path({base_model!r}),
            corpus=folder / "corpus",
            resource_classes={{"en": "H", "nl": "M", "fr": "V"}},
            codes={{"en": "en", "nl": "nl", "fr": "fr"}},
            recipe=Recipe(epochs={epochs}, learning_rate=0.01, tokens_per_batch=40, tokens_per_update=80),
            metrics=folder / "metrics.jsonl",
            state=folder / "state",
            fingerprint="fingerprint",
        )
        setting, pruning = Setting.parse("2;2;4+SRC+GPS(0.5)"), GradualPruningSchedule(0.5, 1, 1)
        training = FineTuning(training_job, setting, pruning)
        outputs = FineTuningOutputs(folder / "adapter", folder / "parameters.json", folder / "epochs")
        # Several processes, although there is no GPU.
        run_training(training, outputs, processes, folder / "locks")
"""
pytestmark = pytest.mark.faults

BASE_MODEL = Path(__file__).parents[2] / "resources/embedded_base_model"


class Job:
    """A training in a process of its own."""

    def __init__(self, folder, *, epochs, processes=1):
        self.folder = folder
        (folder / "corpus").mkdir(parents=True, exist_ok=True)
        text = {
            "en": "Monday\nGreece\nten euros\nFrance\n",
            "fr": "lundi\nGrèce\ndix euros\nFrance\n",
            "nl": "maandag\nGriekenland\ntien euro\nFrankrijk\n",
        }
        for language, lines in text.items():
            (folder / f"corpus/{language}.txt").write_text(lines)
        (folder / "job.py").write_text(PROGRAM.format(base_model=str(BASE_MODEL), epochs=epochs))
        self.process = subprocess.Popen(
            [sys.executable, str(folder / "job.py"), str(folder), str(processes)],
            env={**os.environ, "OMP_NUM_THREADS": "1", "LSLO_STAND_IN_GPUS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_updates(self):
        """Waits until the first epoch is over."""
        deadline = time.monotonic() + 300
        while not list(self.folder.glob("state/state-*.pt")):
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def end(self):
        """Waits for the process to end and returns (exit status, standard error)."""
        _, errors = self.process.communicate(timeout=300)
        return self.process.returncode, errors

    @property
    def log(self):
        return (self.folder / "job.log").read_text()


def adapter(folder):
    return (folder / "adapter/adapter.safetensors").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_training_that_is_asked_to_stop_saves_its_state_and_goes_on_to_the_same_bits(tmp_path, number):
    epochs = 25
    whole = Job(tmp_path / "whole", epochs=epochs)
    assert whole.end()[0] == 0
    job = Job(tmp_path / "stopped", epochs=epochs)
    job.wait_for_updates()
    asked = time.monotonic()
    job.process.send_signal(number)
    job.process.send_signal(number)
    status, errors = job.end()
    assert time.monotonic() - asked < 10
    assert status == 1
    name = signal.Signals(number).name
    assert errors.startswith(f"error: stopped by {name} at epoch ")
    assert errors.endswith("; its state is saved, and the same job goes on from there\n")
    assert errors.count("\n") == 1
    assert errors in job.log
    assert not (tmp_path / "stopped/adapter").exists()
    stopped_at = errors.removeprefix(f"error: stopped by {name} at ").partition(";")[0]

    job = Job(tmp_path / "stopped", epochs=epochs)
    assert job.end()[0] == 0
    epoch = int(stopped_at.removeprefix("epoch ").partition(",")[0])
    assert f"continuing after epoch {epoch - 1}," in job.log
    assert adapter(tmp_path / "stopped") == adapter(tmp_path / "whole")
    assert not list((tmp_path / "stopped/state").glob("*.pt"))


def test_several_processes_stop_together_and_go_on(tmp_path):
    """The signal goes to the launching process only, the one that a batch system knows."""
    whole = Job(tmp_path / "whole", epochs=30, processes=2)
    assert whole.end()[0] == 0
    tmp_path = tmp_path / "stopped"
    job = Job(tmp_path, epochs=30, processes=2)
    job.wait_for_updates()
    asked = time.monotonic()
    job.process.send_signal(signal.SIGTERM)
    status, errors = job.end()
    assert time.monotonic() - asked < 10
    assert status == 1
    assert errors.startswith("error: stopped by SIGTERM at epoch ")
    job = Job(tmp_path, epochs=30, processes=2)
    assert job.end()[0] == 0
    assert job.log.count("continuing after epoch") == 1
    assert " epoch 30/30: 3 updates, loss " in job.log
    assert adapter(tmp_path) == adapter(tmp_path.with_name("whole"))


def test_a_second_job_with_the_same_state_is_refused_in_one_line(tmp_path):
    job = Job(tmp_path, epochs=200)
    job.wait_for_updates()
    status, errors = Job(tmp_path, epochs=200).end()
    assert status == 1
    assert errors == (
        f"error: {tmp_path}/state: another job is at work on this; "
        "wait until it has ended or end it, then start again\n"
    )
    job.process.send_signal(signal.SIGTERM)
    assert job.end()[0] == 1


def test_signals_are_only_noted_within_the_context():
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals() as stop:
        assert stop.asked is None
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.asked == "SIGTERM"
    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_the_main_thread_nothing_is_noted():
    asked = []

    def work():
        with StopSignals() as stop:
            asked.append(stop.asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [None]


def test_stopped_is_told_and_no_defect():
    from lslo.errors import user_message

    assert user_message(Stopped("stopped by SIGTERM")) == "error: stopped by SIGTERM"
