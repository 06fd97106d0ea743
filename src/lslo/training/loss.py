"""The training loss: fairseq's label-smoothed cross-entropy (Equation 1, with smoothing)."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.training.batches import Batch

# So many logits (tokens × vocabulary) are held at a time: 4,000 tokens and M2M-124's 256 k pieces would take
# 4 GB, twice with their gradient.
MOST_LOGITS = 2**26
# On a CPU so many tokens are projected at a time: their logits stay near its cache.
TOKENS_ON_CPU = 256


def smoothed_cross_entropy(logits: Tensor, target: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """fairseq's label-smoothed cross-entropy and the plain one, both summed over tokens, as they are defined.

    Training computes the same without keeping logits (`projected_cross_entropy`).

    logits: [tokens, V]; target: [tokens]. With eps_i = eps/(V−1) the loss is (1 − eps − eps_i)·nll +
    eps_i·Σ_v(−log p_v).
    """
    # Low precision is not enough for the sum over the vocabulary.
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    log_probabilities = F.log_softmax(logits, dim=-1)
    likelihood = -log_probabilities.gather(1, target.unsqueeze(1)).sum()
    share = epsilon / (logits.shape[-1] - 1)
    return (1 - epsilon - share) * likelihood - share * log_probabilities.sum(), likelihood.detach()


class _ChunkedCrossEntropy(torch.autograd.Function):
    """`smoothed_cross_entropy` of hidden states through the output projection, a chunk of tokens at a time.

    The gradients are made with the loss, chunk by chunk, so that no logits are kept or computed twice. With p
    the softmax, the gradient of a logit is p − (1 − eps − eps_i)·[the target's] − eps_i. PyTorch's
    linear_cross_entropy does the same without smoothing, but sums the loss in the precision of the states:
    the sum over 4,000 tokens overflows float16 and is a fifth off in bfloat16.
    """

    @staticmethod
    def forward(ctx, hidden, weight, target, epsilon, chunk):
        device = hidden.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
        # Gradients of eps_i = 8e-7 are next to nothing in float16; a power of two costs no precision.
        scale = 2.0**10 if dtype == torch.float16 else 1.0
        share = epsilon / (len(weight) - 1)
        rows, projection = hidden.detach().to(dtype), weight.detach().to(dtype)
        needs_hidden, needs_weight = ctx.needs_input_grad[:2]
        grad_hidden = torch.empty_like(hidden, dtype=torch.float32) if needs_hidden else None
        grad_weight = torch.zeros_like(weight, dtype=torch.float32) if needs_weight else None
        loss = torch.zeros((), dtype=torch.float64, device=hidden.device)
        likelihood = torch.zeros_like(loss)
        for start in range(0, len(rows), chunk):
            part = slice(start, start + chunk)
            expected = target[part].unsqueeze(1)
            log_p = F.linear(rows[part], projection).float().log_softmax(dim=-1)
            likelihoods = -log_p.gather(1, expected)
            likelihood += likelihoods.sum(dtype=torch.float64)
            smoothing = -log_p.sum(dim=-1).sum(dtype=torch.float64)
            loss += (1 - epsilon - share) * likelihoods.sum(dtype=torch.float64) + share * smoothing
            gradient = log_p.exp_().sub_(share)
            gradient.scatter_add_(1, expected, torch.full_like(likelihoods, -(1 - epsilon - share)))
            if scale != 1:
                gradient.mul_(scale)
            gradient = gradient.to(dtype)
            if needs_hidden:
                grad_hidden[part] = (gradient @ projection).float().div_(scale)
            if needs_weight:
                # A sum over all tokens may overflow float16, scaled as it is, whatever the loss's own scale.
                wide = torch.float32 if dtype == torch.float16 else dtype
                grad_weight += (gradient.t().to(wide) @ rows[part].to(wide)).float().div_(scale)
        ctx.save_for_backward(grad_hidden, grad_weight)
        ctx.dtypes = hidden.dtype, weight.dtype
        loss, likelihood = loss.float(), likelihood.float()
        ctx.mark_non_differentiable(likelihood)
        return loss, likelihood

    @staticmethod
    def backward(ctx, grad_loss, _):
        gradients = [
            None if gradient is None else (gradient * grad_loss).to(dtype)
            for gradient, dtype in zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        ]
        return *gradients, None, None, None


def projected_cross_entropy(
    hidden: Tensor, weight: Tensor, target: Tensor, epsilon: float, *, tokens: int | None = None
) -> tuple[Tensor, Tensor]:
    """`smoothed_cross_entropy` of hidden states through the output projection, its gradients made with it.

    hidden: [n, d]; weight: [V, d]; target: [n]. tokens: that are projected at a time; by default as many as
    suit the device.
    """
    if tokens is None:
        tokens = TOKENS_ON_CPU if hidden.device.type == "cpu" else max(1, MOST_LOGITS // len(weight))
    return _ChunkedCrossEntropy.apply(hidden, weight, target, epsilon, tokens)


def batch_loss(
    model: M2M100ForConditionalGeneration, batch: Batch, epsilon: float, router: Router | None
) -> tuple[Tensor, Tensor]:
    """Loss of a batch summed over its target tokens, smoothed and plain."""
    routed = nullcontext() if router is None else router.route(batch.source_language, batch.target_language)
    with routed:
        hidden = model.model(
            input_ids=batch.source,
            attention_mask=batch.source_mask,
            decoder_input_ids=batch.decoder_input,
            use_cache=False,
        ).last_hidden_state
    kept = batch.target.ne(batch.pad)
    return projected_cross_entropy(hidden[kept], model.lm_head.weight, batch.target[kept], epsilon)
