"""The comparisons of training engines: updates on the same sentence pairs."""

from __future__ import annotations

from dataclasses import replace

import agreement
from comparison import Comparison, Engine
from results import EngineResult
from sizes import Size
from training_work import write_small_training_work, write_training_work
from work import Work

TRAINED_SETTINGS = ("2;2;8", "64;64;64")


def _losses(work: Work, expected: EngineResult, found: EngineResult) -> str:
    """Compares loss and gradient at the start, without dropout, over all sentence pairs."""
    text = agreement.check_numbers(
        "loss",
        {"all pairs": expected.outputs["loss"]},
        {"all pairs": found.outputs["loss"]},
        agreement.RELATIVE_LOSS,
    )
    if "gradient_norm" in expected.outputs and "gradient_norm" in found.outputs:
        text += ", " + agreement.check_numbers(
            "norm of the gradient",
            {"all pairs": expected.outputs["gradient_norm"]},
            {"all pairs": found.outputs["gradient_norm"]},
            agreement.RELATIVE_GRADIENT,
        )
    return text


def _engines() -> tuple[Engine, ...]:
    peft = ("peft", "accelerate")
    return (
        Engine(agreement.LSLO, "lslo, directions mixed in batches", "training_engines:run_lslo"),
        Engine(
            "floor",
            "Floor: forward and backward of the frozen model, no adapters, no optimizer",
            "training_engines:run_floor",
        ),
        Engine(
            "floor_side_by_side",
            "Floor, one single-threaded process per core",
            "training_engines:run_floor_side_by_side",
            cpu_only=True,
        ),
        Engine(
            "language_adapters",
            "PEFT, one adapter per language, batches of one direction",
            "peft_engines:run_language_adapters",
            _losses,
            requires=peft,
        ),
        Engine(
            "language_adapters_side_by_side",
            "PEFT, one adapter per language, batches of one direction, one single-threaded process per core",
            "peft_engines:run_language_adapters_side_by_side",
            _losses,
            requires=peft,
            cpu_only=True,
        ),
        Engine(
            "shared_adapter",
            "PEFT, one adapter for all languages",
            "peft_engines:run_shared_adapter",
            _losses,
            against="floor",
            requires=peft,
        ),
        Engine(
            "trainer",
            "Hugging Face Trainer, full fine-tuning",
            "trainer_engine:run_trainer",
            _losses,
            against="floor",
            requires=("accelerate",),
        ),
    )


def training(size: Size, setting: str) -> Comparison:
    """Returns the comparison on a few directions with one full batch of sentence pairs each."""
    engines = _engines()
    if setting != TRAINED_SETTINGS[0]:
        # Full fine-tuning has no ranks: its time is the same for every setting.
        engines = tuple(engine for engine in engines if engine.name != "trainer")
    return Comparison(
        "training",
        f"Training, {size.name}, {setting}",
        size,
        lambda folder: write_training_work(folder, size, setting),
        engines,
        "target_tokens",
        f"LSLo {setting}, batches of {size.tokens_per_batch:,} tokens, {size.batches_per_update} per update, "
        f"dropout 0.1, label smoothing 0.2, float32; {size.trained_directions} directions with one full "
        "batch of sentence pairs each.",
        "trainings whose languages have too few pairs for full batches of one direction, which cost PEFT's "
        "adapters more; float16 and bfloat16; several GPUs; saving states; memory of the processes that "
        "engines start (with `--threads 1` all have one thread in one process).",
    )


def small_training(size: Size, setting: str) -> Comparison:
    """Returns the comparison on the demo's own sentence pairs: many directions, few pairs of each."""
    engines = {engine.name: engine for engine in _engines()}
    return Comparison(
        "training",
        f"Training, {size.name}, {setting}, few pairs per direction",
        replace(size, passes=1),
        lambda folder: write_small_training_work(folder, replace(size, passes=1), setting),
        (
            engines[agreement.LSLO],
            engines["language_adapters"],
            engines["language_adapters_side_by_side"],
        ),
        "target_tokens",
        f"LSLo {setting} on {size.directions} of the demo's directions, 24 sentence pairs of each, batches "
        f"of at most {size.tokens_per_batch:,} tokens, {size.batches_per_update} per update (smaller ones "
        "of one direction, in as many updates), dropout 0.1, label smoothing 0.2, float32.",
        "what a direction's own full batches would take: the comparison above.",
    )
