"""The training loss: fairseq's label-smoothed cross-entropy (Equation 1, with smoothing)."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.training.batches import Batch

# The most logits (tokens × vocabulary) that are held at a time: those of 4,000 tokens and M2M-124's 256 k
# pieces would take 4 GB, twice that with their gradient.
MOST_LOGITS = 2**26
# The tokens that a CPU projects at a time: few, so that their logits stay near its cache.
TOKENS_ON_CPU = 256


def smoothed_cross_entropy(logits: Tensor, target: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Computes fairseq's label-smoothed cross-entropy from its definition.

    With eps_i = eps/(V−1) and the negative log-likelihood nll, the loss is (1 − eps − eps_i)·nll +
    eps_i·Σ_v(−log p_v). Training computes the same without keeping logits (`projected_cross_entropy`).

    Args:
        logits: The scores of each piece of the vocabulary, [tokens, V].
        target: The expected pieces, [tokens].
        epsilon: The label smoothing, eps.

    Returns:
        The smoothed loss and the negative log-likelihood, both summed over tokens.
    """
    # Low precision is not enough for the sum over the vocabulary.
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    log_probabilities = F.log_softmax(logits, dim=-1)
    nll = -log_probabilities.gather(1, target.unsqueeze(1)).sum()
    share = epsilon / (logits.shape[-1] - 1)
    return (1 - epsilon - share) * nll - share * log_probabilities.sum(), nll.detach()


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Output projection and `smoothed_cross_entropy` in one, a chunk of tokens at a time.

    The gradients are computed together with the loss, chunk by chunk, so that no logits are kept or computed
    twice. With p the softmax, the gradient of a logit is p − (1 − eps − eps_i)·[it is the target's] − eps_i.
    PyTorch's linear_cross_entropy does the same without smoothing, but sums the loss in the precision of the
    hidden states: the sum over 4,000 tokens overflows float16 and is wrong by a fifth in bfloat16.
    """

    @staticmethod
    def forward(ctx, hidden, weight, target, epsilon, chunk):
        device = hidden.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
        # Gradients of the size of eps_i = 8e-7 nearly vanish in float16; a power of two costs no precision.
        scale = 2.0**10 if dtype == torch.float16 else 1.0
        share = epsilon / (len(weight) - 1)
        rows, projection = hidden.detach().to(dtype), weight.detach().to(dtype)
        needs_hidden, needs_weight = ctx.needs_input_grad[:2]
        grad_hidden = torch.empty_like(hidden, dtype=torch.float32) if needs_hidden else None
        grad_weight = torch.zeros_like(weight, dtype=torch.float32) if needs_weight else None
        loss = torch.zeros((), dtype=torch.float64, device=hidden.device)
        nll = torch.zeros_like(loss)
        for start in range(0, len(rows), chunk):
            part = slice(start, start + chunk)
            expected = target[part].unsqueeze(1)
            log_p = F.linear(rows[part], projection).float().log_softmax(dim=-1)
            token_nll = -log_p.gather(1, expected)
            nll += token_nll.sum(dtype=torch.float64)
            smoothing = -log_p.sum(dim=-1).sum(dtype=torch.float64)
            loss += (1 - epsilon - share) * token_nll.sum(dtype=torch.float64) + share * smoothing
            gradient = log_p.exp_().sub_(share)
            gradient.scatter_add_(1, expected, torch.full_like(token_nll, -(1 - epsilon - share)))
            if scale != 1:
                gradient.mul_(scale)
            gradient = gradient.to(dtype)
            if needs_hidden:
                grad_hidden[part] = (gradient @ projection).float().div_(scale)
            if needs_weight:
                # The sum over all tokens, scaled as it is, may overflow float16 whatever the loss scale.
                wide = torch.float32 if dtype == torch.float16 else dtype
                grad_weight += (gradient.t().to(wide) @ rows[part].to(wide)).float().div_(scale)
        ctx.save_for_backward(grad_hidden, grad_weight)
        ctx.dtypes = hidden.dtype, weight.dtype
        loss, nll = loss.float(), nll.float()
        ctx.mark_non_differentiable(nll)
        return loss, nll

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
    """Computes `smoothed_cross_entropy` of projected hidden states without keeping all of their logits.

    Args:
        hidden: The last hidden state of each token, [n, d].
        weight: The output projection, [V, d].
        target: The expected pieces, [n].
        epsilon: The label smoothing.
        tokens: The number of tokens that are projected at a time; None for as many as suit the device.

    Returns:
        The smoothed loss and the negative log-likelihood, both summed over tokens, in float32.
    """
    if tokens is None:
        tokens = TOKENS_ON_CPU if hidden.device.type == "cpu" else max(1, MOST_LOGITS // len(weight))
    return _ChunkedCrossEntropy.apply(hidden, weight, target, epsilon, tokens)


def batch_loss(
    model: M2M100ForConditionalGeneration, batch: Batch, epsilon: float, router: Router | None
) -> tuple[Tensor, Tensor]:
    """Computes the loss of a batch (Equation 1).

    Args:
        model: The model, with or without LSLo modules.
        batch: A batch on the model's device.
        epsilon: The label smoothing.
        router: The router of the model's LSLo modules; None without them.

    Returns:
        The smoothed loss and the negative log-likelihood, both summed over target tokens.
    """
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
