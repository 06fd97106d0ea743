"""The loss over a large vocabulary, without all of its logits at once."""

import pytest
import torch

from lslo.loss import projected_cross_entropy, smoothed_cross_entropy


@pytest.mark.parametrize("epsilon", [0.0, 0.2])
def test_chunked_and_whole_agree_in_value_and_gradients(epsilon):
    generator = torch.Generator().manual_seed(1)
    target = torch.randint(0, 301, (75,), generator=generator)
    results = []
    for most_logits in (0, 10**9):
        hidden = torch.randn(75, 16, generator=torch.Generator().manual_seed(2)).requires_grad_()
        weight = torch.randn(301, 16, generator=torch.Generator().manual_seed(3)).requires_grad_()
        loss, likelihood = projected_cross_entropy(hidden, weight, target, epsilon, most_logits=most_logits)
        loss.backward()
        results.append((loss.detach(), likelihood, hidden.grad, weight.grad))
    chunked, whole = results
    for one, other in zip(chunked, whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_the_loss_of_low_precision_logits_is_taken_in_float32():
    logits = torch.randn(20, 50, generator=torch.Generator().manual_seed(1)).bfloat16()
    target = torch.arange(20)
    loss, likelihood = smoothed_cross_entropy(logits, target, 0.2)
    assert loss.dtype == likelihood.dtype == torch.float32
    assert (loss, likelihood) == smoothed_cross_entropy(logits.float(), target, 0.2)
