"""The comparison of translation engines: beam search over all directions of a test set."""

from __future__ import annotations

import agreement
from comparison import Check, Comparison, Engine
from results import EngineResult
from sizes import Size
from translation_work import write_translation_work
from work import Work


def _translations(tolerance: agreement.TranslationTolerance) -> Check:
    """Returns a check of translations."""

    def check(work: Work, expected: EngineResult, found: EngineResult) -> str:
        return agreement.check_translations(work, expected.outputs, found.outputs, tolerance)

    return check


def _engines() -> tuple[Engine, ...]:
    same = _translations(agreement.SAME_SEARCH)
    converter = ("ctranslate2",)
    return (
        Engine(agreement.LSLO, "lslo, all directions in shared batches", "translation_engines:run_lslo"),
        Engine(
            "hugging_face",
            "Hugging Face generate, one direction at a time, merged",
            "translation_engines:run_hugging_face",
            same,
        ),
        Engine(
            "hugging_face_side_by_side",
            "Hugging Face generate, one direction at a time, merged, one single-threaded process per core",
            "translation_engines:run_hugging_face_side_by_side",
            same,
            cpu_only=True,
        ),
        Engine(
            "ctranslate2_float32",
            "CTranslate2 float32, one direction at a time, merged and converted",
            "ctranslate2_engine:run_float32",
            _translations(agreement.OTHER_SEARCH),
            requires=converter,
        ),
        Engine(
            "ctranslate2_int8",
            "CTranslate2 int8, one direction at a time, merged and converted",
            "ctranslate2_engine:run_int8",
            _translations(agreement.LOW_PRECISION),
            requires=converter,
        ),
        Engine(
            "processes",
            "Hugging Face generate, one process per direction (loading counted)",
            "one_direction:run_processes",
            same,
        ),
    )


def translation(size: Size, setting: str = "2;2;8") -> Comparison:
    """Returns the comparison of engines that translate a test set with beam search, as fairseq does."""
    return Comparison(
        "translation",
        f"Translation, {size.name}, {setting}",
        size,
        lambda folder: write_translation_work(folder, size, setting),
        _engines(),
        "sentences",
        f"{size.directions} directions of {size.rows} sentences, beam {size.decoding['beam']}, "
        f"LSLo {setting}.",
        "directions with so many sentences that one alone fills batches, where sharing them gains less "
        "(middle: `--directions 4 --rows 200`); memory of the processes that lslo and generate start; GPUs "
        "where the table names none.",
    )
