"""The training loss: fairseq's label-smoothed cross-entropy (Equation 1, with smoothing)."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import M2M100ForConditionalGeneration

from lslo.batching import Batch
from lslo.routing import Router

# Above this many logits (tokens × vocabulary) a batch's logits are not kept: 4,000 tokens and M2M-124's 256 k
# pieces would take 4 GB, twice with their gradient. The embedded model stays below it.
MOST_LOGITS = 2**26


def smoothed_cross_entropy(logits: Tensor, target: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """fairseq's label-smoothed cross-entropy and the plain one, both summed over tokens.

    logits: [tokens, V]; target: [tokens]. With eps_i = eps/(V−1) the loss is (1 − eps − eps_i)·nll +
    eps_i·Σ_v(−log p_v).
    """
    # Low precision is not enough for the sum over the vocabulary.
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    log_probabilities = F.log_softmax(logits, dim=-1)
    likelihood = -log_probabilities.gather(1, target.unsqueeze(1)).sum()
    share = epsilon / (logits.shape[-1] - 1)
    return (1 - epsilon - share) * likelihood - share * log_probabilities.sum(), likelihood.detach()


def projected_cross_entropy(
    hidden: Tensor, weight: Tensor, target: Tensor, epsilon: float, *, most_logits: int = MOST_LOGITS
) -> tuple[Tensor, Tensor]:
    """The same from hidden states and the output projection, without all logits at once where they are many.

    hidden: [tokens, d]; weight: [V, d]; target: [tokens].
    """
    vocabulary = len(weight)
    if len(hidden) * vocabulary <= most_logits:
        return smoothed_cross_entropy(F.linear(hidden, weight), target, epsilon)
    # PyTorch takes this sum in chunks, but not with label smoothing. What smoothing adds follows from it:
    # with z the logits, nll = lse(z) − z_y, so Σ_v(−log p_v) = V·lse(z) − Σ_v z_v = V·(nll + z_y) − Σ_v z_v,
    # and both z_y and Σ_v z_v are products of the hidden state with one vector.
    likelihood = F.linear_cross_entropy(
        hidden, weight, target, reduction="sum", options=torch.nn.LinearCrossEntropyOptions()
    )
    hidden = hidden.float()
    target_logits = (hidden * weight[target].float()).sum()
    all_logits = (hidden @ weight.sum(dim=0, dtype=torch.float32)).sum()
    share = epsilon / (vocabulary - 1)
    smoothing = vocabulary * (likelihood + target_logits) - all_logits
    return (1 - epsilon - share) * likelihood + share * smoothing, likelihood.detach()


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
