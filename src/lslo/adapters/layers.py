"""Language-specific LoRA modules (Section 3.1, Equation 3) and their weighted pair (Equation 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lslo.adapters.index_strategy import SOURCE, TARGET
from lslo.adapters.language_matmul import LanguageMatmul
from lslo.adapters.routing import Router


class _LSLoProduct(torch.autograd.Function):
    """(x A_lᵀ) B_lᵀ, each row of the batch with its own language's A and B."""

    @staticmethod
    def forward(ctx, x, A, B, products: LanguageMatmul):
        inner = products.narrow(x, A)
        ctx.save_for_backward(x, inner, A, B)
        ctx.products = products
        return products.widen(x.new_zeros(*x.shape[:-1], B.shape[1]), inner, B)

    @staticmethod
    def backward(ctx, grad_y):
        x, inner, A, B = ctx.saved_tensors
        grad_y = grad_y.contiguous()
        grad_inner = ctx.products.narrow(grad_y, B)
        grad_x = ctx.products.widen(torch.zeros_like(x), grad_inner, A) if ctx.needs_input_grad[0] else None
        grad_A = ctx.products.gradient(grad_inner, x, A.dtype)
        return grad_x, grad_A, ctx.products.gradient(inner, grad_y, B.dtype), None


class _AdaptedLinear(torch.autograd.Function):
    """y = x Wᵀ + bias + (x A_lᵀ) B_lᵀ with frozen W, each row of the batch with its own language's A and B.

    The small products accumulate into the large one's result, forward and backward, so that nothing
    of the size of x or y is allocated for the LoRA part.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, A, B, products: LanguageMatmul):
        inner = products.narrow(x, A)
        ctx.save_for_backward(x, weight, inner, A, B)
        ctx.products = products
        return products.widen(F.linear(x, weight, bias), inner, B)

    @staticmethod
    def backward(ctx, grad_y):
        x, weight, inner, A, B = ctx.saved_tensors
        grad_y = grad_y.contiguous()
        grad_inner = ctx.products.narrow(grad_y, B)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = ctx.products.widen(F.linear(grad_y, weight.t()), grad_inner, A)
        grad_A = ctx.products.gradient(grad_inner, x, A.dtype)
        return grad_x, None, None, grad_A, ctx.products.gradient(inner, grad_y, B.dtype), None


class LSLo(nn.Module):
    """One LoRA module a language for a weight matrix W [d, k], without scaling:

        LSLo(x, l) = B_l A_l x,    A_l: [r_l, k],    B_l: [d, r_l]

    The languages' matrices lie one below the other in A [R, k] and, transposed, in B [R, d], R the sum of
    the ranks, so that storage holds exactly sum_l r_l (d + k) numbers. Each row of a batch goes
    through the A and B of its own language, so a batch mixes languages freely (`language_matmul`).

    A is Gaussian with standard deviation 1/sqrt(k), so that A x keeps the scale of x whatever the rank;
    B is zero, so that training starts from the base model.

    ranks: r_l of each language, in the order of the router's languages; a rank may be 0.
    generator: the source of randomness of A.
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

    def forward(self, x: Tensor, products: LanguageMatmul) -> Tensor:
        """B_l A_l x of each row's language. x: [batch, time, k]. Returns [batch, time, d]."""
        return _LSLoProduct.apply(x, self.A, self.B, products)

    def rows(self, language: int) -> slice:
        """Where the language's rows of A and B lie."""
        start = sum(self.ranks[:language])
        return slice(start, start + self.ranks[language])

    def A_of(self, language: int) -> Tensor:  # noqa: N802 - A is the paper's name
        """A_l [r_l, k] of a language, a view."""
        return self.A[self.rows(language)]

    def B_of(self, language: int) -> Tensor:  # noqa: N802
        """B_l [d, r_l] of a language, a view."""
        return self.B[self.rows(language)].t()


class LSLoLinear(nn.Module):
    """A frozen linear map with its LSLo: h = W x + B_l A_l x (Equation 3).

    index: `src` or `tgt`, the language of the direction that the module listens to.
    """

    def __init__(self, base: nn.Linear, lslo: LSLo, index: str, router: Router):
        super().__init__()
        self.base = base
        self.lslo = lslo
        self.index = index
        self.router = router

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, time, k]. Returns [batch, time, d]."""
        lslo = self.lslo
        products = self.router.products(lslo.ranks, self.index)
        language = products.only_language
        # In a lower precision the sum would lose of B_l A_l what W's last digit does not hold.
        if self.router.merged is not None and language is not None and x.dtype == torch.float32:
            return F.linear(x, self._merged(language), self.base.bias)
        return _AdaptedLinear.apply(x, self.base.weight, self.base.bias, lslo.A, lslo.B, products)

    def _merged(self, language: int) -> Tensor:
        """W + B_l A_l, [d, k]."""
        merged = self.router.merged
        if (id(self), language) not in merged:
            rows = self.lslo.rows(language)
            merged[id(self), language] = torch.addmm(
                self.base.weight, self.lslo.B[rows].t(), self.lslo.A[rows]
            )
        return merged[id(self), language]


class LayerWeights(nn.Module):
    """w_src and w_tgt of one layer, shared by its modules (Equation 4): the softmax of two logits."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(2))

    def forward(self) -> Tensor:
        """[w_src, w_tgt], non-negative, with sum 1."""
        return torch.softmax(self.logits, dim=0)


class WeightedLSLoLinear(nn.Module):
    """A frozen linear map with a source- and a target-indexed LSLo, weighted (Equation 4):

    h = W x + w_src · LSLo_src(x, l_src) + w_tgt · LSLo_tgt(x, l_tgt)
    """

    def __init__(self, base: nn.Linear, source: LSLo, target: LSLo, weights: LayerWeights, router: Router):
        super().__init__()
        self.base = base
        self.source = source
        self.target = target
        self.weights = weights
        self.router = router

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, time, k]. Returns [batch, time, d]."""
        weights = self.weights().to(x.dtype)
        source = self.source(x, self.router.products(self.source.ranks, SOURCE))
        target = self.target(x, self.router.products(self.target.ranks, TARGET))
        return self.base(x) + weights[0] * source + weights[1] * target
