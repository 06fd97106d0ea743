"""Index strategies: the layers whose LSLo modules follow the source language or the target (Section 4.1)."""

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
    """The language that each layer's LSLo modules follow: `src` or `tgt`.

    Attributes:
        encoder: `src` or `tgt` for each layer of the encoder, bottom layer first.
        decoder: The same for the decoder.
    """

    encoder: tuple[str, ...]
    decoder: tuple[str, ...]

    @classmethod
    def fixed(cls, index: str, encoder_layers: int, decoder_layers: int) -> IndexStrategy:
        """Returns one of the two strategies that are not learned (Table 6).

        Args:
            index: `SRC` for a source-indexed encoder and a target-indexed decoder, `TGT` for both
                target-indexed.
            encoder_layers: The number of layers of the encoder.
            decoder_layers: The number of layers of the decoder.
        """
        encoder = {"SRC": SOURCE, "TGT": TARGET}[index]
        return cls((encoder,) * encoder_layers, (TARGET,) * decoder_layers)

    @classmethod
    def read(cls, path: Path | str) -> IndexStrategy:
        """Reads `index_strategy.json`.

        Raises:
            ValueError: Names the file and the key at fault.
        """
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
        """Returns the strategy that a value parsed from JSON describes.

        Raises:
            ValueError: Names the key at fault.
        """
        for side in SIDES:
            layers = content.get(side) if isinstance(content, dict) else None
            if (
                not isinstance(layers, list)
                or not layers
                or any(one not in (SOURCE, TARGET) for one in layers)
            ):
                raise ValueError(f"'{side}' must be a list of '{SOURCE}' and '{TARGET}', one for each layer")
        return cls(tuple(content["encoder"]), tuple(content["decoder"]))

    def write(self, path: Path | str) -> None:
        """Writes `index_strategy.json`."""
        Path(path).write_text(
            json.dumps({side: list(getattr(self, side)) for side in SIDES}, indent=1) + "\n"
        )

    def index(self, side: str, layer: int) -> str:
        """Returns `src` or `tgt` for a layer, counted from 1, of `encoder` or `decoder`."""
        return getattr(self, side)[layer - 1]


def index_strategy(
    index: str, learned: Path | str | None, encoder_layers: int, decoder_layers: int
) -> IndexStrategy:
    """Returns the index strategy of a setting.

    Args:
        index: `WL` for the strategy that weight learning found, or `SRC` or `TGT` for a fixed one.
        learned: The file `index_strategy.json` of weight learning; only `WL` needs it.
        encoder_layers: The number of layers of the encoder.
        decoder_layers: The number of layers of the decoder.
    """
    if index == "WL":
        return IndexStrategy.read(learned)
    return IndexStrategy.fixed(index, encoder_layers, decoder_layers)
