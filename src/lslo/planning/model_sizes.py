"""How large base models and adapters are, by their configuration alone: no weights are looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FLOAT32 = 4
BYTES_OF_PRECISION = {"float32": 4, "bfloat16": 2, "float16": 2}
# Of a tensor's entry in the header of a safetensors file: its name, form and place, as JSON.
HEADER_BYTES = 115
# Adam keeps two moments of each number that is trained.
MOMENTS = 2


@dataclass(frozen=True)
class WeightMatrices:
    """Matrices of one form that LSLo is put on: `number` a layer of `side`, each [outputs, inputs].

    first: of them in the lowest layer, those whose input needs no gradient, because nothing below is trained.
    """

    side: str
    inputs: int
    outputs: int
    number: int
    first: int


@dataclass(frozen=True)
class ModelSizes:
    """The sizes of an M2M100 or NLLB model, as `config.json` names them.

    dimension: d. encoder_feed_forward, decoder_feed_forward: f. vocabulary: V, rows of the embeddings.
    """

    dimension: int
    encoder_layers: int
    decoder_layers: int
    encoder_feed_forward: int
    decoder_feed_forward: int
    vocabulary: int

    @classmethod
    def read(cls, file: Path) -> ModelSizes:
        """From a `config.json`. Raises ValueError naming the file if it has no such sizes."""
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            return cls(
                *(
                    int(values[key])
                    for key in (
                        *("d_model", "encoder_layers", "decoder_layers"),
                        *("encoder_ffn_dim", "decoder_ffn_dim", "vocab_size"),
                    )
                )
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{file}: not the configuration of an M2M100 model ({error!r})") from None

    @property
    def parameters(self) -> int:
        """All of them; embeddings and output projection are one matrix, positions have no parameters."""
        d = self.dimension
        attention, norm = 4 * (d * d + d), 2 * d
        encoder = attention + _feed_forward(d, self.encoder_feed_forward) + 2 * norm
        decoder = 2 * attention + _feed_forward(d, self.decoder_feed_forward) + 3 * norm
        layers = self.encoder_layers * encoder + self.decoder_layers * decoder
        return self.vocabulary * d + layers + 2 * norm

    def model_bytes(self, bytes_of_number: int) -> int:
        """Of `model.safetensors`."""
        tensors = 1 + 16 * self.encoder_layers + 26 * self.decoder_layers + 4
        return bytes_of_number * self.parameters + HEADER_BYTES * tensors

    def layers(self, side: str) -> int:
        """Layers of `encoder` or `decoder`."""
        return self.encoder_layers if side == "encoder" else self.decoder_layers

    def lslo_matrices(self, modules: str) -> list[WeightMatrices]:
        """What LSLo is put on (Section 6.1). modules: `all`, or `fc` for fc1 and fc2 only."""
        d, found = self.dimension, []
        for side, feed_forward, projections in (
            ("encoder", self.encoder_feed_forward, 3),
            ("decoder", self.decoder_feed_forward, 6),
        ):
            alone = modules == "fc"
            if not alone:
                # q, k and v, in the decoder c-q, c-k and c-v too.
                found.append(WeightMatrices(side, d, d, projections, 3))
            # The decoder's fc1 is above cross-attention, through which the encoder's are reached.
            found.append(WeightMatrices(side, d, feed_forward, 1, int(alone and side == "encoder")))
            found.append(WeightMatrices(side, feed_forward, d, 1, 0))
        return found

    def adapter_parameters(self, ranks: Mapping[str, int], modules: str = "all") -> int:
        """Numbers of an adapter (Equation 3): r (d + k) a language and matrix. ranks: of each language."""
        return sum(ranks.values()) * sum(
            self.layers(matrices.side) * matrices.number * (matrices.inputs + matrices.outputs)
            for matrices in self.lslo_matrices(modules)
        )

    def adapter_bytes(self, ranks: Mapping[str, int], modules: str = "all") -> int:
        """Of `adapter.safetensors`, in float32: an A and a B for each language and matrix."""
        tensors = 2 * len(ranks)
        tensors *= sum(self.layers(m.side) * m.number for m in self.lslo_matrices(modules))
        return FLOAT32 * self.adapter_parameters(ranks, modules) + HEADER_BYTES * tensors

    def activation_bytes(self, tokens: int, precision: str) -> int:
        """Rough: what a batch of so many source and as many target tokens keeps for the backward pass.

        Of a token in an encoder layer: two norms' and four projections' inputs and outputs, fc1's output and
        the ReLU's; in a decoder layer the same with two attentions. Attention's own matrices are not kept.
        """
        d = self.dimension
        encoder = self.encoder_layers * (12 * d + 2 * self.encoder_feed_forward)
        decoder = self.decoder_layers * (20 * d + 2 * self.decoder_feed_forward)
        return tokens * (encoder + decoder) * BYTES_OF_PRECISION[precision]


def state_bytes(trained: int) -> int:
    """A saved training state: the trained numbers and Adam's moments, float32."""
    return (1 + MOMENTS) * FLOAT32 * trained


def _feed_forward(dimension: int, feed_forward: int) -> int:
    return 2 * dimension * feed_forward + feed_forward + dimension


_M2M_SMALL = (1024, 12, 12, 4096, 4096)
_M2M_LARGE = (1024, 24, 24, 8192, 8192)
# What is known before a download, by source of config/sources.tsv or id on the hub. M2M-124's vocabulary is
# its 256,000 pieces and the tokens of its languages; a few rows more make no difference here.
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
