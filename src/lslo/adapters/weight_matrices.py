"""The weight matrices that LSLo is put on, by the paper's names; imports no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

SIDES = ("encoder", "decoder")


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


MODULES = {
    "encoder": ("q", "k", "v", "fc1", "fc2"),
    "decoder": ("q", "k", "v", "c-q", "c-k", "c-v", "fc1", "fc2"),
}


@dataclass(frozen=True, order=True)
class WeightMatrix:
    """A weight matrix of the base model: `encoder` or `decoder`, its layer from 1, the module's name."""

    side: str
    layer: int
    module: str

    @property
    def path(self) -> str:
        """The matrix's name below `model.model`, such as `encoder.layers.0.self_attn.q_proj`."""
        return f"{self.side}.layers.{self.layer - 1}.{_PATHS[self.module]}"
