"""A fine-tuning of the demo, killed twenty times at random, ends with the same bits as an undisturbed one."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
KILLS = 20
SETTING = "2;2;8+SRC+GPS(0.9)"

pytestmark = pytest.mark.faults

PROGRAM = """
import json
import sys
from pathlib import Path

from lslo.recipes.finetuning import FineTuning, FineTuningOutputs
from lslo.running.script import script_job
from lslo.experiment.hyperparameters import Recipe
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.experiment.setting_notation import Setting
from lslo.recipes.training_job import TrainingJob, run_training

options = json.loads(Path(sys.argv[1]).read_text())
folder = Path(options["folder"])
with script_job(folder / "job.log"):
    print("begun", flush=True)
    training_job = TrainingJob(
        base_model=Path(options["base_model"]),
        corpus=Path(options["corpus"]),
        resource_classes=options["resource_classes"],
        codes={code: code for code in options["resource_classes"]},
        recipe=Recipe(**options["recipe"]),
        metrics=folder / "metrics.jsonl",
        state=folder / "state",
        fingerprint="fingerprint",
    )
    run_training(
        FineTuning(
            training_job,
            Setting.parse(options["setting"]),
            pruning=GradualPruningSchedule(**options["pruning"]),
            keep_epochs=True,
        ),
        FineTuningOutputs(folder / "adapter", folder / "parameters.json", folder / "epochs"),
        0,
        folder / "locks",
    )
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A function that makes a folder for the demo's fine-tuning and returns it with the command to run."""
    from lslo.corpus.cldr.corpus import build_cldr_corpus
    from lslo.experiment.experiment import Experiment

    config = yaml.safe_load((REPOSITORY / "config/demo.yaml").read_text())
    experiment = Experiment(config, REPOSITORY)
    root = tmp_path_factory.mktemp("kills")
    embedded = config["corpus"]["embedded"]
    corpus = build_cldr_corpus(
        experiment.resource_classes,
        seed=embedded["seed"],
        sizes={**embedded["rows"], "pretrain": 0},
        known_entities=embedded["known_entities"],
        focus_entities=embedded["focus_entities"],
    )
    (root / "corpus").mkdir()
    for code in experiment.codes:
        lines = "".join(f"{phrase.sentences[code]}\n" for phrase in corpus.dev)
        (root / f"corpus/{code}.txt").write_text(lines)
    (root / "program.py").write_text(PROGRAM)

    def command(name: str, checkpoint_minutes: float) -> tuple[Path, list[str]]:
        folder = root / name
        folder.mkdir()
        training = dict(config["training"])
        options = {
            "folder": str(folder),
            "base_model": str(REPOSITORY / config["base_model"]),
            "corpus": str(root / "corpus"),
            "resource_classes": experiment.resource_classes,
            "recipe": {
                **training,
                "learning_rate": training["learning_rate"]["lslo"],
                "checkpoint_minutes": checkpoint_minutes,
            },
            "setting": SETTING,
            "pruning": {"ratio": 0.9, **config["pruning"]},
        }
        (folder / "options.json").write_text(json.dumps(options))
        return folder, [sys.executable, str(root / "program.py"), str(folder / "options.json")]

    return command


def start(command):
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


def files(folder):
    """Returns the content of the result files, and the metrics without the speed."""
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for name in ("adapter", "epochs", "parameters.json")
        for path in ([folder / name] if (folder / name).is_file() else (folder / name).rglob("*"))
        if path.is_file()
    }
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["tokens_per_second"]
    return found, lines


def test_twenty_kills_leave_the_same_bits(demo):
    whole, command = demo("whole", checkpoint_minutes=10)
    process = start(command)
    assert process.wait(timeout=1200) == 0, process.stderr.read()

    killed, command = demo("killed", checkpoint_minutes=0.01)
    moments = random.Random(1)
    kills = continued = 0
    while kills < KILLS:
        log = killed / "job.log"
        log.unlink(missing_ok=True)
        process = start(command)
        # A fifth of the kills may happen any time after the start, the others only once training has begun.
        anywhere = moments.random() < 0.2
        deadline = time.monotonic() + 300
        while not (log.exists() and (anywhere or "setting" in log.read_text())):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 4 if anywhere else 2))
        assert process.poll() is None, "the training ended before it was killed often enough"
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
        continued += "continuing after epoch" in log.read_text()
        assert not (killed / "adapter").exists()
    assert continued >= KILLS // 2

    process = start(command)
    assert process.wait(timeout=1200) == 0, process.stderr.read()
    assert files(killed) == files(whole)
    assert not list((killed / "state").glob("*.pt"))
