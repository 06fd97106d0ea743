"""The files of scores (CSV) and of the sentence counts of spBLEU (NumPy)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas

from lslo.errors import one_line
from lslo.scoring.bleu import STATISTICS, DirectionStatistics
from lslo.scoring.frame_columns import require_columns

SCORE_COLUMNS = ("source", "target", "spbleu", "chrf", "spbleu_signature", "chrf_signature")
EPOCH_SCORE_COLUMNS = ("epoch", "source", "target", "spbleu", "chrf")


def write_scores(scores: pandas.DataFrame, path: str | Path) -> None:
    """Writes scores.csv or epoch_scores.csv: UTF-8, a header, scores with four decimals."""
    scores.to_csv(path, index=False, float_format="%.4f", lineterminator="\n")


def read_scores(path: str | Path) -> pandas.DataFrame:
    """Reads scores.csv or epoch_scores.csv.

    Raises:
        ValueError: A column is missing, or a score is not a number.
    """
    # By default pandas would read the language code "nan" (Min Nan Chinese) as a missing value.
    try:
        scores = pandas.read_csv(path, keep_default_na=False)
    except ValueError as error:
        raise ValueError(f"{path}: not a file of scores ({one_line(error)})") from None
    require_columns(scores, EPOCH_SCORE_COLUMNS if "epoch" in scores.columns else SCORE_COLUMNS, str(path))
    for column in ("spbleu", "chrf"):
        try:
            scores[column] = pandas.to_numeric(scores[column])
        except ValueError as error:
            raise ValueError(
                f"{path}: column {column} has a score that is not a number ({one_line(error)})"
            ) from error
        if not np.isfinite(scores[column]).all():
            raise ValueError(f"{path}: column {column} has a score that is not a number")
    return scores


def write_statistics(statistics: DirectionStatistics, path: str | Path) -> None:
    """Writes statistics.npz: compressed, without pickles, the same bytes for the same statistics."""
    counts = statistics.counts
    # The narrowest integers that hold the counts: compressing them takes half the memory and time of int32.
    narrow = counts.astype(np.min_scalar_type(counts.max(initial=0)))
    with Path(path).open("wb") as file:  # np.savez would append .npz to any other name.
        np.savez_compressed(
            file,
            directions=np.array(statistics.directions, dtype=str),
            statistics=np.array(STATISTICS),
            counts=narrow,
            signature=np.array(statistics.signature),
        )


def read_statistics(path: str | Path) -> DirectionStatistics:
    """Reads statistics.npz.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is damaged, or was not written by `write_statistics`.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            directions, names, counts, signature = (
                arrays[name] for name in ("directions", "statistics", "counts", "signature")
            )
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: no such statistics of spBLEU; score this setting first") from error
    # The kind of error depends on where the file is damaged.
    except Exception as error:
        raise ValueError(f"{path}: not a file of spBLEU statistics, or damaged") from error
    if directions.ndim != 2 or directions.shape[1] != 2 or names.ndim != 1 or counts.dtype.kind not in "iu":
        raise ValueError(f"{path}: not a file of spBLEU statistics, or damaged")
    expected = (len(directions), len(STATISTICS))
    if tuple(names) != STATISTICS or counts.ndim != 3 or (counts.shape[0], counts.shape[2]) != expected:
        raise ValueError(f"{path}: spBLEU statistics of another form (counts {list(counts.shape)})")
    pairs = tuple((str(source), str(target)) for source, target in directions)
    return DirectionStatistics(pairs, counts.astype(np.int32), str(signature))
