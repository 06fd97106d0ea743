"""What training needs beyond one small machine: kills within an epoch, full memory, several processes."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import lslo.training.gradients
import lslo.training.loss
from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.placement import add_lslo
from lslo.experiment.hyperparameters import Recipe
from lslo.experiment.languages import all_directions
from lslo.training.batches import TrainingExamples
from lslo.training.checkpoints import CheckpointStore
from lslo.training.gradients import ForwardBackward
from lslo.training.trainer import Trainer, TrainingRecords

RANKS = {"en": 1, "de": 2, "or": 3}
STRATEGY = IndexStrategy(("src", "tgt"), ("tgt", "src", "tgt"))
RECIPE = Recipe(epochs=2, learning_rate=0.01, tokens_per_batch=60, tokens_per_update=120, dropout=0.1)


class Killed(Exception):  # noqa: N818
    pass


class KilledStore(CheckpointStore):
    """A store whose process dies right after saving for the n-th time."""

    def __init__(self, folder, saves):
        super().__init__(folder, "fingerprint")
        self.left = saves

    def save(self, state):
        super().save(state)
        self.left -= 1
        if self.left == 0:
            raise Killed


def train(model, corpus, recipe, router=None, metrics=None, checkpoints=None):
    """Trains with all examples of all directions in every epoch."""
    examples = TrainingExamples.fixed(corpus, corpus.examples(all_directions(corpus.languages)))
    Trainer(model, examples, recipe, router=router, records=TrainingRecords(metrics, checkpoints)).run()


def run(small_model, corpus, checkpoints, metrics=None):
    model = small_model()
    router, _ = add_lslo(model, RANKS, STRATEGY, seed=4)
    # No time between two saves: a state is saved after every update.
    recipe = replace(RECIPE, checkpoint_minutes=0.0)
    train(model, corpus, recipe, router, metrics, checkpoints)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def test_a_training_killed_at_any_update_goes_on_to_the_same_bits(small_model, toy_corpus, tmp_path):
    whole = run(small_model, toy_corpus, CheckpointStore(tmp_path / "whole", "f"), tmp_path / "whole.jsonl")
    lines = (tmp_path / "whole.jsonl").read_text().splitlines()
    kills = 0
    while True:
        try:
            parameters = run(
                small_model, toy_corpus, KilledStore(tmp_path / "killed", 2), tmp_path / "killed.jsonl"
            )
            break
        except Killed:
            kills += 1
    # Two saves a life, each after an update or at the end of an epoch, is a kill every two updates.
    assert kills >= len(lines) // 2 > 4
    assert all(torch.equal(one, other) for one, other in zip(parameters, whole, strict=True))

    def without_time(line):
        return {key: value for key, value in json.loads(line).items() if key != "tokens_per_second"}

    resumed = (tmp_path / "killed.jsonl").read_text().splitlines()
    assert list(map(without_time, resumed)) == list(map(without_time, lines))


def test_a_batch_that_does_not_fit_is_halved_and_its_gradients_are_the_same(
    small_model, toy_corpus, monkeypatch, caplog
):
    model = small_model()
    router, _ = add_lslo(model, RANKS, STRATEGY, seed=4)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    examples = toy_corpus.examples(all_directions(toy_corpus.languages))[:21]
    recipe = replace(RECIPE, dropout=0.0)
    forward_backward = ForwardBackward(model, parameters, toy_corpus, recipe, router)

    def gradients():
        for parameter in parameters:
            parameter.grad = None
        losses = forward_backward(examples, toy_corpus.target_tokens([examples]))
        return losses, [parameter.grad for parameter in parameters]

    (loss, nll), expected = gradients()
    whole_loss = lslo.training.gradients.batch_loss

    def limited(model, batch, *arguments):
        if len(batch) > 6:
            raise torch.OutOfMemoryError
        return whole_loss(model, batch, *arguments)

    monkeypatch.setattr(lslo.training.gradients, "batch_loss", limited)
    (halved_loss, halved_nll), found = gradients()
    assert halved_loss == pytest.approx(loss, rel=1e-6)
    assert halved_nll == pytest.approx(nll, rel=1e-6)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    assert "out of memory with 21 sentence pairs in a batch: halving it" in caplog.text

    def never(model, batch, *arguments):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(lslo.training.gradients, "batch_loss", never)
    with pytest.raises(torch.OutOfMemoryError):
        gradients()


def test_a_base_model_in_bfloat16_trains_float32_adapters(small_model, toy_corpus):
    """The gradients are those of float32 within bfloat16's eight bits."""
    examples = toy_corpus.examples(all_directions(toy_corpus.languages))
    gradients = []
    for dtype in (torch.float32, torch.bfloat16):
        model = small_model().to(dtype)
        router, placed = add_lslo(model, RANKS, STRATEGY, seed=4)
        with torch.no_grad():
            for module in placed.values():
                module.lslo.B.fill_(0.01)
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        assert {parameter.dtype for parameter in parameters} == {torch.float32}
        recipe = replace(RECIPE, dropout=0.0)
        forward_backward = ForwardBackward(model, parameters, toy_corpus, recipe, router)
        forward_backward(examples, toy_corpus.target_tokens([examples]))
        assert {parameter.grad.dtype for parameter in parameters} == {torch.float32}
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in parameters]))
    similarity = torch.nn.functional.cosine_similarity(*gradients, dim=0)
    assert similarity > 0.99


@pytest.mark.parametrize("adapted", [True, False], ids=["LSLo", "Ft-all"])
def test_float16_trains_as_float32_does(small_model, toy_corpus, tmp_path, adapted):
    """The losses are those of float32 within float16's eleven bits."""
    losses = []
    for precision in ("float32", "float16"):
        model = small_model()
        if adapted:
            model.to(getattr(torch, precision))
        router = add_lslo(model, RANKS, STRATEGY, seed=4)[0] if adapted else None
        recipe = replace(RECIPE, learning_rate=0.02, dropout=0.0, precision=precision)
        metrics = tmp_path / f"{precision}.jsonl"
        train(model, toy_corpus, recipe, router, metrics)
        losses.append([json.loads(line)["loss"] for line in metrics.read_text().splitlines()])
    assert losses[1] == pytest.approx(losses[0], rel=5e-3)
    # Something was learned at all.
    half = len(losses[0]) // 2
    assert sum(losses[0][half:]) < 0.97 * sum(losses[0][:half])


def overflowing(factor):
    """The loss of a batch, its gradients too large for float16 times any loss scale above 1/factor."""

    class Overflow(torch.autograd.Function):
        @staticmethod
        def forward(ctx, loss):
            return loss.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient if gradient * factor < 65504 else gradient * float("inf")

    def loss(*arguments):
        value, nll = lslo.training.loss.batch_loss(*arguments)
        return Overflow.apply(value), nll

    return loss


def test_an_update_that_overflows_float16_is_skipped_and_said_so(
    small_model, toy_corpus, tmp_path, monkeypatch, caplog
):
    model = small_model().half()
    router, _ = add_lslo(model, RANKS, STRATEGY, seed=4)
    recipe = replace(RECIPE, epochs=1, precision="float16")
    # The first scale is 2^16, divided by an update's tokens: the third attempt is the first that fits.
    tokens = 120
    monkeypatch.setattr(lslo.training.gradients, "batch_loss", overflowing(2.5 * tokens))
    metrics = tmp_path / "metrics.jsonl"
    train(model, toy_corpus, recipe, router, metrics)
    skipped = [record.getMessage() for record in caplog.records if "overflow" in record.getMessage()]
    assert skipped
    assert skipped[0] == (
        "epoch 1, update 1: float16 overflow at a loss scale of 65536, update skipped; the scale is now 32768"
    )
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    # fairseq's way: what is skipped is not counted.
    assert [line["update"] for line in lines] == list(range(1, len(lines) + 1))
    assert all(parameter.isfinite().all() for parameter in model.parameters())

    monkeypatch.setattr(lslo.training.gradients, "batch_loss", overflowing(float("inf")))
    with pytest.raises(FloatingPointError, match="the gradients are not finite"):
        train(model, toy_corpus, replace(recipe, epochs=20), router)


WORKER = """
import sys
from pathlib import Path

import numpy as np
import torch
sys.path.insert(0, {tests!r})
import conftest
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.running.process_group import ProcessGroup
from lslo.experiment.languages import all_directions
from lslo.adapters.placement import add_lslo
from lslo.adapters.index_strategy import IndexStrategy
from lslo.experiment.hyperparameters import Recipe
from lslo.training.batches import TrainingExamples
from lslo.training.trainer import Trainer, TrainingRecords

torch.set_num_threads(1)
process_group = ProcessGroup.join()
make = conftest.small_model.__wrapped__()
corpus = conftest.toy_corpus.__wrapped__()
model = make()
router = None
if {adapted}:
    router, _ = add_lslo(model, {ranks}, IndexStrategy(("src", "tgt"), ("tgt", "src", "tgt")), seed=4)
# In float32 Adam would blow up the rounding of gradients that are zero but for it.
model.double()
examples = TrainingExamples.fixed(corpus, corpus.examples(all_directions(corpus.languages)))
recipe = Recipe(epochs=1, learning_rate=0.01, tokens_per_batch=40, tokens_per_update=160, dropout=0.0)
records = TrainingRecords(Path({metrics!r}))
Trainer(model, examples, recipe, router=router, records=records, process_group=process_group).run()
parameters = [parameter.detach() for parameter in model.parameters() if parameter.requires_grad]
torch.save(parameters, {output!r} + f".{{process_group.rank}}")
"""


@pytest.mark.parametrize("adapted", [True, False], ids=["LSLo", "Ft-all"])
def test_two_processes_train_as_one(tmp_path, adapted):
    def run_processes(number):
        output = tmp_path / f"{number}"
        script = tmp_path / f"worker{number}.py"
        script.write_text(
            WORKER.format(
                tests=str(Path(__file__).parents[1]),
                adapted=adapted,
                ranks=RANKS,
                metrics=f"{output}.jsonl",
                output=str(output),
            )
        )
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={number}"]
        subprocess.run(
            [sys.executable, *launcher, str(script)],
            check=True,
            capture_output=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            timeout=120,
        )
        return [torch.load(f"{output}.{rank}", weights_only=True) for rank in range(number)]

    (alone,) = run_processes(1)
    first, second = run_processes(2)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    for one, other in zip(first, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    losses = [
        [json.loads(line)["loss"] for line in (tmp_path / f"{number}.jsonl").read_text().splitlines()]
        for number in (1, 2)
    ]
    assert len(losses[0]) > 3
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
