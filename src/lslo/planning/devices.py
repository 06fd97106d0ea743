"""How fast GPUs and CPUs are taken to be: their peaks by data sheet, and the share that work reaches."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from lslo.experiment.config import Planning

TERA = 1e12


@dataclass(frozen=True)
class Device:
    """A GPU, or a core of a CPU.

    peak: FLOP/s of dense bfloat16 matrix products, by the maker's data sheet (of the V100 and the T4, which
    have no bfloat16, float16). memory: GB.
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
# FLOP/s of one core without a GPU, measured with the demo's small model in float32 on one core of a server;
# of a large model it is more.
CORE_TRAINING = 3.5e10
CORE_TRANSLATION = 5.5e10


def machine_cores() -> int:
    """Of this machine, those that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Rates:
    """What a plan's hours are reckoned with.

    name: of the device. training, translation: FLOP/s. tokens_per_second: target tokens of a training, `lslo`
    and `full`, and sentences_per_second: of translation, where they were measured. memory: of the device in
    bytes, None if not known. sources: what is assumed, a line each.
    """

    name: str
    training: float
    translation: float
    tokens_per_second: Mapping[str, float]
    sentences_per_second: float | None
    memory: float | None
    sources: tuple[str, ...]

    @classmethod
    def of(cls, plan: Planning, gpus: int) -> Rates:
        """Of the configuration's section `plan`. gpus: of a training; without, a core of the CPU computes."""
        name = plan.device or (DEFAULT_GPU if gpus else CPU)
        tokens = plan.measured.tokens_per_second.model_dump(exclude_none=True)
        sentences = plan.measured.sentences_per_second
        sources = []
        if name == CPU:
            training, translation, memory = CORE_TRAINING, CORE_TRANSLATION, None
            sources.append(
                f"{name}: {training / 1e9:.0f} GFLOP/s a core in training, {translation / 1e9:.0f} in "
                "translation: what the demo's small model reached on one core of a server; a large model "
                "and another machine differ"
            )
        else:
            device = DEVICES[name]
            shares = [plan.training_share, plan.translation_share]
            training, translation = (share * device.peak for share in shares)
            memory = device.memory * 1e9
            sources.append(
                f"{name}: {device.peak / TERA:g} TFLOP/s by its data sheet (dense, bfloat16); it is assumed, "
                f"not measured, that training reaches {shares[0]:.0%} of it and translation {shares[1]:.0%}: "
                "`python bench/paper_scale.py` measures your GPU, and `plan.measured` takes what it prints"
            )
        sources += [
            f"measured, as the configuration says: {value:,.0f} target tokens/s in {kind} trainings"
            for kind, value in tokens.items()
        ]
        if sentences:
            sources.append(f"measured, as the configuration says: {sentences:,.0f} sentences/s translated")
        return cls(name, training, translation, tokens, sentences, memory, tuple(sources))

    @property
    def on_core(self) -> bool:
        """Whether the device is a core of a CPU, which the jobs that need no GPU occupy too."""
        return self.name == CPU

    @property
    def title(self) -> str:
        """Of one device, in a sentence."""
        return f"{self.name} core" if self.on_core else self.name

    def training_seconds(self, kind: str, flops: float, target_tokens: float) -> float:
        """Of one device. kind: `lslo` or `full`."""
        if kind in self.tokens_per_second:
            return target_tokens / self.tokens_per_second[kind]
        return flops / self.training

    def translation_seconds(self, flops: float, sentences: float) -> float:
        """Of one device."""
        if self.sentences_per_second:
            return sentences / self.sentences_per_second
        return flops / self.translation
