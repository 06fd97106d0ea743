"""Matrix products of a batch whose sentences use different matrices: the heart of LSLo (Equation 3).

Language l has a matrix M_l [r_l, n]. The matrices of all languages lie one below the other in M [R, n], where
R is the sum of the ranks r_l. An LSLo module has two such M: A (n = k) and B, which is stored transposed
(n = d). A batch x [batch, time, n] has `time` positions of `batch` sentences, and each sentence s has a
language l. Three operations multiply a sentence's part of the batch by the matrix of its own language:

    inner = narrow(x, M)          x_s M_lᵀ           from n numbers for each position to r_l
    widen(y, inner, M)            y_s + inner_s M_l  from r_l numbers back to n, added to y
    gradient(inner, x)            Σ_s inner_sᵀ x_s   the gradient of M_l, from the sentences of language l

The forward pass of a module with the frozen matrix W is

    inner = narrow(x, A)          y = widen(x Wᵀ, inner, B)

and its backward pass uses the same operations with A and B exchanged:

    grad_inner = narrow(grad_y, B)      grad_x = widen(grad_y W, grad_inner, A)
    grad_A = gradient(grad_inner, x)    grad_B = gradient(inner, grad_y)

There are two implementations, chosen by device. `GroupedRows`, for CPUs, brings the sentences of a language
together and multiplies language by language, so that no M_l is copied for each sentence. `GatheredRows`, for
GPUs, copies M_l for each sentence and multiplies all sentences at once, which takes few, large kernels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

# `grouped_mm` wants rows of a multiple of 16 bytes: four numbers in float32.
ALIGNMENT = 4
# With at most this number of languages in a batch, separate products cost less than stacking the languages'
# matrices.
FEW_LANGUAGES = 3


class LanguageMatmul(ABC):
    """The three operations for one batch, for all matrices M with the same ranks.

    The tensor `inner` that `narrow` returns may only be given to `widen` and `gradient` of the same object:
    its shape differs between implementations.

    Attributes:
        ranks: The rank r_l of each language.
        languages: The index of each sentence's language, [batch] int64.
        total_rank: The sum R of the ranks.
    """

    def __init__(self, ranks: tuple[int, ...], languages: Tensor):
        self.ranks = ranks
        self.languages = languages
        self.total_rank = sum(ranks)

    @property
    def only_language(self) -> int | None:
        """The language of all sentences; None where there are several, or where the object does not know."""
        return None

    @abstractmethod
    def narrow(self, x: Tensor, matrix: Tensor) -> Tensor:
        """Multiplies each sentence by the transpose of its language's matrix: x_s M_lᵀ.

        Args:
            x: The batch that M multiplies, [batch, time, n].
            matrix: The matrix M [R, n], which is converted to the dtype of x.

        Returns:
            The inner activations, in the dtype of x; the shape is the implementation's own.
        """

    @abstractmethod
    def widen(self, y: Tensor, inner: Tensor, matrix: Tensor) -> Tensor:
        """Adds to y the inner activations multiplied by each sentence's matrix: y_s + inner_s M_l.

        Args:
            y: The batch that is added to in place, [batch, time, n], contiguous.
            inner: The result of `narrow`.
            matrix: The matrix M [R, n], which is converted to the dtype of y.

        Returns:
            The sum, which is y itself.
        """

    @abstractmethod
    def gradient(self, inner: Tensor, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Computes the gradient of M: for each language the sum of inner_sᵀ x_s over its sentences.

        Args:
            inner: A result of `narrow`.
            x: The other factor, an input or the gradient of an output, [batch, time, n].
            dtype: The dtype of the result.

        Returns:
            The gradient [R, n], which is zero in the rows of languages that the batch lacks.
        """


def language_matmul(ranks: tuple[int, ...], languages: Tensor) -> LanguageMatmul:
    """Returns the implementation that suits the device of the batch.

    Args:
        ranks: The rank of each language.
        languages: The index of each sentence's language, [batch] int64.
    """
    return (GatheredRows if languages.is_cuda else GroupedRows)(ranks, languages)


class GatheredRows(LanguageMatmul):
    """The operations as batched products, with a copy of M_l for each sentence.

    Where ranks differ, each copy is filled up to the largest rank with rows of zeros. The inner activations
    are [batch, time, largest rank].
    """

    def __init__(self, ranks: tuple[int, ...], languages: Tensor):
        super().__init__(ranks, languages)
        rank = torch.tensor(ranks, device=languages.device)
        first = (rank.cumsum(0) - rank)[languages].unsqueeze(1)
        rank = rank[languages].unsqueeze(1)
        place = torch.arange(max(ranks), device=languages.device).unsqueeze(0)
        self.shape = (len(languages), max(ranks))
        # [batch, largest rank, 1]: false for the rows that fill up a smaller M_l.
        self.own = (place < rank).unsqueeze(-1)
        self.all_own = bool(self.own.all())
        # [batch · largest rank]: the row of M that each gathered row is a copy of. Filling rows copy row 0.
        self.index = torch.where(place < rank, first + place, 0).flatten()

    def gather(self, matrix: Tensor) -> Tensor:
        """Copies each sentence's M_l out of M [R, n].

        Returns:
            The copies [batch, largest rank, n], zero in the rows beyond a language's own rank.
        """
        gathered = matrix.index_select(0, self.index).view(*self.shape, matrix.shape[1])
        return gathered if self.all_own else gathered * self.own

    def scatter(self, gathered: Tensor) -> Tensor:
        """Adds up copies [batch, largest rank, n] in their rows of M; the transpose of `gather`.

        Returns:
            The sums [R, n].
        """
        if not self.all_own:
            gathered = gathered * self.own
        columns = gathered.shape[-1]
        sums = gathered.new_zeros(self.total_rank, columns)
        return sums.index_add_(0, self.index, gathered.reshape(len(self.index), columns))

    def narrow(self, x: Tensor, matrix: Tensor) -> Tensor:
        """Returns x_s M_lᵀ: [batch, time, largest rank]."""
        return torch.bmm(x, self.gather(matrix).to(x.dtype).transpose(1, 2))

    def widen(self, y: Tensor, inner: Tensor, matrix: Tensor) -> Tensor:
        """Returns y_s + inner_s M_l, in place: [batch, time, n]."""
        return y.baddbmm_(inner, self.gather(matrix).to(y.dtype))

    def gradient(self, inner: Tensor, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Returns the gradient of M: [R, n]."""
        return self.scatter(torch.bmm(inner.transpose(1, 2), x).to(dtype))


class GroupedRows(LanguageMatmul):
    """The operations as one product for each language in the batch, over all of its sentences.

    Sentences are brought into the order of their languages. No copy is needed where they are in this order
    already, as the target languages of a training batch are. With few languages, each is multiplied by a view
    of M. With many, one grouped product computes all; it wants matrices of equal rank, so that the M_l are
    copied into a stack and filled up with zeros, unless M has that form already. The inner activations, in
    the order of the languages, are [batch · time, width], or [batch · time, r_l] where language l is the only
    one.

    Attributes:
        order: [batch], the permutation that brings the sentences into the order of their languages; None
            where they are in it already.
        present: The languages in the batch, ascending.
        counts: [present languages], the number of sentences of each.
        rows: The rows of M that belong to each language in the batch.
        width: The largest rank in the batch, rounded up to a multiple of `ALIGNMENT`.
        one_block: Whether M itself, seen as [languages, width, n], is the stack.
        own: Whether each row of the stack, [present languages · width], is a row of M; false for the rows
            that fill up a smaller M_l.
        index: The row of M that each other row of the stack is a copy of.
    """

    def __init__(self, ranks: tuple[int, ...], languages: Tensor):
        super().__init__(ranks, languages)
        in_order = bool((languages[1:] >= languages[:-1]).all())
        self.order = None if in_order else languages.argsort(stable=True)
        present, counts = languages.sort().values.unique_consecutive(return_counts=True)
        self.present, self.counts = present.tolist(), counts
        starts = [sum(ranks[:language]) for language in self.present]
        self.rows = [
            slice(start, start + ranks[language])
            for start, language in zip(starts, self.present, strict=True)
        ]
        largest = max((ranks[language] for language in self.present), default=0)
        self.width = max(ALIGNMENT, -(-largest // ALIGNMENT) * ALIGNMENT)
        self.one_block = len(self.present) == len(ranks) and set(ranks) == {self.width}
        rank = torch.tensor([ranks[language] for language in self.present]).unsqueeze(1)
        place = torch.arange(self.width).unsqueeze(0)
        self.own = (place < rank).flatten()
        self.index = (torch.tensor(starts).unsqueeze(1) + place).flatten()[self.own]
        self._ends: dict[int, Tensor] = {}

    @property
    def only_language(self) -> int | None:
        """The language of all sentences; None where there are several."""
        return self.present[0] if len(self.present) == 1 else None

    def _one_by_one(self, tensor: Tensor) -> bool:
        """Tells whether to multiply language by language instead of in one grouped product.

        The grouped product is used for several languages, in float32, with aligned rows.
        """
        few = len(self.present) <= FEW_LANGUAGES
        return few or tensor.dtype != torch.float32 or tensor.shape[-1] % ALIGNMENT > 0

    def _together(self, x: Tensor) -> Tensor:
        """Brings x [batch, time, n] into the order of the languages: [batch · time, n]."""
        if self.order is not None:
            x = x.index_select(0, self.order)
        return x.reshape(-1, x.shape[-1])

    def _ends_at(self, time: int) -> Tensor:
        """Returns the end of each language's part of [batch · time, …], as `grouped_mm` wants it."""
        if time not in self._ends:
            self._ends[time] = (self.counts * time).cumsum(0).int()
        return self._ends[time]

    def _stack(self, matrix: Tensor) -> Tensor:
        """Stacks the M_l of the languages in the batch, out of M [R, n].

        Returns:
            The stack [present languages, width, n], zero in the rows beyond a language's own rank.
        """
        shape = (len(self.present), self.width, matrix.shape[1])
        if self.one_block:
            return matrix.view(shape)
        stacked = matrix.new_zeros(shape[0] * shape[1], shape[2])
        stacked[self.own] = matrix.index_select(0, self.index)
        return stacked.view(shape)

    def narrow(self, x: Tensor, matrix: Tensor) -> Tensor:
        """Returns x_s M_lᵀ: [batch · time, width or r_l], in the order of the languages."""
        rows = self._together(x)
        if not self._one_by_one(x):
            stacked = self._stack(matrix).transpose(1, 2)
            return F.grouped_mm(rows, stacked, offs=self._ends_at(x.shape[1]))
        if len(self.present) == 1:
            return rows @ matrix[self.rows[0]].to(x.dtype).t()
        inner = rows.new_zeros(len(rows), self.width)
        for part, result, own in self._parts(x.shape[1], rows, inner):
            result[:, : own.stop - own.start] = part @ matrix[own].to(x.dtype).t()
        return inner

    def widen(self, y: Tensor, inner: Tensor, matrix: Tensor) -> Tensor:
        """Returns y_s + inner_s M_l, in place: [batch, time, n]."""
        together = self.order is None
        rows = y.view(-1, y.shape[-1]) if together else y.new_zeros(y.shape).view(-1, y.shape[-1])
        if not self._one_by_one(y):
            product = F.grouped_mm(inner, self._stack(matrix), offs=self._ends_at(y.shape[1]))
            rows = rows.add_(product) if together else product
        else:
            for part, result, own in self._parts(y.shape[1], inner, rows):
                result.addmm_(part[:, : own.stop - own.start], matrix[own].to(y.dtype))
        return y if together else y.index_add_(0, self.order, rows.view(y.shape))

    def gradient(self, inner: Tensor, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Returns the gradient of M: [R, n]."""
        rows, columns = self._together(x), x.shape[-1]
        if not self._one_by_one(x):
            stacked = F.grouped_mm(inner.t(), rows, offs=self._ends_at(x.shape[1]))
            if self.one_block:
                return stacked.view(-1, columns)
            gradient = x.new_zeros(self.total_rank, columns, dtype=dtype)
            gradient[self.index] = stacked.view(-1, columns)[self.own]
            return gradient
        gradient = x.new_zeros(self.total_rank, columns, dtype=dtype)
        for part, from_x, own in self._parts(x.shape[1], inner, rows):
            gradient[own] = part[:, : own.stop - own.start].t() @ from_x
        return gradient

    def _parts(self, time: int, one: Tensor, other: Tensor) -> Iterator[tuple[Tensor, Tensor, slice]]:
        """Yields each language's parts of two tensors [batch · time, …], and its rows of M."""
        sizes = [count * time for count in self.counts.tolist()]
        return zip(one.split(sizes), other.split(sizes), self.rows, strict=True)
