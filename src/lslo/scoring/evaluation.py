"""Scores folders of translations: those of a trained setting, and those after each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas

from lslo.corpus.plain_text import read_hypotheses, read_split
from lslo.scoring.bleu import Direction, direction_statistics
from lslo.scoring.directions import score_directions, stack_epochs
from lslo.scoring.score_files import read_scores, write_scores, write_statistics
from lslo.scoring.spbleu_tokenizer import SpbleuTokenizer, spbleu_tokenizer


@dataclass(frozen=True)
class EvaluationSet:
    """The test set that translations are scored on, with the directions to score and spBLEU's tokenizer.

    Attributes:
        references: The test sentences of each language.
        directions: The directions to score.
        tokenizer: The tokenizer of spBLEU.
    """

    references: Mapping[str, Sequence[str]]
    directions: Sequence[Direction]
    tokenizer: SpbleuTokenizer

    @classmethod
    def read(
        cls,
        split: Path,
        languages: Sequence[str],
        directions: Sequence[Sequence[str]],
        *,
        tokenizer: str,
        base_model: Path,
    ) -> EvaluationSet:
        """Reads the references and loads the tokenizer.

        Args:
            split: The folder of the test set, which has `{language}.txt` for each language.
            languages: The languages of the test set.
            directions: The directions to score, each a source and a target language.
            tokenizer: `flores101`, or `base_model` for the base model's own.
            base_model: The base model's folder.
        """
        return cls(
            read_split(split, languages),
            [(source, target) for source, target in directions],
            spbleu_tokenizer(tokenizer, base_model),
        )

    def read_translations(self, folder: Path) -> dict[Direction, list[str]]:
        """Reads the translations of each direction from `{folder}/{source}-{target}.txt`."""
        return {
            (source, target): read_hypotheses(folder / f"{source}-{target}.txt")
            for source, target in self.directions
        }


def score_setting(
    translations: Path, evaluation_set: EvaluationSet, scores_file: Path, statistics_file: Path
) -> None:
    """Scores the translations of a setting.

    Args:
        translations: The folder of the translations.
        evaluation_set: The test set and the directions.
        scores_file: The file to write with spBLEU and chrF++ of each direction (scores.csv).
        statistics_file: The file to write with the counts of spBLEU in each sentence (statistics.npz).
    """
    hypotheses = evaluation_set.read_translations(translations)
    references, tokenizer = evaluation_set.references, evaluation_set.tokenizer
    statistics = direction_statistics(hypotheses, references, tokenizer)
    write_statistics(statistics, statistics_file)
    write_scores(score_directions(hypotheses, references, tokenizer, statistics), scores_file)


def score_epochs(
    translations: Path,
    evaluation_set: EvaluationSet,
    scores_file: Path,
    *,
    epochs: int,
    base_model_scores: Path,
    final_scores: Path,
) -> None:
    """Scores the translations after each epoch of a training (Figure 3).

    The base model is epoch 0, and the trained setting is the last epoch; both are scored already.

    Args:
        translations: The folder that has a folder `epoch{number}` of translations for each epoch but the
            first and the last.
        evaluation_set: The test set and the directions.
        scores_file: The file to write (epoch_scores.csv).
        epochs: The number of epochs of the training.
        base_model_scores: scores.csv of the base model.
        final_scores: scores.csv of the setting.
    """
    scores = {0: _scores_of(evaluation_set.directions, base_model_scores)}
    for epoch in range(1, epochs):
        hypotheses = evaluation_set.read_translations(translations / f"epoch{epoch}")
        scores[epoch] = score_directions(hypotheses, evaluation_set.references, evaluation_set.tokenizer)
    scores[epochs] = _scores_of(evaluation_set.directions, final_scores)
    write_scores(stack_epochs(scores), scores_file)


def _scores_of(directions: Sequence[Direction], path: Path) -> pandas.DataFrame:
    """Reads the scores of some directions."""
    scores = read_scores(path)
    wanted = set(directions)
    rows = [direction in wanted for direction in zip(scores["source"], scores["target"], strict=True)]
    return scores[rows]
