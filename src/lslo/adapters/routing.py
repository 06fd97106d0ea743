"""Which language's LoRA modules a row of a batch goes through (Sections 3.1 and 4.1).

An index strategy names for each layer whether its LSLo modules listen to the source or to the target
language. The router holds the languages of the rows of the current batch, and every LSLo module of a
model asks it which rows of A and B they are to go through.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from lslo.adapters.language_matmul import LanguageProducts, language_products

SOURCE = "src"
TARGET = "tgt"
SIDES = ("encoder", "decoder")


@dataclass(frozen=True)
class IndexStrategy:
    """`src` or `tgt` for each layer of the encoder and of the decoder, bottom layer first."""

    encoder: tuple[str, ...]
    decoder: tuple[str, ...]

    @classmethod
    def fixed(cls, index: str, encoder_layers: int, decoder_layers: int) -> IndexStrategy:
        """`SRC`: source-indexed encoder, target-indexed decoder. `TGT`: both target-indexed (Table 6)."""
        encoder = {"SRC": SOURCE, "TGT": TARGET}[index]
        return cls((encoder,) * encoder_layers, (TARGET,) * decoder_layers)

    @classmethod
    def read(cls, path: Path | str) -> IndexStrategy:
        """Read `index_strategy.json`. Raises ValueError naming the file and the key at fault."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}: not a JSON file ({error})") from None
        try:
            return cls.of(content)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @classmethod
    def of(cls, content: Any) -> IndexStrategy:
        """The strategy that the value of a JSON file is. Raises ValueError naming the key at fault."""
        for side in SIDES:
            layers = content.get(side) if isinstance(content, dict) else None
            if (
                not isinstance(layers, list)
                or not layers
                or any(one not in (SOURCE, TARGET) for one in layers)
            ):
                raise ValueError(f"'{side}' must be a list of '{SOURCE}' and '{TARGET}', one a layer")
        return cls(tuple(content["encoder"]), tuple(content["decoder"]))

    def write(self, path: Path | str) -> None:
        """Write `index_strategy.json`."""
        Path(path).write_text(
            json.dumps({side: list(getattr(self, side)) for side in SIDES}, indent=1) + "\n"
        )

    def index(self, side: str, layer: int) -> str:
        """`src` or `tgt` for a layer (counted from 1) of `encoder` or `decoder`."""
        return getattr(self, side)[layer - 1]


class Router:
    """The languages of the rows of the current batch, shared by all LSLo modules of one model.

    languages: the codes in the order of the indices that `route` takes.
    """

    def __init__(self, languages: Sequence[str]):
        self.languages = tuple(languages)
        self._rows: dict[str, Tensor] = {}
        self._products: dict[tuple, LanguageProducts] = {}
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

    def products(self, ranks: tuple[int, ...], index: str) -> LanguageProducts:
        """The products of the current batch, shared by all modules of the same ranks and index.

        ranks: rank of each language. index: `src` or `tgt`. Raises RuntimeError outside `route`.
        """
        key = (ranks, index)
        if key not in self._products:
            if not self._rows:
                raise RuntimeError("an LSLo module was called outside Router.route")
            self._products[key] = language_products(ranks, self._rows[index])
        return self._products[key]
