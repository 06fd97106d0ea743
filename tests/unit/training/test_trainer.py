"""Training: the loss, the learning rate, accumulation; the same bits from the same seed, killed or not."""

import json
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.placement import add_lslo
from lslo.experiment.hyperparameters import Recipe
from lslo.experiment.languages import all_directions
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.recipes.pruning_groups import gps_groups
from lslo.training.batches import TrainingExamples, collate, plan_batches
from lslo.training.checkpoints import CheckpointStore
from lslo.training.loss import batch_loss, smoothed_cross_entropy
from lslo.training.optimization import inverse_square_root
from lslo.training.pruning import GradualPruner
from lslo.training.trainer import Trainer, TrainingRecords, set_dropout

RANKS = {"en": 1, "de": 2, "or": 3}
STRATEGY = IndexStrategy(("src", "tgt"), ("tgt", "src", "tgt"))
RECIPE = Recipe(epochs=2, learning_rate=0.01, tokens_per_batch=120, tokens_per_update=240)


@pytest.fixture(scope="module")
def examples(toy_corpus):
    return toy_corpus.examples(all_directions(toy_corpus.languages))


@pytest.fixture
def adapted(small_model):
    """A model with LSLo, its router, and the modules by weight matrix."""
    model = small_model()
    return model, *add_lslo(model, RANKS, STRATEGY, seed=4)


def trained_parameters(model):
    return {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}


def same_bits(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def train(model, corpus, examples, recipe, router=None, metrics=None):
    """Trains with the same examples in every epoch."""
    examples = TrainingExamples.fixed(corpus, examples)
    Trainer(model, examples, recipe, router=router, records=TrainingRecords(metrics)).run()


def read_metrics(path, *left_out):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in left_out} for line in lines]


# The loss


def fairseq_loss(logits, target, epsilon):
    """fairseq's label_smoothed_nll_loss since 2021-02, number by number."""
    loss = nll = 0.0
    for row, token in zip(logits.tolist(), target.tolist(), strict=True):
        normaliser = math.log(sum(math.exp(logit) for logit in row))
        minus_log_p = [normaliser - logit for logit in row]
        eps_i = epsilon / (len(row) - 1)
        loss += (1 - epsilon - eps_i) * minus_log_p[token] + eps_i * sum(minus_log_p)
        nll += minus_log_p[token]
    return loss, nll


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.2])
def test_label_smoothing_is_fairseqs(epsilon):
    generator = torch.Generator().manual_seed(1)
    logits = 3 * torch.randn(9, 13, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 13, (9,), generator=generator)
    loss, nll = smoothed_cross_entropy(logits, target, epsilon)
    assert (loss.item(), nll.item()) == pytest.approx(fairseq_loss(logits, target, epsilon), rel=1e-12)
    pytorch = F.cross_entropy(logits, target, label_smoothing=epsilon * 13 / 12, reduction="sum")
    assert loss.item() == pytest.approx(pytorch.item(), rel=1e-7)


def test_smoothing_gradient_is_pytorchs():
    logits = torch.randn(5, 7, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    target = torch.tensor([0, 6, 3, 3, 1])
    gradients = []
    for loss in (
        lambda x: smoothed_cross_entropy(x, target, 0.2)[0],
        lambda x: F.cross_entropy(x, target, label_smoothing=0.2 * 7 / 6, reduction="sum"),
    ):
        x = logits.clone().requires_grad_()
        loss(x).backward()
        gradients.append(x.grad)
    torch.testing.assert_close(*gradients)


def test_loss_of_a_batch_is_the_sum_over_its_sentences(adapted, randomised, toy_corpus, examples):
    model, router, placed = adapted
    randomised(module.lslo for module in placed.values())
    chosen = examples[[0, 15, 30, 47, 61, 80]]
    whole = batch_loss(model, collate(toy_corpus, chosen), 0.2, router)
    parts = [batch_loss(model, collate(toy_corpus, chosen[n : n + 1]), 0.2, router) for n in range(6)]
    for total, of_sentences in zip(whole, zip(*parts, strict=True), strict=True):
        assert total.item() == pytest.approx(sum(loss.item() for loss in of_sentences), rel=1e-5)


def test_loss_is_that_of_the_models_logits_at_every_target_token(small_model, toy_corpus, examples):
    model = small_model()
    batch = collate(toy_corpus, examples[[3]])
    (source,), (target,) = batch.source.tolist(), batch.target.tolist()
    decoder_input = [2, *target[:-1]]
    logits = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([decoder_input])).logits
    expected = fairseq_loss(logits[0], torch.tensor(target), 0.2)
    loss, nll = batch_loss(model, batch, 0.2, None)
    assert (loss.item(), nll.item()) == pytest.approx(expected, rel=1e-5)
    assert target[0] == 5


# The learning rate


@pytest.mark.parametrize("warmup", [1, 4, 100])
def test_learning_rate_is_fairseqs_inverse_sqrt(warmup):
    peak = 3e-3
    for updates in range(300):
        if updates < warmup:
            expected = 0.0 + updates * (peak - 0.0) / warmup
        else:
            expected = peak * warmup**0.5 * updates**-0.5
        assert inverse_square_root(updates, peak, warmup) == pytest.approx(expected, rel=1e-12)
    assert inverse_square_root(warmup, peak, warmup) == peak


def test_without_warm_up_the_rate_is_finite_from_the_first_update():
    assert all(math.isfinite(inverse_square_root(updates, 1.0, 0)) for updates in range(3))


@pytest.mark.parametrize(
    ("per_batch", "per_update", "expected"),
    [(4000, 16000, 4), (4000, 4000, 1), (4000, 1000, 1), (300, 1000, 3)],
)
def test_batches_per_update(per_batch, per_update, expected):
    recipe = Recipe(1, 0.1, tokens_per_batch=per_batch, tokens_per_update=per_update)
    assert recipe.batches_per_update == expected


# Updates


def test_accumulated_batches_give_the_gradient_of_one_large_batch(
    small_model, randomised, toy_corpus, examples, tmp_path
):
    gradients = []
    for tokens_per_batch in (12, 10_000):
        model = small_model()
        router, placed = add_lslo(model, RANKS, STRATEGY)
        randomised([module.lslo for module in placed.values()])
        model.double()
        recipe = Recipe(1, 0.01, tokens_per_batch, tokens_per_update=1_000_000, dropout=0.0)
        metrics = tmp_path / "metrics.jsonl"
        train(model, toy_corpus, examples[::2], recipe, router, metrics)
        assert len(read_metrics(metrics)) == 1
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.requires_grad})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-6, atol=1e-10)
        assert gradient.abs().sum() > 0


def test_every_batch_is_trained_on_and_the_updates_are_logged(adapted, toy_corpus, examples, tmp_path):
    model, router, _ = adapted
    recipe = Recipe(epochs=3, learning_rate=0.02, tokens_per_batch=100, tokens_per_update=300)
    train(model, toy_corpus, examples, recipe, router, tmp_path / "metrics.jsonl")
    lines = read_metrics(tmp_path / "metrics.jsonl")
    assert [line["update"] for line in lines] == list(range(1, len(lines) + 1))
    tokens = toy_corpus.lengths[examples[:, 1], examples[:, 2]].sum()
    for epoch in (1, 2, 3):
        assert sum(line["target_tokens"] for line in lines if line["epoch"] == epoch) == tokens
    orders = {tuple(line["target_tokens"] for line in lines if line["epoch"] == epoch) for epoch in (1, 2, 3)}
    assert len(orders) == 3
    rates = [0.0, *(0.02 / math.sqrt(update) for update in range(1, len(lines)))]
    assert [line["learning_rate"] for line in lines] == pytest.approx(rates, rel=1e-5)
    keys = (
        "epoch update loss negative_log_likelihood learning_rate target_tokens tokens_per_second pruned_ratio"
    )
    assert all(list(line) == keys.split() for line in lines)
    assert all(line["tokens_per_second"] > 0 and line["pruned_ratio"] == 0 for line in lines)
    nll = {
        epoch: np.mean([line["negative_log_likelihood"] for line in lines if line["epoch"] == epoch])
        for epoch in (1, 3)
    }
    assert nll[3] < nll[1] - 0.1
    assert not model.training


def test_logged_loss_is_per_target_token(small_model, toy_corpus, examples, tmp_path):
    model = small_model()
    batch = collate(toy_corpus, examples)
    loss, nll = (value.item() / batch.target_tokens for value in batch_loss(model, batch, 0.2, None))
    recipe = Recipe(1, 0.01, tokens_per_batch=10_000, tokens_per_update=10_000, dropout=0.0)
    train(model, toy_corpus, examples, recipe, metrics=tmp_path / "metrics.jsonl")
    (line,) = read_metrics(tmp_path / "metrics.jsonl")
    assert (line["loss"], line["negative_log_likelihood"]) == pytest.approx((loss, nll), rel=1e-4)


def test_base_weights_stay_and_every_language_trained_on_moves(adapted, toy_corpus, examples):
    model, router, placed = adapted
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    without_odia = examples[(examples[:, :2] != 2).all(axis=1)]
    train(model, toy_corpus, without_odia, RECIPE, router)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) != name.endswith((".A", ".B")), name
    for matrix, module in placed.items():
        assert module.lslo.B_of(2).count_nonzero() == 0
        assert torch.equal(module.lslo.A_of(2), before[f"model.{matrix.path}.lslo.A"][module.lslo.rows(2)])
        assert module.lslo.B_of(0).count_nonzero() > 0
        assert module.lslo.B_of(1).count_nonzero() > 0


def test_full_fine_tuning_moves_every_weight(small_model, toy_corpus, examples):
    model = small_model().requires_grad_(True)
    before = trained_parameters(model)
    train(model, toy_corpus, examples, RECIPE)
    for name, after in trained_parameters(model).items():
        # The keys' biases have no gradient: softmax does not see them.
        assert not torch.equal(after, before[name]) or name.endswith("k_proj.bias"), name


def test_dropout_is_set_everywhere_and_layer_drop_off(small_model, toy_corpus, examples):
    model = small_model(dropout=0.1)
    model.model.encoder.layerdrop = model.model.decoder.layerdrop = 0.5
    batch = collate(toy_corpus, examples[:4])
    evaluated = batch_loss(model, batch, 0.0, None)[0]
    model.train()
    set_dropout(model, 0.0)
    assert torch.equal(batch_loss(model, batch, 0.0, None)[0], evaluated)
    set_dropout(model, 0.4)
    assert batch_loss(model, batch, 0.0, None)[0] != evaluated
    values = [m.dropout for m in model.modules() if isinstance(getattr(m, "dropout", None), float)]
    assert set(values) == {0.4}
    assert len(values) >= 2 + 5 + 8


@pytest.mark.parametrize("where", ["lm_head.weight", "model.decoder.layer_norm.bias"])
def test_a_loss_that_is_not_finite_stops_training_before_any_weight_is_spoilt(
    adapted, toy_corpus, examples, where
):
    model, router, _ = adapted
    before = trained_parameters(model)
    with torch.no_grad():
        model.get_parameter(where).view(-1)[0] = float("nan")
    with pytest.raises(FloatingPointError, match=r"epoch 1, update 1: the loss is nan") as error:
        train(model, toy_corpus, examples, RECIPE, router)
    assert same_bits(trained_parameters(model), before)
    # The first batch's sentences are named, and no others.
    batch = plan_batches(toy_corpus, examples, RECIPE.tokens_per_batch, np.random.default_rng([1, 1]))[0]
    assert str(error.value).endswith(f"the batch's lines: {toy_corpus.describe(batch)}")


def test_gradients_that_are_not_finite_stop_training_before_any_weight_is_spoilt(
    adapted, toy_corpus, examples, monkeypatch
):
    model, router, _ = adapted
    before = trained_parameters(model)
    parameter = next(parameter for parameter in model.parameters() if parameter.requires_grad)
    parameter.register_hook(lambda gradient: gradient / 0)
    with pytest.raises(FloatingPointError, match=r"epoch 1, update 1: the gradients are not finite"):
        train(model, toy_corpus, examples, RECIPE, router)
    assert same_bits(trained_parameters(model), before)


def test_sentences_are_named_by_direction_and_line(toy_corpus):
    assert toy_corpus.describe(np.array([[1, 0, 4], [0, 1, 9], [1, 0, 0]])) == "en-de 10; de-en 1, 5"


# The same bits


class Run:
    """One training from scratch with dropout and pruning of en and de; `fail_after` raises after an epoch."""

    def __init__(self, small_model, corpus, examples, folder, *, seed=1, epochs=4):
        self.model = small_model()
        self.router, placed = add_lslo(self.model, RANKS, STRATEGY, seed=4)
        self.pruner = GradualPruner(gps_groups(placed, [0, 1]), GradualPruningSchedule(0.7, 1, 2))
        self.corpus, self.examples, self.metrics = corpus, examples, folder / "metrics.jsonl"
        self.checkpoints = CheckpointStore(folder / "state", "fingerprint")
        self.recipe = Recipe(epochs, 0.01, 120, 240, dropout=0.1, seed=seed)
        self.epochs_done = []

    def train(self, *, fail_after=None, fail_in=None):
        def after_epoch(epoch):
            self.epochs_done.append(epoch)
            if epoch == fail_after:
                raise InterruptedError

        def examples_of_epoch(epoch):
            if epoch == fail_in:
                raise InterruptedError
            return self.examples

        Trainer(
            self.model,
            TrainingExamples(self.corpus, examples_of_epoch),
            self.recipe,
            router=self.router,
            pruners=[self.pruner],
            records=TrainingRecords(self.metrics, self.checkpoints, after_epoch),
        ).run()
        return self

    def result(self):
        metrics = read_metrics(self.metrics, "tokens_per_second")
        return trained_parameters(self.model), [mask.clone() for mask in self.pruner.masks], metrics


@pytest.fixture(scope="module")
def uninterrupted(small_model, toy_corpus, examples, tmp_path_factory):
    return Run(small_model, toy_corpus, examples, tmp_path_factory.mktemp("run")).train()


def assert_same(run, other_run):
    result, other = run.result(), other_run.result()
    assert same_bits(result[0], other[0])
    assert all(
        torch.equal(mask, mask_of_other) for mask, mask_of_other in zip(result[1], other[1], strict=True)
    )
    assert result[2] == other[2]


def test_the_same_seed_gives_the_same_bits(small_model, toy_corpus, examples, tmp_path, uninterrupted):
    torch.rand(3)
    np.random.rand(3)
    assert_same(Run(small_model, toy_corpus, examples, tmp_path).train(), uninterrupted)


def test_another_seed_gives_others(small_model, toy_corpus, examples, tmp_path, uninterrupted):
    other = Run(small_model, toy_corpus, examples, tmp_path, seed=2).train().result()[0]
    first = uninterrupted.result()[0]
    assert not any(torch.equal(other[name], first[name]) for name in first)


@pytest.mark.parametrize(
    ("failure", "epochs_saved"),
    [({"fail_after": 2}, 1), ({"fail_in": 3}, 2), ({"fail_after": 4}, 3)],
    ids=str,
)
def test_a_killed_training_goes_on_to_the_same_bits(
    small_model, toy_corpus, examples, tmp_path, uninterrupted, failure, epochs_saved
):
    killed = Run(small_model, toy_corpus, examples, tmp_path)
    with pytest.raises(InterruptedError):
        killed.train(**failure)
    assert killed.checkpoints.files
    killed.metrics.unlink()  # as Snakemake does with the outputs of a failed job
    resumed = Run(small_model, toy_corpus, examples, tmp_path).train()
    assert resumed.epochs_done == list(range(epochs_saved + 1, 5))
    assert_same(resumed, uninterrupted)


def test_a_training_killed_after_its_last_state_was_saved_still_writes_its_metrics(
    small_model, toy_corpus, examples, tmp_path, uninterrupted
):
    finished = Run(small_model, toy_corpus, examples, tmp_path).train()
    finished.metrics.unlink()
    again = Run(small_model, toy_corpus, examples, tmp_path).train()
    assert again.epochs_done == []
    assert_same(again, uninterrupted)


def test_a_state_of_another_fingerprint_is_not_resumed(small_model, toy_corpus, examples, tmp_path):
    first = Run(small_model, toy_corpus, examples, tmp_path, epochs=1).train()
    other = Run(small_model, toy_corpus, examples, tmp_path, epochs=2)
    other.checkpoints = CheckpointStore(first.checkpoints.folder, "another")
    assert other.train().epochs_done == [1, 2]
    assert other.checkpoints.load()["epoch"] == 3


def test_pruned_weights_are_zero_at_the_end_and_the_ratio_is_logged(uninterrupted):
    ratios = {(line["epoch"], line["pruned_ratio"]) for line in read_metrics(uninterrupted.metrics)}
    assert sorted(ratios) == [(1, 0.0), (2, 0.6125), (3, 0.7), (4, 0.7)]
    for (matrix,) in uninterrupted.pruner.groups:
        mask = uninterrupted.pruner.mask(matrix)
        assert int((mask == 0).sum()) == round(0.7 * matrix.size)
        assert torch.equal(matrix.values() == 0, mask == 0)
        # The rows of 'or', rank 3, come last.
        assert (matrix.parameter[3:] != 0).all()
