"""LSLo modules equal Equations 3 and 4 computed row by row, and so do their gradients."""

import random

import pytest
import torch
from torch import nn

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.language_matmul import GatheredRows, GroupedRows
from lslo.adapters.layers import LayerWeights, LSLo, LSLoLinear, WeightedLSLoLinear
from lslo.adapters.placement import add_lslo, add_weighted_lslo
from lslo.adapters.routing import Router

IN, OUT = 5, 7
RANKS = [(3, 3, 3), (1, 4, 2), (0, 2, 5), (0, 3, 0), (2,), (8, 1, 0, 3), (1, 1)]


def random_tensor(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def frozen_linear(seed=1, bias=True):
    linear = nn.Linear(IN, OUT, bias=bias, dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(random_tensor(OUT, IN, seed=seed))
        if bias:
            linear.bias.copy_(random_tensor(OUT, seed=seed + 1))
    return linear.requires_grad_(False)


def random_lslo(ranks, seed):
    """An LSLo with random A and B, and its matrices A_l [r, k] and B_l [d, r] as separate leaf tensors."""
    lslo = LSLo(IN, OUT, ranks, dtype=torch.float64)
    seeds = range(100 * seed, 100 * seed + len(ranks))
    matrices_A = [random_tensor(r, IN, seed=s).requires_grad_() for r, s in zip(ranks, seeds, strict=True)]
    matrices_B = [
        random_tensor(OUT, r, seed=s + 50).requires_grad_() for r, s in zip(ranks, seeds, strict=True)
    ]
    with torch.no_grad():
        for language, (A, B) in enumerate(zip(matrices_A, matrices_B, strict=True)):
            lslo.A_of(language).copy_(A)
            lslo.B_of(language).copy_(B)
    return lslo, matrices_A, matrices_B


def reference_lora(x, A, B):
    """B A x of one vector."""
    return B @ (A @ x)


def reference_rows(x, of_position):
    return torch.stack(
        [torch.stack([of_position(row, x[row, time]) for time in range(x.shape[1])]) for row in range(len(x))]
    )


def assert_gradients_equal(lslo, matrices_A, matrices_B):
    for language, (A, B) in enumerate(zip(matrices_A, matrices_B, strict=True)):
        rows = lslo.rows(language)
        for got, leaf in ((lslo.A.grad[rows], A), (lslo.B.grad[rows].t(), B)):
            expected = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
            torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-6)


def languages_of_rows(layout, languages):
    """Source and target languages of the rows of a batch."""
    draw, last = random.Random(languages), languages - 1
    if layout == "mixed":
        return draw.choices(range(languages), k=7), draw.choices(range(languages), k=7)
    if layout == "one direction":
        return [0] * 3, [last] * 3
    if layout == "the other direction":
        return [last] * 2, [0] * 2
    if layout == "repeated as by a beam":
        source = [row % languages for row in range(3) for _ in range(4)]
        return source, [last - language for language in source]
    return [last], [last]


@pytest.mark.parametrize(
    "layout", ["mixed", "one direction", "the other direction", "repeated as by a beam", "one row"]
)
@pytest.mark.parametrize("index", ["src", "tgt"])
@pytest.mark.parametrize("ranks", RANKS, ids=str)
@pytest.mark.parametrize("kind", [GroupedRows, GatheredRows])
def test_forward_and_gradients_equal_equation_3_row_by_row(monkeypatch, kind, ranks, index, layout):
    monkeypatch.setattr("lslo.adapters.routing.language_matmul", kind)
    source, target = languages_of_rows(layout, len(ranks))
    base = frozen_linear(bias=layout != "mixed")
    lslo, matrices_A, matrices_B = random_lslo(ranks, seed=3)
    router = Router([f"l{language}" for language in range(len(ranks))])
    module = LSLoLinear(base, lslo, index, router)
    x = random_tensor(len(source), 4, IN, seed=4).requires_grad_()
    x_reference = x.detach().clone().requires_grad_()
    towards = random_tensor(len(source), 4, OUT, seed=5)

    with router.route(torch.tensor(source), torch.tensor(target)):
        h = module(x)
    (h * towards).sum().backward()

    language = source if index == "src" else target
    bias = 0 if base.bias is None else base.bias
    expected = reference_rows(
        x_reference,
        lambda row, vector: (
            base.weight @ vector
            + bias
            + reference_lora(vector, matrices_A[language[row]], matrices_B[language[row]])
        ),
    )
    (expected * towards).sum().backward()

    torch.testing.assert_close(h, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(x.grad, x_reference.grad, rtol=1e-6, atol=1e-6)
    assert_gradients_equal(lslo, matrices_A, matrices_B)
    assert base.weight.grad is None


def test_gradients_of_both_matrices_do_not_need_one_of_x():
    ranks = (2, 3)
    gradients = []
    for needs_gradient in (False, True):
        lslo, _, _ = random_lslo(ranks, seed=4)
        router = Router(["a", "b"])
        x = random_tensor(2, 3, IN, seed=5).requires_grad_(needs_gradient)
        with router.route(torch.tensor([0, 1]), torch.tensor([1, 0])):
            LSLoLinear(frozen_linear(), lslo, "src", router)(x).square().sum().backward()
        gradients.append((lslo.A.grad, lslo.B.grad))
    for without, having in zip(*gradients, strict=True):
        torch.testing.assert_close(without, having)
        assert having.abs().sum() > 0


@pytest.mark.parametrize("ranks", [(2, 2), (0, 3), (1, 2, 3)], ids=str)
def test_gradcheck(ranks):
    lslo, _, _ = random_lslo(ranks, seed=6)
    router = Router([f"l{language}" for language in range(len(ranks))])
    module = LSLoLinear(frozen_linear(), lslo, "tgt", router)
    target = torch.tensor([0, len(ranks) - 1, 1, 1])
    x = random_tensor(4, 2, IN, seed=7).requires_grad_()

    def forward(x, A, B):
        with router.route(torch.zeros_like(target), target):
            return torch.func.functional_call(module, {"lslo.A": A, "lslo.B": B}, (x,))

    assert torch.autograd.gradcheck(forward, (x, lslo.A, lslo.B))


def test_weighted_pair_equals_equation_4_row_by_row():
    base = frozen_linear()
    source_lslo, source_A, source_B = random_lslo((2, 2, 2), seed=20)
    target_lslo, target_A, target_B = random_lslo((2, 2, 2), seed=21)
    weights = LayerWeights().double()
    with torch.no_grad():
        weights.logits.copy_(torch.tensor([0.7, -0.4]))
    logits = weights.logits.detach().clone().requires_grad_()
    router = Router(["a", "b", "c"])
    module = WeightedLSLoLinear(base, source_lslo, target_lslo, weights, router)
    source, target = [0, 1, 2, 0], [1, 0, 0, 2]
    x = random_tensor(4, 3, IN, seed=22).requires_grad_()
    x_reference = x.detach().clone().requires_grad_()
    towards = random_tensor(4, 3, OUT, seed=23)

    with router.route(torch.tensor(source), torch.tensor(target)):
        h = module(x)
    (h * towards).sum().backward()

    source_weight = logits[0].exp() / (logits[0].exp() + logits[1].exp())
    expected = reference_rows(
        x_reference,
        lambda row, vector: (
            base.weight @ vector
            + base.bias
            + source_weight * reference_lora(vector, source_A[source[row]], source_B[source[row]])
            + (1 - source_weight) * reference_lora(vector, target_A[target[row]], target_B[target[row]])
        ),
    )
    (expected * towards).sum().backward()

    torch.testing.assert_close(h, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(x.grad, x_reference.grad, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(weights.logits.grad, logits.grad, rtol=1e-6, atol=1e-6)
    assert logits.grad.abs().min() > 1e-3
    assert_gradients_equal(source_lslo, source_A, source_B)
    assert_gradients_equal(target_lslo, target_A, target_B)


def test_layer_weights_start_equal_and_stay_a_distribution():
    weights = LayerWeights()
    assert weights().tolist() == [0.5, 0.5]
    with torch.no_grad():
        weights.logits.copy_(torch.tensor([3.0, -50.0]))
    assert weights().sum() == 1
    assert weights().min() >= 0


@pytest.mark.parametrize("ranks", [*RANKS, (0, 0)], ids=str)
def test_storage_is_that_of_equation_3_and_languages_do_not_share_any(ranks):
    lslo = LSLo(IN, OUT, ranks)
    assert sum(parameter.numel() for parameter in lslo.parameters()) == sum(ranks) * (IN + OUT)
    seen = []
    for language, rank in enumerate(ranks):
        assert lslo.A_of(language).shape == (rank, IN)
        assert lslo.B_of(language).shape == (OUT, rank)
        seen += range(lslo.rows(language).start, lslo.rows(language).stop)
    assert seen == list(range(sum(ranks)))


@pytest.mark.parametrize("place", ["lslo", "weighted"])
def test_a_new_lslo_leaves_the_model_as_it_was(small_model, place):
    model = small_model()
    inputs = {
        "input_ids": torch.tensor([[4, 10, 11, 12, 2], [5, 20, 2, 1, 1]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
        "decoder_input_ids": torch.tensor([[2, 5, 30], [2, 4, 31]]),
    }
    before = model(**inputs).logits
    if place == "lslo":
        strategy = IndexStrategy(("src", "tgt"), ("tgt", "src", "tgt"))
        router, _ = add_lslo(model, {"en": 2, "de": 3}, strategy)
    else:
        router, _ = add_weighted_lslo(model, ["en", "de"], 2)
    with router.route(torch.tensor([0, 1]), torch.tensor([1, 0])):
        after = model(**inputs).logits
    torch.testing.assert_close(after, before, rtol=0, atol=1e-6)
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert all(name.endswith((".A", ".B", ".logits")) for name in trained)


@pytest.mark.parametrize("rank", [4, 32])
def test_start_is_gaussian_of_standard_deviation_one_over_root_k_and_zero(rank):
    lslo = LSLo(400, 10, (rank, rank), generator=torch.Generator().manual_seed(1))
    assert lslo.A.std().item() == pytest.approx(400**-0.5, rel=0.05)
    assert abs(lslo.A.mean().item()) < 4 * 400**-0.5 / lslo.A.numel() ** 0.5
    outside_two_deviations = (lslo.A.abs() > 2 * 400**-0.5).float().mean().item()
    assert outside_two_deviations == pytest.approx(0.0455, abs=0.015)
    assert not torch.equal(lslo.A_of(0), lslo.A_of(1))
    assert lslo.B.count_nonzero() == 0


def test_a_module_called_outside_route_says_so():
    lslo, _, _ = random_lslo((1, 1), seed=1)
    module = LSLoLinear(frozen_linear(), lslo, "src", router := Router(["a", "b"]))
    with pytest.raises(RuntimeError, match=r"outside Router\.route"):
        module(torch.zeros(1, 1, IN, dtype=torch.float64))
    with router.route(torch.tensor([0]), torch.tensor([1])):
        module(torch.zeros(1, 1, IN, dtype=torch.float64))
    with pytest.raises(RuntimeError, match=r"outside Router\.route"):
        module(torch.zeros(1, 1, IN, dtype=torch.float64))


def test_routes_nest_and_are_left_when_something_is_raised():
    router = Router(["a", "b"])
    zero, one = torch.tensor([0]), torch.tensor([1])

    def fail_inside():
        with router.route(one, zero):
            assert router.matmul((2, 2), "src").languages.tolist() == [1]
            raise KeyError

    with router.route(zero, one):
        assert router.matmul((2, 2), "src").languages.tolist() == [0]
        with pytest.raises(KeyError):
            fail_inside()
        assert router.matmul((2, 2), "src").languages.tolist() == [0]
        assert router.matmul((2, 2), "tgt").languages.tolist() == [1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_batch_of_one_language_is_multiplied_by_the_merged_matrix(dtype):
    """Within `merging`, in float32 only; a changed parameter is seen by the next one."""
    ranks = (2, 0, 3)
    base = frozen_linear().float()
    lslo = LSLo(IN, OUT, ranks)
    lslo.B.data.normal_()
    router = Router(["a", "b", "c"])
    module = LSLoLinear(base.to(dtype), lslo, "tgt", router).requires_grad_(False)
    x = random_tensor(4, 3, IN, seed=8).to(dtype)
    same, mixed = torch.full((4,), 2), torch.tensor([2, 0, 2, 1])
    with router.route(mixed, same):
        expected = module(x)
        with router.merging():
            found, again = module(x), module(x)
            assert len(router.merged) == (dtype == torch.float32)
        assert router.merged is None
    torch.testing.assert_close(found, expected)
    assert torch.equal(found, again)
    with router.merging(), router.route(same, mixed):
        module(x)
        assert not router.merged
    lslo.B.data.mul_(2)
    with router.merging(), router.route(mixed, same):
        changed = module(x)
    with router.route(mixed, same):
        torch.testing.assert_close(changed, module(x))
    assert not torch.allclose(changed, found)
