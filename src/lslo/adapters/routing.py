"""Which language's LoRA modules a row of a batch goes through (Sections 3.1 and 4.1).

An index strategy names for each layer whether its LSLo modules listen to the source or to the target
language. The router holds the languages of the rows of the current batch, and every LSLo module of a
model asks it which rows of A and B they are to go through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor

from lslo.adapters.index_strategy import SOURCE, TARGET
from lslo.adapters.language_matmul import LanguageMatmul, language_matmul


class Router:
    """The languages of the rows of the current batch, shared by all LSLo modules of one model.

    languages: the codes in the order of the indices that `route` takes.
    """

    def __init__(self, languages: Sequence[str]):
        self.languages = tuple(languages)
        self._rows: dict[str, Tensor] = {}
        self._products: dict[tuple, LanguageMatmul] = {}
        # (module, language) -> W + B_l A_l, within `merging`.
        self.merged: dict[tuple[int, int], Tensor] | None = None

    @contextmanager
    def route(self, source: Tensor, target: Tensor) -> Iterator[None]:
        """Within the context, row i of a batch is source[i] -> target[i].

        source, target: language indices [batch], int64.
        """
        before = self._rows
        self._rows, self._products = {SOURCE: source, TARGET: target}, {}
        try:
            yield
        finally:
            self._rows, self._products = before, {}

    @contextmanager
    def merging(self) -> Iterator[None]:
        """Within the context, in which parameters must not change, modules keep W + B_l A_l.

        That is where all rows of a batch are of one language: a search multiplies by it at every step.
        """
        self.merged = {}
        try:
            yield
        finally:
            self.merged = None

    def products(self, ranks: tuple[int, ...], index: str) -> LanguageMatmul:
        """The products of the current batch, shared by all modules of the same ranks and index.

        ranks: rank of each language. index: `src` or `tgt`. Raises RuntimeError outside `route`.
        """
        key = (ranks, index)
        if key not in self._products:
            if not self._rows:
                raise RuntimeError("an LSLo module was called outside Router.route")
            self._products[key] = language_matmul(ranks, self._rows[index])
        return self._products[key]
