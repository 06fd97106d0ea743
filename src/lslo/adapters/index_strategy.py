"""Whether each layer's LSLo modules listen to the source or to the target language (Section 4.1)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lslo.adapters.weight_matrices import SIDES

SOURCE = "src"


TARGET = "tgt"


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


def index_strategy(
    index: str, learned: Path | str | None, encoder_layers: int, decoder_layers: int
) -> IndexStrategy:
    """The strategy that `WL`, `SRC` or `TGT` stands for. learned: `index_strategy.json`, needed by `WL`."""
    if index == "WL":
        return IndexStrategy.read(learned)
    return IndexStrategy.fixed(index, encoder_layers, decoder_layers)
