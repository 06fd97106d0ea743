"""The assumed speed of GPUs and CPUs: the peak by the data sheet, and the share of it that work reaches."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from lslo.experiment.config import Planning

TERA = 1e12


@dataclass(frozen=True)
class Device:
    """The peak speed and the memory of a GPU.

    Attributes:
        peak: FLOP/s of dense bfloat16 matrix products by the maker's data sheet; of float16 products for the
            V100 and the T4, which have no bfloat16.
        memory: Memory in GB.
    """

    peak: float
    memory: float


DEVICES = {
    "V100": Device(125 * TERA, 32),
    "T4": Device(65 * TERA, 16),
    "A10": Device(125 * TERA, 24),
    "A30": Device(165 * TERA, 24),
    "A40": Device(149.7 * TERA, 48),
    "A100-40GB": Device(312 * TERA, 40),
    "A100-80GB": Device(312 * TERA, 80),
    "L4": Device(121 * TERA, 24),
    "L40S": Device(362 * TERA, 48),
    "RTX-3090": Device(71 * TERA, 24),
    "RTX-4090": Device(165.2 * TERA, 24),
    "H100-PCIe": Device(756 * TERA, 80),
    "H100-SXM": Device(989 * TERA, 80),
    "H200": Device(989 * TERA, 141),
}
CPU = "CPU"
DEFAULT_GPU = "A100-80GB"
# FLOP/s of one core, measured with the demo's small model in float32 on one core of a server. A large model
# reaches more.
CORE_TRAINING = 3.5e10
CORE_TRANSLATION = 5.5e10


def machine_cores() -> int:
    """Returns the number of this machine's cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Rates:
    """The device of a plan, and the speed of trainings and translations on it.

    Attributes:
        name: The name of the GPU, or `CPU`.
        training: FLOP/s of one device in training.
        translation: FLOP/s of one device in translation.
        tokens_per_second: Measured target tokens per second of trainings, by `lslo` and `full`; empty if
            nothing was measured.
        sentences_per_second: Measured sentences per second of translation; None if not measured.
        memory: Memory of the device in bytes; None if not known.
        sources: The origins of these numbers, one sentence for each, without its full stop.
    """

    name: str
    training: float
    translation: float
    tokens_per_second: Mapping[str, float]
    sentences_per_second: float | None
    memory: float | None
    sources: tuple[str, ...]

    @classmethod
    def of(cls, planning: Planning, gpus: int) -> Rates:
        """Returns the rates that a configuration asks for.

        Args:
            planning: The configuration's section `plan`.
            gpus: The number of GPUs of a training; 0 computes on the CPU.
        """
        name = planning.device or (DEFAULT_GPU if gpus else CPU)
        tokens = planning.measured.tokens_per_second.model_dump(exclude_none=True)
        sentences = planning.measured.sentences_per_second
        measured = [
            f"Measured speed, from the configuration: {value:,.0f} target tokens/s in {kind} trainings"
            for kind, value in tokens.items()
        ]
        if sentences:
            measured.append(
                f"Measured speed, from the configuration: {sentences:,.0f} sentences/s in translation"
            )
        if name == CPU:
            training, translation, memory = CORE_TRAINING, CORE_TRANSLATION, None
            assumed = _core_source()
        else:
            peak = DEVICES[name].peak
            training, translation = planning.training_share * peak, planning.translation_share * peak
            memory = DEVICES[name].memory * 1e9
            assumed = _gpu_source(name, planning)
        return cls(name, training, translation, tokens, sentences, memory, (assumed, *measured))

    @property
    def on_core(self) -> bool:
        """Whether the device is a core of a CPU, which jobs occupy that would need no GPU."""
        return self.name == CPU

    @property
    def title(self) -> str:
        """The device's name in a sentence, as in "one A100-80GB" or "one CPU core"."""
        return f"{self.name} core" if self.on_core else self.name

    def training_seconds(self, kind: str, flops: float, target_tokens: float) -> float:
        """Returns the time that a training takes on one device.

        Args:
            kind: `lslo`, or `full` for full fine-tuning.
            flops: Floating-point operations of the training, which the time follows from unless measured.
            target_tokens: Target tokens of the training, which the time follows from if it was measured.
        """
        if kind in self.tokens_per_second:
            return target_tokens / self.tokens_per_second[kind]
        return flops / self.training

    def translation_seconds(self, flops: float, sentences: float) -> float:
        """Returns the time that a translation takes on one device.

        Args:
            flops: Floating-point operations, which the time follows from unless the speed was measured.
            sentences: Number of sentences, which the time follows from if the speed was measured.
        """
        if self.sentences_per_second:
            return sentences / self.sentences_per_second
        return flops / self.translation


def _core_source() -> str:
    return (
        f"CPU: {CORE_TRAINING / 1e9:.0f} GFLOP/s per core in training and {CORE_TRANSLATION / 1e9:.0f} in "
        "translation, which the demo's small model reached on one core of a server. Larger models and other "
        "machines differ"
    )


def _gpu_source(name: str, planning: Planning) -> str:
    return (
        f"{name}: {DEVICES[name].peak / TERA:g} TFLOP/s according to its data sheet (dense, bfloat16). "
        f"Training is assumed to reach {planning.training_share:.0%} of that and translation "
        f"{planning.translation_share:.0%}; this was not measured. `python bench/paper_scale.py` measures "
        "your GPU; write the speeds that it prints under `plan.measured`"
    )
