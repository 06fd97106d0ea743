"""The loss over a large vocabulary, without all of its logits at once."""

import pytest
import torch

from lslo.training.loss import projected_cross_entropy, smoothed_cross_entropy


@pytest.mark.parametrize("epsilon", [0.0, 0.2])
def test_chunked_and_whole_agree_in_value_and_gradients(epsilon):
    generator = torch.Generator().manual_seed(1)
    target = torch.randint(0, 301, (75,), generator=generator)
    results = []
    for tokens in (1, 20, 10**9):
        hidden = torch.randn(75, 16, generator=torch.Generator().manual_seed(2)).requires_grad_()
        weight = torch.randn(301, 16, generator=torch.Generator().manual_seed(3)).requires_grad_()
        loss, nll = projected_cross_entropy(hidden, weight, target, epsilon, tokens=tokens)
        loss.backward()
        results.append((loss.detach(), nll, hidden.grad, weight.grad))
    *chunked, whole = results
    for found in chunked:
        for one, other in zip(found, whole, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("autocast", [False, True])
def test_the_loss_of_many_tokens_is_right_in_every_precision(dtype, autocast):
    """Its sum is beyond float16's largest number, and a token's loss below bfloat16's spacing at the sum."""
    generator = torch.Generator().manual_seed(1)
    tokens, vocabulary = 3000, 4001
    hidden = torch.randn(tokens, 32, generator=generator) * 2
    weight = torch.randn(vocabulary, 32, generator=generator)
    target = torch.randint(0, vocabulary, (tokens,), generator=generator)
    # What low precision makes of the inputs is not the loss's affair.
    hidden, weight = hidden.to(dtype).float().requires_grad_(), weight.to(dtype).float().requires_grad_()
    expected, _ = smoothed_cross_entropy((hidden @ weight.t()).double(), target, 0.2)
    expected.backward()
    assert expected > 65504
    given = [
        tensor.detach().to(torch.float32 if autocast else dtype).requires_grad_()
        for tensor in (hidden, weight)
    ]
    with torch.autocast("cpu", dtype, enabled=autocast and dtype != torch.float32):
        loss, nll = projected_cross_entropy(*given, target, 0.2, tokens=262)
    loss.backward()
    assert loss.dtype == nll.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), rel={torch.float32: 1e-6}.get(dtype, 2e-3))
    for tensor, whole in zip(given, (hidden, weight), strict=True):
        error = (tensor.grad.float() - whole.grad).norm() / whole.grad.norm()
        assert error < {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 3e-3}[dtype]


def test_the_loss_of_low_precision_logits_is_taken_in_float32():
    logits = torch.randn(20, 50, generator=torch.Generator().manual_seed(1)).bfloat16()
    target = torch.arange(20)
    loss, nll = smoothed_cross_entropy(logits, target, 0.2)
    assert loss.dtype == nll.dtype == torch.float32
    assert (loss, nll) == smoothed_cross_entropy(logits.float(), target, 0.2)


def test_the_weights_gradient_of_many_tokens_does_not_overflow_float16():
    """A piece that is half of all targets: the sum of its gradients, scaled, is beyond 65,504."""
    generator = torch.Generator().manual_seed(3)
    hidden = torch.randn(2000, 8, generator=generator).half()
    weight = (0.1 * torch.randn(50, 8, generator=generator)).half().requires_grad_()
    hidden[:, 0] = 3
    target = torch.where(torch.rand(2000, generator=generator) < 0.5, 7, torch.randint(50, (2000,)))
    loss, _ = projected_cross_entropy(hidden, weight, target, 0.2)
    (loss / 2000).backward()
    wide = weight.detach().float().requires_grad_()
    expected, _ = smoothed_cross_entropy(hidden.float() @ wide.t(), target, 0.2)
    (expected / 2000).backward()
    torch.testing.assert_close(weight.grad.float(), wide.grad, rtol=0.02, atol=2e-3)
