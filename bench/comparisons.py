"""The comparisons: which engines do which work, and how their results are held against each other."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import agreement
from results import EngineResult
from scoring_work import write_scoring_work
from sizes import DIRECTIONS, Size
from training_work import write_small_training_work, write_training_work
from work import Work, write_translation_work

TRAINED_SETTINGS = ("2;2;8", "64;64;64")

Check = Callable[[Work, EngineResult, EngineResult], str]


@dataclass(frozen=True)
class Engine:
    """An engine of a comparison.

    title: in the table. function: `module:function`, run in a process of its own. check: given the work,
    the result of the engine `against` and this one's, says in words how they agree or raises
    DisagreementError. requires: packages that must be installed. cpu_only: left out where a GPU computes.
    """

    name: str
    title: str
    function: str
    check: Check | None = None
    against: str = agreement.LSLO
    requires: tuple[str, ...] = ()
    cpu_only: bool = False

    def lacks(self) -> list[str]:
        """Packages that are not installed."""
        return [package for package in self.requires if importlib.util.find_spec(package) is None]


@dataclass(frozen=True)
class Comparison:
    """Engines on the same work. The first engine is lslo's.

    kind: what `--only` names. unit: of `EngineResult.work`, for throughput.
    """

    kind: str
    title: str
    size: Size
    prepare: Callable[[Path], Work]
    engines: tuple[Engine, ...]
    unit: str
    work: str
    not_covered: str

    @property
    def folder(self) -> str:
        """A name for its work's folder."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.title)


def _translations(tolerance: agreement.TranslationTolerance) -> Check:
    def check(work: Work, expected: EngineResult, found: EngineResult) -> str:
        return agreement.check_translations(work, expected.outputs, found.outputs, tolerance)

    return check


def translation(size: Size, setting: str = "2;2;8") -> Comparison:
    """All directions of a test set, beam search as fairseq's."""
    same = _translations(agreement.SAME_SEARCH)
    converter = ("ctranslate2",)
    return Comparison(
        "translation",
        f"Translation, {size.name}, {setting}",
        size,
        lambda folder: write_translation_work(folder, size, setting),
        (
            Engine(agreement.LSLO, "lslo, all directions in shared batches", "translation_engines:run_lslo"),
            Engine(
                "hugging_face",
                "Hugging Face generate, a direction at a time, merged",
                "translation_engines:run_hugging_face",
                same,
            ),
            Engine(
                "hugging_face_side_by_side",
                "Hugging Face generate, a direction at a time, merged, a process of one thread a core",
                "translation_engines:run_hugging_face_side_by_side",
                same,
                cpu_only=True,
            ),
            Engine(
                "ctranslate2_float32",
                "CTranslate2 float32, a direction at a time, merged and converted",
                "ctranslate2_engine:run_float32",
                _translations(agreement.OTHER_SEARCH),
                requires=converter,
            ),
            Engine(
                "ctranslate2_int8",
                "CTranslate2 int8, a direction at a time, merged and converted",
                "ctranslate2_engine:run_int8",
                _translations(agreement.LOW_PRECISION),
                requires=converter,
            ),
            Engine(
                "processes",
                "Hugging Face generate, a process a direction (loading counted)",
                "one_direction:run_processes",
                same,
            ),
        ),
        "sentences",
        f"{size.directions} directions of {size.rows} sentences, beam {size.decoding['beam']}, "
        f"LSLo {setting}.",
        "directions with so many sentences that one alone fills batches, where sharing them gains less "
        "(middle: `--directions 4 --rows 200`); memory of the processes that lslo and generate start; GPUs "
        "where the table names none.",
    )


def _losses(work: Work, expected: EngineResult, found: EngineResult) -> str:
    """Loss and gradient at the start, without dropout, over all sentence pairs."""
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


def _training_engines() -> tuple[Engine, ...]:
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
            "Floor, a process of one thread a core",
            "training_engines:run_floor_side_by_side",
            cpu_only=True,
        ),
        Engine(
            "language_adapters",
            "PEFT, an adapter a language, batches of one direction",
            "peft_engines:run_language_adapters",
            _losses,
            requires=peft,
        ),
        Engine(
            "language_adapters_side_by_side",
            "PEFT, an adapter a language, batches of one direction, a process of one thread a core",
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
    """Updates on the same sentence pairs, some directions with a full batch each."""
    engines = _training_engines()
    if setting != TRAINED_SETTINGS[0]:
        # Full fine-tuning is the same, whatever the setting.
        engines = tuple(engine for engine in engines if engine.name != "trainer")
    return Comparison(
        "training",
        f"Training, {size.name}, {setting}",
        size,
        lambda folder: write_training_work(folder, size, setting),
        engines,
        "target_tokens",
        f"LSLo {setting}, batches of {size.tokens_per_batch:,} tokens, {size.batches_per_update} an update, "
        f"dropout 0.1, label smoothing 0.2, float32; {size.trained_directions} directions with one full "
        "batch of sentence pairs each.",
        "trainings whose languages have too few pairs for full batches of one direction, which cost PEFT's "
        "adapters more; float16 and bfloat16; several GPUs; saving states; memory of the processes that "
        "engines start (with `--threads 1` all have one thread in one process).",
    )


def small_training(size: Size, setting: str) -> Comparison:
    """Updates on the demo's own sentence pairs: all directions, few pairs of each."""
    engines = {engine.name: engine for engine in _training_engines()}
    return Comparison(
        "training",
        f"Training, {size.name}, {setting}, few pairs a direction",
        replace(size, passes=1),
        lambda folder: write_small_training_work(folder, replace(size, passes=1), setting),
        (
            engines[agreement.LSLO],
            engines["language_adapters"],
            engines["language_adapters_side_by_side"],
        ),
        "target_tokens",
        f"LSLo {setting} on {size.directions} of the demo's directions, 24 sentence pairs of each, batches "
        f"of at most {size.tokens_per_batch:,} tokens, {size.batches_per_update} an update (smaller ones "
        "of one direction, in as many updates), dropout 0.1, label smoothing 0.2, float32.",
        "what a direction's own full batches would take: the comparison above.",
    )


def _same_scores(work: Work, expected: EngineResult, found: EngineResult) -> str:
    """Every score of every direction."""
    return agreement.check_numbers("scores", expected.outputs, found.outputs, 0.0, agreement.ABSOLUTE_SCORE)


def scoring(size: Size) -> Comparison:
    """spBLEU and chrF++ of all directions of a test set."""
    return Comparison(
        "scoring",
        f"Scoring, {size.name}",
        size,
        lambda folder: write_scoring_work(folder, size),
        (
            Engine(agreement.LSLO, "lslo, all directions", "scoring_engines:run_lslo"),
            Engine(
                "sacrebleu", "sacrebleu, a direction at a time", "scoring_engines:run_sacrebleu", _same_scores
            ),
        ),
        "sentences",
        f"spBLEU (the base model's pieces) and chrF++ of {DIRECTIONS} directions of {size.lines} "
        "sentences, made from the references by leaving out and swapping words.",
        "the time that a process takes to start for each direction, if sacrebleu's command line is called; "
        "sacrebleu's flores101 tokenizer, whose model has many more pieces; reading and writing files.",
    )


def selected(kinds: set[str], sizes: list[Size]) -> list[Comparison]:
    """The comparisons of these kinds on these sizes."""
    found = []
    for size in sizes:
        if "translation" in kinds:
            found.append(translation(size))
        if "training" in kinds:
            found += [training(size, setting) for setting in TRAINED_SETTINGS]
        if "training" in kinds and size.shape is None:
            found.append(small_training(size, TRAINED_SETTINGS[0]))
        # Of real text only.
        if "scoring" in kinds and size.shape is None:
            found.append(scoring(size))
    return found


def resized(size: Size, **options: int | None) -> Size:
    """A size with the options that are given."""
    return replace(size, **{name: value for name, value in options.items() if value is not None})
