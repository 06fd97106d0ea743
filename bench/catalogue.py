"""The catalogue of comparisons, by kind and size."""

from __future__ import annotations

from dataclasses import replace

from comparison import Comparison
from scoring_comparison import scoring
from sizes import Size
from training_comparisons import TRAINED_SETTINGS, small_training, training
from translation_comparison import translation


def selected(kinds: set[str], sizes: list[Size]) -> list[Comparison]:
    """Returns the comparisons of some kinds on some sizes."""
    found = []
    for size in sizes:
        if "translation" in kinds:
            found.append(translation(size))
        if "training" in kinds:
            found += [training(size, setting) for setting in TRAINED_SETTINGS]
        # The other sizes have random text, with neither the demo's pairs nor words to score.
        if "training" in kinds and size.shape is None:
            found.append(small_training(size, TRAINED_SETTINGS[0]))
        if "scoring" in kinds and size.shape is None:
            found.append(scoring(size))
    return found


def resized(size: Size, **options: int | None) -> Size:
    """Returns a size with some of its fields replaced; an option that is None changes nothing."""
    return replace(size, **{name: value for name, value in options.items() if value is not None})
