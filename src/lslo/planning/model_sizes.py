"""The sizes of base models and adapters, calculated from a model's configuration without its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lslo.adapters.weight_matrices import MODULES, SIDES

FLOAT32 = 4
BYTES_OF_PRECISION = {"float32": 4, "bfloat16": 2, "float16": 2}
# Bytes that a tensor takes in the header of a safetensors file: its name, shape and offsets, as JSON.
HEADER_BYTES = 115
# Adam keeps two moments of each trained number.
MOMENTS = 2
# The modules of the feed-forward network, which `fc` stands for; the others are projections of attention.
FEED_FORWARD = ("fc1", "fc2")
# The keys of `config.json`, in the order of the fields of `ModelSizes`.
_KEYS = (
    *("d_model", "encoder_layers", "decoder_layers"),
    *("encoder_ffn_dim", "decoder_ffn_dim", "vocab_size"),
)


@dataclass(frozen=True)
class MatrixGroup:
    """The weight matrices of a layer that have one shape and get an LSLo.

    Attributes:
        side: `encoder` or `decoder`; each of its layers has these matrices.
        modules: The paper's names of the matrices.
        inputs: Columns of each matrix.
        outputs: Rows of each matrix.
        without_input_gradient: The number of matrices whose input, in the lowest layer, needs no gradient,
            because nothing below is trained.
    """

    side: str
    modules: tuple[str, ...]
    inputs: int
    outputs: int
    without_input_gradient: int = 0


@dataclass(frozen=True)
class ModelSizes:
    """The sizes of an M2M100 or NLLB model.

    Attributes:
        dimension: d of the paper, `d_model` in `config.json`.
        encoder_layers: Number of encoder layers.
        decoder_layers: Number of decoder layers.
        encoder_feed_forward: Width of the encoder's feed-forward networks.
        decoder_feed_forward: Width of the decoder's feed-forward networks.
        vocabulary: Rows of the embeddings.
    """

    dimension: int
    encoder_layers: int
    decoder_layers: int
    encoder_feed_forward: int
    decoder_feed_forward: int
    vocabulary: int

    @classmethod
    def read(cls, file: Path) -> ModelSizes:
        """Reads the sizes of a model from its `config.json`.

        Raises:
            ValueError: The file does not have these sizes; the message names it.
        """
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            return cls(*(int(values[key]) for key in _KEYS))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{file}: not the configuration of an M2M100 model ({error!r})") from None

    @property
    def parameters(self) -> int:
        """The number of parameters.

        Embeddings and output projection are one matrix, and positions have no parameters.
        """
        d = self.dimension
        attention, norm = 4 * (d * d + d), 2 * d
        encoder = attention + _feed_forward_parameters(d, self.encoder_feed_forward) + 2 * norm
        decoder = 2 * attention + _feed_forward_parameters(d, self.decoder_feed_forward) + 3 * norm
        layers = self.encoder_layers * encoder + self.decoder_layers * decoder
        return self.vocabulary * d + layers + 2 * norm

    def model_bytes(self, bytes_per_number: int) -> int:
        """Returns the size of `model.safetensors`, with 4 bytes per number in float32 or 2 in float16."""
        tensors = 1 + 16 * self.encoder_layers + 26 * self.decoder_layers + 4
        return bytes_per_number * self.parameters + HEADER_BYTES * tensors

    def layers(self, side: str) -> int:
        """Returns the number of layers of `encoder` or `decoder`."""
        return self.encoder_layers if side == "encoder" else self.decoder_layers

    def feed_forward(self, side: str) -> int:
        """Returns the width of the feed-forward networks of `encoder` or `decoder`."""
        return self.encoder_feed_forward if side == "encoder" else self.decoder_feed_forward

    def lslo_matrices(self, modules: str) -> list[MatrixGroup]:
        """Returns the weight matrices of each layer that get an LSLo (Section 6.1), by side and shape.

        Args:
            modules: `all`, or `fc` for fc1 and fc2 only.
        """
        d, groups = self.dimension, []
        for side in SIDES:
            width = self.feed_forward(side)
            if modules == "all":
                projections = tuple(module for module in MODULES[side] if module not in FEED_FORWARD)
                # Of the lowest layer: q, k and v.
                groups.append(MatrixGroup(side, projections, d, d, without_input_gradient=3))
            # The decoder's fc1 is above cross-attention, which passes gradients on to the encoder's modules.
            first = int(modules == "fc" and side == "encoder")
            groups.append(MatrixGroup(side, ("fc1",), d, width, without_input_gradient=first))
            groups.append(MatrixGroup(side, ("fc2",), width, d))
        return groups

    def adapter_parameters(self, ranks: Mapping[str, int], modules: str = "all") -> int:
        """Returns the number of parameters of an adapter (Equation 3): r (d + k) per language and matrix.

        Args:
            ranks: The rank of each language.
            modules: `all` or `fc`.
        """
        return sum(ranks.values()) * sum(
            self.layers(group.side) * len(group.modules) * (group.inputs + group.outputs)
            for group in self.lslo_matrices(modules)
        )

    def adapter_bytes(self, ranks: Mapping[str, int], modules: str = "all") -> int:
        """Returns the size of `adapter.safetensors`: an A and a B per language and matrix, in float32.

        Args:
            ranks: The rank of each language.
            modules: `all` or `fc`.
        """
        matrices = sum(self.layers(group.side) * len(group.modules) for group in self.lslo_matrices(modules))
        tensors = 2 * len(ranks) * matrices
        return FLOAT32 * self.adapter_parameters(ranks, modules) + HEADER_BYTES * tensors

    def activation_bytes(self, tokens: int, precision: str) -> int:
        """Returns a rough estimate of what a batch keeps in memory for the backward pass, in bytes.

        A token keeps in an encoder layer the inputs and outputs of two norms and four projections, and the
        outputs of fc1 and of the ReLU; in a decoder layer the same with two attentions. The matrices of
        attention are not kept.

        Args:
            tokens: Source tokens of the batch; as many target tokens are assumed.
            precision: `float32`, `bfloat16` or `float16`.
        """
        d = self.dimension
        encoder = self.encoder_layers * (12 * d + 2 * self.encoder_feed_forward)
        decoder = self.decoder_layers * (20 * d + 2 * self.decoder_feed_forward)
        return tokens * (encoder + decoder) * BYTES_OF_PRECISION[precision]


def state_bytes(trained: int) -> int:
    """Returns the size of a saved training state: the trained numbers and Adam's moments in float32."""
    return (1 + MOMENTS) * FLOAT32 * trained


def _feed_forward_parameters(dimension: int, width: int) -> int:
    return 2 * dimension * width + width + dimension


_M2M_SMALL = (1024, 12, 12, 4096, 4096)
_M2M_LARGE = (1024, 24, 24, 8192, 8192)
# The sizes that are known before a download, by the source in config/sources.tsv or the id on the hub. The
# vocabulary of M2M-124 is its 256,000 pieces and the tokens of its languages; a few more rows make no
# difference here.
KNOWN_MODELS = {
    "m2m124_615M": ModelSizes(*_M2M_SMALL, 256_128),
    "m2m124_175M": ModelSizes(512, 6, 6, 2048, 2048, 256_128),
    "facebook/m2m100_418M": ModelSizes(*_M2M_SMALL, 128_112),
    "facebook/m2m100_1.2B": ModelSizes(*_M2M_LARGE, 128_112),
    "facebook/nllb-200-distilled-600M": ModelSizes(*_M2M_SMALL, 256_206),
    "facebook/nllb-200-distilled-1.3B": ModelSizes(*_M2M_LARGE, 256_206),
    "facebook/nllb-200-1.3B": ModelSizes(*_M2M_LARGE, 256_206),
    "facebook/nllb-200-3.3B": ModelSizes(2048, 24, 24, 8192, 8192, 256_206),
}
