"""The counts of chrF++ in all hypotheses of a target language at once: sacrebleu's numbers, and its score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

import numpy as np
from sacrebleu.metrics import CHRF

from lslo.scoring.ngram_matches import ReferenceNgrams, Sentences

CHRF_WORD_ORDER = 2  # chrF++


class ChrfReferences:
    """The references of a target language, to compare the hypotheses of every source language with."""

    def __init__(self, references: Sequence[str]):
        self._metric = CHRF(word_order=CHRF_WORD_ORDER, references=[[""]])
        self._vocabulary = _Vocabulary(self._metric)
        self._references = self._vocabulary.symbols(references)
        self._orders = (self._metric.char_order, self._metric.word_order)
        self._ngrams = [
            ReferenceNgrams(sentences, order)
            for sentences, order in zip(self._references, self._orders, strict=True)
        ]

    @property
    def signature(self) -> str:
        """The signature of chrF++ with one reference for each sentence."""
        return str(self._metric.get_signature())

    def statistics(self, hypotheses: Sequence[str]) -> np.ndarray:
        """Counts n-grams of characters and of words, summed over sentences.

        Args:
            hypotheses: The translations, one for each reference.

        Returns:
            The counts, int64 `[orders, 3]`. The first axis has sacrebleu's orders (characters, then
            words); the last one the n-grams of the hypotheses, those of the references, and their matches.
        """
        sums = []
        kinds = (self._vocabulary.symbols(hypotheses), self._references, self._ngrams, self._orders)
        for found, expected, ngrams, order in zip(*kinds, strict=True):
            in_references = expected.ngrams(order)
            # sacrebleu leaves out the n-grams of a hypothesis whose reference is too short to have any.
            in_hypotheses = found.ngrams(order) * (in_references > 0)
            counts = (in_hypotheses, in_references, ngrams.matches(found))
            sums.append(np.stack([count.sum(axis=0) for count in counts], axis=1))
        return np.concatenate(sums)

    def score(self, hypotheses: Sequence[str]) -> float:
        """Computes chrF++ (0 to 100) by sacrebleu's formula."""
        return self._metric._compute_score_from_stats(self.statistics(hypotheses).ravel().tolist()).score


class _Vocabulary:
    """The words of a language, numbered, with what sacrebleu makes of each.

    A text is what stands between whitespace. sacrebleu may part its first or last character, if that is
    punctuation, from the rest, so a text is one word or two.
    """

    def __init__(self, metric: CHRF):
        self._metric = metric
        # Numbers of the texts, and of the words.
        self._texts: dict[str, int] = defaultdict(lambda: len(self._texts))
        self._words: dict[str, int] = defaultdict(lambda: len(self._words))
        # For each text: its number of characters, its number of words (1 or 2), and the numbers of its first
        # and last word, [2 · texts].
        self._characters, self._sizes, self._parts = (np.zeros(0, np.int64) for _ in range(3))

    def symbols(self, lines: Sequence[str]) -> tuple[Sentences, Sentences]:
        """Returns the characters of each line, without whitespace, and the words of each line."""
        split = [line.split() for line in lines]
        lengths = np.fromiter(map(len, split), np.int64, len(split))
        texts = list(chain.from_iterable(split))
        numbers = np.fromiter(map(self._texts.__getitem__, texts), np.int64, len(texts))
        self._divide_new_texts()
        # surrogatepass: like sacrebleu, accept anything that a Python string holds.
        characters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        parts = self._parts.reshape(-1, 2)[numbers]
        words = parts[np.arange(2) < self._sizes[numbers][:, None]]
        return (
            Sentences(characters, _sums(self._characters[numbers], lengths)),
            Sentences(words, _sums(self._sizes[numbers], lengths)),
        )

    def _divide_new_texts(self) -> None:
        """Divides the texts that were numbered since the last call into words."""
        new = list(self._texts)[len(self._sizes) :]
        words = [self._metric._remove_punctuation(text) for text in new]
        numbers = [[self._words[word] for word in of_text] for of_text in words]
        first_and_last = chain.from_iterable((of_text[0], of_text[-1]) for of_text in numbers)
        self._characters = np.append(self._characters, np.fromiter(map(len, new), np.int64, len(new)))
        self._sizes = np.append(self._sizes, np.fromiter(map(len, words), np.int64, len(new)))
        self._parts = np.append(self._parts, np.fromiter(first_and_last, np.int64, 2 * len(new)))


def _sums(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Sums the values of each sentence: int64 `[sentences]`."""
    totals = np.concatenate([np.zeros(1, np.int64), np.cumsum(values)])
    ends = np.cumsum(lengths)
    return totals[ends] - totals[ends - lengths]
