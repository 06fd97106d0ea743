"""What chrF++ counts in the hypotheses of a target language: sacrebleu's numbers, all sentences at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

import numpy as np
from sacrebleu.metrics import CHRF

from lslo.scoring.ngram_matches import ReferenceNgrams, Sentences

CHRF_WORD_ORDER = 2  # chrF++


class ChrfReferences:
    """References of a target language, which the hypotheses of every source language are compared with."""

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
        """Of chrF++ with one reference a sentence."""
        return str(self._metric.get_signature())

    def statistics(self, hypotheses: Sequence[str]) -> np.ndarray:
        """Sums over sentences, for sacrebleu's orders (characters, then words): int64 [orders, 3].

        The last axis: n-grams of the hypotheses, of the references, and of both.
        """
        sums = []
        kinds = (self._vocabulary.symbols(hypotheses), self._references, self._ngrams, self._orders)
        for found, expected, ngrams, order in zip(*kinds, strict=True):
            in_references = expected.ngrams(order)
            # As sacrebleu does, which leaves out hypotheses whose references are too short for an n-gram.
            in_hypotheses = found.ngrams(order) * (in_references > 0)
            counts = (in_hypotheses, in_references, ngrams.matches(found))
            sums.append(np.stack([count.sum(axis=0) for count in counts], axis=1))
        return np.concatenate(sums)

    def score(self, hypotheses: Sequence[str]) -> float:
        """chrF++ (0 to 100), by sacrebleu's formula."""
        return self._metric._compute_score_from_stats(self.statistics(hypotheses).ravel().tolist()).score


class _Vocabulary:
    """Numbers the words of a language, and keeps what sacrebleu makes of each."""

    def __init__(self, metric: CHRF):
        self._metric = metric
        # What is between whitespace, and these without their punctuation: word -> number.
        self._texts: dict[str, int] = defaultdict(lambda: len(self._texts))
        self._words: dict[str, int] = defaultdict(lambda: len(self._words))
        # Of each text: its characters, how many words it has (1 or 2), and which; 0 where it has one.
        self._characters, self._sizes, self._parts = (np.zeros(0, np.int64) for _ in range(3))

    def symbols(self, lines: Sequence[str]) -> tuple[Sentences, Sentences]:
        """The characters of each line, without whitespace, and its words."""
        split = [line.split() for line in lines]
        lengths = np.fromiter(map(len, split), np.int64, len(split))
        texts = list(chain.from_iterable(split))
        numbers = np.fromiter(map(self._texts.__getitem__, texts), np.int64, len(texts))
        self._divide_new_texts()
        # surrogatepass: as sacrebleu, take whatever a Python string holds.
        characters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        parts = self._parts.reshape(-1, 2)[numbers]
        words = parts[np.arange(2) < self._sizes[numbers][:, None]]
        return (
            Sentences(characters, _sums(self._characters[numbers], lengths)),
            Sentences(words, _sums(self._sizes[numbers], lengths)),
        )

    def _divide_new_texts(self) -> None:
        new = list(self._texts)[len(self._sizes) :]
        parts = [self._metric._remove_punctuation(text) for text in new]
        both = [[self._words[part] for part in of] for of in parts]
        flat = chain.from_iterable((of[0], of[-1]) for of in both)
        self._characters = np.append(self._characters, np.fromiter(map(len, new), np.int64, len(new)))
        self._sizes = np.append(self._sizes, np.fromiter(map(len, parts), np.int64, len(new)))
        self._parts = np.append(self._parts, np.fromiter(flat, np.int64, 2 * len(new)))


def _sums(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Of each sentence's values: int64 [sentences]."""
    totals = np.concatenate([np.zeros(1, np.int64), np.cumsum(values)])
    ends = np.cumsum(lengths)
    return totals[ends] - totals[ends - lengths]
