"""Gradients of an update: however many processes compute them, they are those of the plain loop."""

import itertools
import multiprocessing
import os
import signal
import sys

import numpy as np
import pytest
import torch

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.placement import add_lslo
from lslo.experiment.hyperparameters import Recipe
from lslo.experiment.languages import all_directions
from lslo.running.fork_pool import suitable_processes
from lslo.training import trainer, work_division
from lslo.training.batches import TrainingExamples
from lslo.training.checkpoints import CheckpointStore
from lslo.training.gradients import ForwardBackward
from lslo.training.parallel_gradients import GradientAccumulator, gradient_processes, shared_zeros_like
from lslo.training.trainer import Trainer, TrainingRecords, set_dropout
from lslo.training.work_division import BatchPart, WorkDivision

RANKS = {"en": 1, "de": 0, "or": 3}
STRATEGY = IndexStrategy(("src", "tgt"), ("tgt", "src", "tgt"))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one process")


class Trained:
    """A model with what computes its gradients. adapted: LSLo, otherwise full fine-tuning."""

    def __init__(self, small_model, randomised, corpus, adapted=True, dropout=0.0, epochs=1):
        # Rounding of sums in another order must not hide a mistake.
        self.model, self.corpus, self.router = small_model(), corpus, None
        if adapted:
            self.router, placed = add_lslo(self.model, RANKS, STRATEGY, seed=4)
            randomised([module.lslo for module in placed.values()])
        self.model.double()
        self.recipe = Recipe(epochs, 0.01, tokens_per_batch=60, tokens_per_update=180, dropout=dropout)
        self.parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.examples = corpus.examples(all_directions(corpus.languages))
        self.forward_backward = ForwardBackward(
            self.model, self.parameters, self.corpus, self.recipe, self.router
        )

    def gradients(self, processes, add_gradients=None):
        add_gradients = add_gradients or self.forward_backward
        return GradientAccumulator(add_gradients, self.parameters, self.corpus, processes)

    def train(self, **records):
        examples = TrainingExamples.fixed(self.corpus, self.examples)
        records = TrainingRecords(**records)
        Trainer(self.model, examples, self.recipe, router=self.router, records=records).run()

    def take(self):
        found = [parameter.grad for parameter in self.parameters]
        for parameter in self.parameters:
            parameter.grad = None
        return found


@pytest.fixture
def trained(small_model, randomised, toy_corpus):
    return lambda **options: Trained(small_model, randomised, toy_corpus, **options)


@pytest.fixture
def least_tokens(monkeypatch):
    monkeypatch.setattr(work_division, "LEAST_TOKENS", 20)


def test_several_processes_are_there_within_their_context_only(trained):
    work = trained()
    with pytest.raises(RuntimeError, match="within `running`"):
        work.gradients(2).accumulate([work.examples[:9]], 100, [(1, 0)])


def test_parameters_that_no_batch_uses_have_no_gradient(trained):
    """An optimizer leaves them alone, as it does in one process."""
    work = trained()

    def add_to_one_parameter(examples, target_tokens):
        """Adds a gradient to the parameter at the first example's source language only."""
        parameter = work.parameters[examples[0, 0]]
        gradient = torch.full_like(parameter, float(examples[0, 1] + 1))
        parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        return 1.0, 1.0

    gradients = work.gradients(2, add_to_one_parameter)
    batches = [np.array([[source, target, 0]]) for source, target in [(0, 1), (2, 1), (0, 2)]]
    with gradients.running():
        for expected in ({0: 5.0, 2: 2.0}, {0: 5.0}):
            group = batches[:: 1 if len(expected) == 2 else 2]
            gradients.accumulate(group, 10, [(1, number) for number in range(len(group))])
            found = work.take()
            assert {
                index: one.unique().item() for index, one in enumerate(found) if one is not None
            } == expected


def assert_close(found, expected, adapted):
    # The output projection's own gradient, which full fine-tuning has, is a sum over tokens in float32.
    rtol, atol = (1e-9, 1e-12) if adapted else (1e-5, 1e-7)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=rtol, atol=atol)


@pytest.mark.parametrize("adapted", [True, False], ids=["LSLo", "Ft-all"])
@pytest.mark.parametrize("batches", [[slice(9, 20)], [slice(0, 9), slice(9, 40), slice(40, 84)]], ids=len)
def test_losses_and_gradients_are_those_of_a_loop(trained, least_tokens, adapted, batches):
    """Of fewer batches than processes too, which are divided."""
    work = trained(adapted=adapted)
    batches = [work.examples[part] for part in batches]
    seeds = [(1, number) for number in range(len(batches))]
    expected_losses = [work.forward_backward(one, 100) for one in batches]
    expected = work.take()
    assert all(gradient.count_nonzero() for gradient in expected if gradient.numel())
    for processes in (1, 2, 5):
        gradients = work.gradients(processes)
        with gradients.running():
            for _ in range(2):
                losses = gradients.accumulate(batches, 100, seeds)
                assert np.array(losses) == pytest.approx(np.array(expected_losses), rel=1e-6)
                assert_close(work.take(), expected, adapted)
            # A second call adds to what is there.
            gradients.accumulate(batches, 100, seeds)
            gradients.accumulate(batches, 100, seeds)
            assert_close(work.take(), [2 * gradient for gradient in expected], adapted)
    assert not multiprocessing.active_children()


def test_a_batch_is_divided_by_target_language_and_nothing_is_lost(trained, least_tokens):
    work = trained()
    batch = work.examples[np.random.default_rng(1).permutation(len(work.examples))]
    division = WorkDivision(work.corpus.lengths, 4)
    parts = division.divide(batch, batches=1)
    assert len(parts) == 4
    assert sorted(map(tuple, np.concatenate(parts))) == sorted(map(tuple, batch))
    targets = [part[:, 1] for part in parts]
    assert all(one.max() <= other.min() for one, other in itertools.pairwise(targets))
    assert len(division.divide(batch, batches=4)) == 1
    assert len(division.divide(batch[:1], batches=1)) == 1


def test_work_is_dealt_out_evenly(trained):
    work = trained()
    division = WorkDivision(work.corpus.lengths, 3)
    parts = [
        BatchPart(number, work.examples[3 * number : 3 * number + 3 + number], (1,)) for number in range(9)
    ]
    dealt = division.deal(parts)
    assert sorted(part.batch for own in dealt for part in own) == list(range(9))
    loads = [sum(map(division.cost, own)) for own in dealt]
    assert max(loads) - min(loads) <= max(map(division.cost, parts))
    assert min(loads) > 0


def test_forked_processes_read_the_parameters_as_they_are_now(trained):
    """Whole trainings, whose every update changes them."""
    results = []
    for processes in (1, 2):
        work = trained(epochs=3)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trainer, "gradient_processes", lambda *_, processes=processes: processes)
            work.train()
        results.append([parameter.detach() for parameter in work.parameters])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)
    assert not torch.equal(results[0][0], trained().parameters[0].detach())


def test_dropout_is_the_same_in_any_process_and_differs_between_batches(trained):
    work = trained(dropout=0.3)
    set_dropout(work.model, 0.3)
    work.model.train()
    batch = work.examples[:9]
    results = []
    for processes in (1, 2, 2):
        gradients = work.gradients(processes)
        torch.rand(processes)
        with gradients.running():
            # Batches of the same sentences, which are not divided.
            losses = gradients.accumulate([batch] * 3, 100, [(1, number) for number in range(3)])
        assert len(set(losses)) == 3
        results.append((losses, work.take()))
    alone, first, again = results
    assert np.array(first[0]) == pytest.approx(np.array(alone[0]), rel=1e-9)
    assert_close(first[1], alone[1], adapted=True)
    assert again[0] == first[0]
    assert all(torch.equal(one, other) for one, other in zip(again[1], first[1], strict=True))


def test_a_training_by_two_processes_that_is_killed_goes_on_to_the_same_bits(
    trained, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(trainer, "gradient_processes", lambda *_: 2)

    def run(folder, fail_after=None):
        def after_epoch(epoch):
            if epoch == fail_after:
                raise InterruptedError

        work = trained(dropout=0.2, epochs=3)
        work.train(checkpoints=CheckpointStore(folder, "fingerprint"), after_epoch=after_epoch)
        return [parameter.detach() for parameter in work.parameters]

    whole = run(tmp_path / "whole")
    with pytest.raises(InterruptedError):
        run(tmp_path / "killed", fail_after=2)
    assert not multiprocessing.active_children()
    resumed = run(tmp_path / "killed")
    assert all(torch.equal(one, other) for one, other in zip(resumed, whole, strict=True))
    assert "differs from that of a training without interruption" not in caplog.text
    monkeypatch.setattr(trainer, "gradient_processes", lambda *_: 1)
    run(tmp_path / "killed")
    assert (
        "its state is of 2 process(es) and it goes on in 1: its dropout differs from that of a" in caplog.text
    )


def test_a_process_that_is_killed_ends_the_training_with_a_users_error(trained):
    work = trained()
    gradients = work.gradients(2, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with gradients.running(), pytest.raises(MemoryError, match="killed"):
        gradients.accumulate([work.examples[:9]], 100, [(1, 0)])


def test_processes_leave_signals_to_the_first(trained):
    """Ctrl-C and SLURM's signals reach all processes, and the state is saved after the update."""
    work = trained()

    def signalled(*arguments):
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        return work.forward_backward(*arguments)

    gradients = work.gradients(2, signalled)
    with gradients.running():
        assert len(gradients.accumulate([work.examples[:9]] * 2, 100, [(1, 0), (1, 1)])) == 2


def test_a_small_model_on_a_cpu_has_a_process_for_each_thread(small_model, monkeypatch):
    model = small_model()
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert suitable_processes(model) == 3
        assert gradient_processes(model, Recipe(1, 0.1, 1000, 4000)) == 3
        # No more than an update can be divided among.
        assert gradient_processes(model, Recipe(1, 0.1, 1000, 1000)) == 2
        assert gradient_processes(model, Recipe(1, 0.1, 100, 100)) == 1
        assert gradient_processes(model, Recipe(1, 0.1, 1000, 4000, precision="float16")) == 1
        with monkeypatch.context() as patch:
            patch.setattr(multiprocessing.current_process(), "_config", {"daemon": True})
            assert suitable_processes(model) == 1
            patch.undo()
            patch.setattr(torch.cuda, "is_available", lambda: True)
            assert suitable_processes(model) == 1
        model.config.d_model = 1024
        assert suitable_processes(model) == 1
    finally:
        torch.set_num_threads(before)
    assert suitable_processes(small_model().to("meta")) == 1


def test_shared_memory_has_the_shapes_types_and_no_overlap():
    tensors = [torch.ones(3, 5), torch.ones(0, 4), torch.ones(7, dtype=torch.float64), torch.ones(1)]
    shared = shared_zeros_like(tensors)
    for number, (one, like) in enumerate(zip(shared, tensors, strict=True)):
        assert (one.shape, one.dtype) == (like.shape, like.dtype)
        assert one.eq(0).all()
        one.fill_(number + 1)
    assert [one.sum().item() for one in shared] == [15, 0, 21, 4]
