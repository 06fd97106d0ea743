"""The weight matrices that LSLo is put on, by the paper's names (Section 6.1).

Self-attention has q, k and v, cross-attention c-q, c-k and c-v, and the feed-forward network fc1 and fc2.
This module must not import PyTorch: a dry run of the workflow reads it.
"""

from __future__ import annotations

from dataclasses import dataclass

SIDES = ("encoder", "decoder")
# Side -> the matrices of each of its layers.
MODULES = {
    "encoder": ("q", "k", "v", "fc1", "fc2"),
    "decoder": ("q", "k", "v", "c-q", "c-k", "c-v", "fc1", "fc2"),
}
# The paper's name -> the name within a layer of Hugging Face's M2M100 model.
_PATHS = {
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "c-q": "encoder_attn.q_proj",
    "c-k": "encoder_attn.k_proj",
    "c-v": "encoder_attn.v_proj",
    "fc1": "fc1",
    "fc2": "fc2",
}


@dataclass(frozen=True, order=True)
class WeightMatrix:
    """A weight matrix of the base model.

    Attributes:
        side: `encoder` or `decoder`.
        layer: The number of the layer, counted from 1 at the bottom.
        module: The matrix's name in the paper, from `MODULES`.
    """

    side: str
    layer: int
    module: str

    @property
    def path(self) -> str:
        """The matrix's name below `model.model`, such as `encoder.layers.0.self_attn.q_proj`."""
        return f"{self.side}.layers.{self.layer - 1}.{_PATHS[self.module]}"
