"""Products of each row of a batch with its own language's rows of a matrix: the heart of LSLo (Equation 3).

The languages' rows lie one below the other in a matrix M [R, n], M_l [r_l, n] those of language l. Three
products make up an LSLo module, forward and backward, for A (n = k) and for B (stored transposed, n = d):

    narrow    x M_lᵀ            x A_lᵀ, and grad_y B_lᵀ
    widen     y + inner M_l     the output, and grad_x
    gradient  Σ innerᵀ x        over the rows of language l: the gradients of A_l and B_l

Two ways of computing them, chosen by device. `GroupedRows` brings the rows of a language together and
multiplies language by language, so that M is never copied a row of the batch. `GatheredRows` copies for each
row its own M_l and multiplies all rows at once: few, large kernels, which is what a GPU wants.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

# grouped_mm wants rows of 16 bytes: four numbers in float32.
ALIGNMENT = 4
# Up to so many languages in a batch, a product a language costs less than bringing their matrices together.
FEW_LANGUAGES = 3


class LanguageMatmul(ABC):
    """The products of one batch for matrices of the same ranks.

    ranks: r_l of each language. languages: [batch], the language of each row of the batch.
    What `narrow` returns is for `widen` and `gradient` of the same object; its shape is theirs to know.
    """

    def __init__(self, ranks: tuple[int, ...], languages: Tensor):
        self.ranks = ranks
        self.languages = languages
        self.total_rank = sum(ranks)

    @property
    def only_language(self) -> int | None:
        """The language of all rows, where that is known and there is but one."""
        return None

    @abstractmethod
    def narrow(self, x: Tensor, matrix: Tensor) -> Tensor:
        """x M_lᵀ. x: [batch, time, n]; matrix: [R, n]. Computed in the precision of x."""

    @abstractmethod
    def widen(self, y: Tensor, inner: Tensor, matrix: Tensor) -> Tensor:
        """y + inner M_l, in place. y: [batch, time, n], contiguous; matrix: [R, n]."""

    @abstractmethod
    def gradient(self, inner: Tensor, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Σ innerᵀ x over each language's rows: [R, n], zero for languages that are not in the batch."""


def language_matmul(ranks: tuple[int, ...], languages: Tensor) -> LanguageMatmul:
    """The products that suit the device of `languages` [batch]."""
    return (GatheredRows if languages.is_cuda else GroupedRows)(ranks, languages)


class GatheredRows(LanguageMatmul):
    """A batched product, in which each row of the batch has its own copy of M_l.

    Where ranks differ, a smaller M_l is filled up to the largest rank with rows that are set to zero.
    """

    def __init__(self, ranks: tuple[int, ...], languages: Tensor):
        super().__init__(ranks, languages)
        rank = torch.tensor(ranks, device=languages.device)
        first = (rank.cumsum(0) - rank)[languages].unsqueeze(1)
        rank = rank[languages].unsqueeze(1)
        place = torch.arange(max(ranks), device=languages.device).unsqueeze(0)
        self.shape = (len(languages), max(ranks))
        self.own = (place < rank).unsqueeze(-1)
        self.all_own = bool(self.own.all())
        self.index = torch.where(place < rank, first + place, 0).flatten()

    def gather(self, matrix: Tensor) -> Tensor:
        """[R, n] -> [batch, largest rank, n], zero in the rows beyond a language's own rank."""
        gathered = matrix.index_select(0, self.index).view(*self.shape, matrix.shape[1])
        return gathered if self.all_own else gathered * self.own

    def scatter(self, gathered: Tensor) -> Tensor:
        """The transpose of `gather`: [batch, largest rank, n] -> [R, n], summed over the batch."""
        if not self.all_own:
            gathered = gathered * self.own
        columns = gathered.shape[-1]
        sums = gathered.new_zeros(self.total_rank, columns)
        return sums.index_add_(0, self.index, gathered.reshape(len(self.index), columns))

    def narrow(self, x: Tensor, matrix: Tensor) -> Tensor:
        return torch.bmm(x, self.gather(matrix).to(x.dtype).transpose(1, 2))

    def widen(self, y: Tensor, inner: Tensor, matrix: Tensor) -> Tensor:
        return y.baddbmm_(inner, self.gather(matrix).to(y.dtype))

    def gradient(self, inner: Tensor, x: Tensor, dtype: torch.dtype) -> Tensor:
        return self.scatter(torch.bmm(inner.transpose(1, 2), x).to(dtype))


class GroupedRows(LanguageMatmul):
    """A product a language, over the rows of that language brought together.

    Rows that are in the order of their languages already, as in training batches the target languages are,
    are used where they lie. Few languages are multiplied by views of M; many in one grouped product, for
    which their M_l are brought to one rank, a copy of the size of M (none where all ranks are equal).
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
        return self.present[0] if len(self.present) == 1 else None

    def _one_by_one(self, tensor: Tensor) -> bool:
        """Whether to multiply language by language instead of in one grouped product."""
        few = len(self.present) <= FEW_LANGUAGES
        return few or tensor.dtype != torch.float32 or tensor.shape[-1] % ALIGNMENT > 0

    def _together(self, x: Tensor) -> Tensor:
        """[batch, time, n] -> [batch · time, n] in the order of the languages."""
        if self.order is not None:
            x = x.index_select(0, self.order)
        return x.reshape(-1, x.shape[-1])

    def _sizes(self, time: int) -> list[int]:
        return [count * time for count in self.counts.tolist()]

    def _ends_at(self, time: int) -> Tensor:
        if time not in self._ends:
            self._ends[time] = (self.counts * time).cumsum(0).int()
        return self._ends[time]

    def _stack(self, matrix: Tensor) -> Tensor:
        """[R, n] -> [present languages, width, n], zero in the rows beyond a language's own rank."""
        shape = (len(self.present), self.width, matrix.shape[1])
        if self.one_block:
            return matrix.view(shape)
        stacked = matrix.new_zeros(shape[0] * shape[1], shape[2])
        stacked[self.own] = matrix.index_select(0, self.index)
        return stacked.view(shape)

    def narrow(self, x: Tensor, matrix: Tensor) -> Tensor:
        """Returns [batch · time, width] in the order of the languages."""
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
        """Each present language's part of two tensors [batch · time, …], and its rows of M."""
        sizes = self._sizes(time)
        return zip(one.split(sizes), other.split(sizes), self.rows, strict=True)
