"""The router, which tells every LSLo module the languages of the current batch (Sections 3.1 and 4.1).

A batch mixes directions. An index strategy says for each layer whether its modules follow the source or the
target language; the router says which languages these are for each sentence of the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor

from lslo.adapters.index_strategy import SOURCE, TARGET
from lslo.adapters.language_matmul import LanguageMatmul, language_matmul


class Router:
    """The languages of the current batch, shared by all LSLo modules of one model.

    Attributes:
        languages: The languages' codes; the tensors that `route` takes hold indices into this tuple.
        merged: The matrices W + B_l A_l made so far, by (id of the module, language index), within `merging`;
            None outside.
    """

    def __init__(self, languages: Sequence[str]):
        self.languages = tuple(languages)
        self.merged: dict[tuple[int, int], Tensor] | None = None
        self._batch: dict[str, Tensor] = {}
        self._matmuls: dict[tuple, LanguageMatmul] = {}

    @contextmanager
    def route(self, source: Tensor, target: Tensor) -> Iterator[None]:
        """Routes batches within the context: sentence i goes through the modules of source[i] or target[i].

        Args:
            source: The index of each sentence's source language, [batch] int64.
            target: The index of each sentence's target language, [batch] int64.
        """
        before = self._batch
        self._batch, self._matmuls = {SOURCE: source, TARGET: target}, {}
        try:
            yield
        finally:
            self._batch, self._matmuls = before, {}

    @contextmanager
    def merging(self) -> Iterator[None]:
        """Lets modules keep the sum W + B_l A_l within the context, where parameters must not change.

        A module uses the sum in place of its two products where a batch has a single language. Beam search
        multiplies by it at every step.
        """
        self.merged = {}
        try:
            yield
        finally:
            self.merged = None

    def matmul(self, ranks: tuple[int, ...], index: str) -> LanguageMatmul:
        """Returns the language-wise products of the current batch.

        All modules with the same ranks and index share one object.

        Args:
            ranks: The rank of each language.
            index: `src` or `tgt`, the language that the module follows.

        Raises:
            RuntimeError: The call is not made within `route`.
        """
        key = (ranks, index)
        if key not in self._matmuls:
            if not self._batch:
                raise RuntimeError("an LSLo module was called outside Router.route")
            self._matmuls[key] = language_matmul(ranks, self._batch[index])
        return self._matmuls[key]
