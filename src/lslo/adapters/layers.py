"""The layers of LSLo: a module (Section 3.1, Equation 3) and a weighted pair of modules (Equation 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lslo.adapters.index_strategy import SOURCE, TARGET
from lslo.adapters.language_matmul import LanguageMatmul
from lslo.adapters.routing import Router


class _LSLoProduct(torch.autograd.Function):
    """The product (x A_lᵀ) B_lᵀ, with the A and B of each sentence's own language."""

    @staticmethod
    def forward(ctx, x, A, B, matmul: LanguageMatmul):
        inner = matmul.narrow(x, A)
        ctx.save_for_backward(x, inner, A, B)
        ctx.matmul = matmul
        return matmul.widen(x.new_zeros(*x.shape[:-1], B.shape[1]), inner, B)

    @staticmethod
    def backward(ctx, grad_y):
        x, inner, A, B = ctx.saved_tensors
        grad_y = grad_y.contiguous()
        grad_inner = ctx.matmul.narrow(grad_y, B)
        grad_x = ctx.matmul.widen(torch.zeros_like(x), grad_inner, A) if ctx.needs_input_grad[0] else None
        grad_A = ctx.matmul.gradient(grad_inner, x, A.dtype)
        return grad_x, grad_A, ctx.matmul.gradient(inner, grad_y, B.dtype), None


class _AdaptedLinear(torch.autograd.Function):
    """The sum x Wᵀ + bias + (x A_lᵀ) B_lᵀ with frozen W, and the A and B of each sentence's own language.

    Forward and backward, the products with A and B are added into the result of the product with W, so that
    the LoRA part allocates nothing of the size of x or y.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, A, B, matmul: LanguageMatmul):
        inner = matmul.narrow(x, A)
        ctx.save_for_backward(x, weight, inner, A, B)
        ctx.matmul = matmul
        return matmul.widen(F.linear(x, weight, bias), inner, B)

    @staticmethod
    def backward(ctx, grad_y):
        x, weight, inner, A, B = ctx.saved_tensors
        grad_y = grad_y.contiguous()
        grad_inner = ctx.matmul.narrow(grad_y, B)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = ctx.matmul.widen(F.linear(grad_y, weight.t()), grad_inner, A)
        grad_A = ctx.matmul.gradient(grad_inner, x, A.dtype)
        return grad_x, None, None, grad_A, ctx.matmul.gradient(inner, grad_y, B.dtype), None


class LSLo(nn.Module):
    """A LoRA module for each language, for one weight matrix W [d, k] and without a scaling factor.

        LSLo(x, l) = B_l A_l x,    A_l: [r_l, k],    B_l: [d, r_l]

    The languages' matrices lie one below the other in A [R, k] and, transposed, in B [R, d], where R is the
    sum of the ranks. Storage therefore holds exactly sum_l r_l (d + k) numbers. A batch mixes languages
    freely: each sentence goes through the A and B of its own language (`language_matmul`).

    A is Gaussian with standard deviation 1/sqrt(k), so that A x keeps the scale of x whatever the rank. B is
    zero, so that training starts from the base model.

    Args:
        in_features: The input dimension k of W.
        out_features: The output dimension d of W.
        ranks: The rank r_l of each language, in the order of the router's languages; a rank may be 0.
        generator: The source of randomness of A.
        dtype: The dtype of A and B.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        ranks: Sequence[int],
        *,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.ranks = tuple(ranks)
        total = sum(self.ranks)
        A = torch.randn(total, in_features, generator=generator, dtype=torch.float64) * in_features**-0.5
        self.A = nn.Parameter(A.to(dtype))
        self.B = nn.Parameter(torch.zeros(total, out_features, dtype=dtype))

    def forward(self, x: Tensor, matmul: LanguageMatmul) -> Tensor:
        """Computes B_l A_l x, with l the language of each sentence.

        Args:
            x: The input, [batch, time, k].
            matmul: The language-wise products of the batch.

        Returns:
            The output, [batch, time, d].
        """
        return _LSLoProduct.apply(x, self.A, self.B, matmul)

    def rows(self, language: int) -> slice:
        """Returns the rows of A and B that belong to a language, given by its index."""
        start = sum(self.ranks[:language])
        return slice(start, start + self.ranks[language])

    def A_of(self, language: int) -> Tensor:  # noqa: N802 - A is the paper's name
        """Returns A_l [r_l, k] of a language, a view."""
        return self.A[self.rows(language)]

    def B_of(self, language: int) -> Tensor:  # noqa: N802
        """Returns B_l [d, r_l] of a language, a view."""
        return self.B[self.rows(language)].t()


class LSLoLinear(nn.Module):
    """A frozen linear map with its LSLo module: h = W x + B_l A_l x (Equation 3).

    Args:
        base: The linear map with W [d, k].
        lslo: The LSLo module of W.
        index: `src` or `tgt`, the language of a direction that the module follows.
        router: The router, which knows the languages of the current batch.
    """

    def __init__(self, base: nn.Linear, lslo: LSLo, index: str, router: Router):
        super().__init__()
        self.base = base
        self.lslo = lslo
        self.index = index
        self.router = router

    def forward(self, x: Tensor) -> Tensor:
        """Computes h.

        Args:
            x: The input, [batch, time, k].

        Returns:
            The output, [batch, time, d].
        """
        lslo = self.lslo
        matmul = self.router.matmul(lslo.ranks, self.index)
        language = matmul.only_language
        # Only in float32: in a lower precision, rounding the sum to W's last digit would lose
        # much of B_l A_l.
        if self.router.merged is not None and language is not None and x.dtype == torch.float32:
            return F.linear(x, self._merged(language), self.base.bias)
        return _AdaptedLinear.apply(x, self.base.weight, self.base.bias, lslo.A, lslo.B, matmul)

    def _merged(self, language: int) -> Tensor:
        """Returns W + B_l A_l [d, k], from the router's memory where it has been computed before."""
        merged = self.router.merged
        if (id(self), language) not in merged:
            rows = self.lslo.rows(language)
            merged[id(self), language] = torch.addmm(
                self.base.weight, self.lslo.B[rows].t(), self.lslo.A[rows]
            )
        return merged[id(self), language]


class LayerWeights(nn.Module):
    """The weights w_src and w_tgt that a layer's modules share (Equation 4): the softmax of two logits."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(2))

    def forward(self) -> Tensor:
        """Returns [w_src, w_tgt], non-negative and with sum 1."""
        return torch.softmax(self.logits, dim=0)


class WeightedLSLoLinear(nn.Module):
    """A frozen linear map with a weighted pair of a source- and a target-indexed LSLo module (Equation 4).

        h = W x + w_src · LSLo_src(x, l_src) + w_tgt · LSLo_tgt(x, l_tgt)

    Args:
        base: The linear map with W [d, k].
        source: The module that follows the source language.
        target: The module that follows the target language.
        weights: The weights w_src and w_tgt of the layer.
        router: The router, which knows the languages of the current batch.
    """

    def __init__(self, base: nn.Linear, source: LSLo, target: LSLo, weights: LayerWeights, router: Router):
        super().__init__()
        self.base = base
        self.source = source
        self.target = target
        self.weights = weights
        self.router = router

    def forward(self, x: Tensor) -> Tensor:
        """Computes h.

        Args:
            x: The input, [batch, time, k].

        Returns:
            The output, [batch, time, d].
        """
        weights = self.weights().to(x.dtype)
        source = self.source(x, self.router.matmul(self.source.ranks, SOURCE))
        target = self.target(x, self.router.matmul(self.target.ranks, TARGET))
        return self.base(x) + weights[0] * source + weights[1] * target
