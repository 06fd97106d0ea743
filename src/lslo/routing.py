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
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

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


class Selection:
    """Which rows of a module's A and B each row of the batch goes through.

    ranks: rank r_l of each language, whose rows lie one below the other. languages: [batch] indices.
    Where ranks differ, a batch row of a smaller rank is filled up with rows that are set to zero.
    """

    def __init__(self, ranks: tuple[int, ...], languages: Tensor):
        self.ranks = ranks
        self.languages = languages
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
        gathered = matrix.index_select(0, self.index).view(*self.shape, -1)
        return gathered if self.all_own else gathered * self.own

    @cached_property
    def gate(self) -> Tensor:
        """[batch, 1, R], bool: which rows of A and B are each batch row's own."""
        owner = torch.repeat_interleave(torch.arange(len(self.ranks)), torch.tensor(self.ranks))
        return (self.languages.unsqueeze(1) == owner.to(self.languages.device)).unsqueeze(1)

    def scatter(self, gathered: Tensor, total_rank: int) -> Tensor:
        """The transpose of `gather`: [batch, largest rank, n] -> [R, n], summed over the batch."""
        if not self.all_own:
            gathered = gathered * self.own
        columns = gathered.shape[-1]
        return gathered.new_zeros(total_rank, columns).index_add_(0, self.index, gathered.view(-1, columns))


class Router:
    """The languages of the rows of the current batch, shared by all LSLo modules of one model.

    languages: the codes in the order of the indices that `route` takes.
    """

    def __init__(self, languages: Sequence[str]):
        self.languages = tuple(languages)
        self._rows: dict[str, Tensor] = {}
        self._selections: dict[tuple, Selection] = {}

    @contextmanager
    def route(self, source: Tensor, target: Tensor) -> Iterator[None]:
        """Within the context, row i of a batch is source[i] -> target[i].

        source, target: language indices [batch], int64.
        """
        before = self._rows
        self._rows, self._selections = {SOURCE: source, TARGET: target}, {}
        try:
            yield
        finally:
            self._rows, self._selections = before, {}

    def selection(self, ranks: tuple[int, ...], index: str) -> Selection:
        """The selection of the current batch, shared by all modules of the same ranks and index.

        ranks: rank of each language. index: `src` or `tgt`. Raises RuntimeError outside `route`.
        """
        key = (ranks, index)
        if key not in self._selections:
            if not self._rows:
                raise RuntimeError("an LSLo module was called outside Router.route")
            self._selections[key] = Selection(ranks, self._rows[index])
        return self._selections[key]
