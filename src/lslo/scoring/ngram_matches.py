"""Counts the n-grams that sentences share with their references, for all sentences at once.

This is what BLEU and chrF count: an n-gram that a sentence has h times and its reference r times matches
min(h, r) times. Symbols (characters, words, pieces) are numbered by their rank among the distinct symbols of
their sentence's reference. A reference has few distinct symbols, so a sentence's number and as many symbols
as the longest n-gram has fit exactly into a 64-bit key. A single sort of the keys brings together equal
n-grams of every order, since longer n-grams begin with shorter ones.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

KEY_BITS = 64
# The most entries of a table of ranks, [sentences, distinct symbols]: 16 MiB of uint32.
LARGEST_TABLE = 2**22


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences as numbers; equal symbols have equal numbers in all sentences.

    Attributes:
        symbols: The symbols of one sentence after the other, integers from 0, `[symbols]`.
        lengths: The number of symbols of each sentence, int64 `[sentences]`.
    """

    symbols: np.ndarray
    lengths: np.ndarray

    def part(self, start: int, stop: int) -> Sentences:
        """Returns the sentences from number `start` to before `stop`."""
        first = int(self.lengths[:start].sum())
        lengths = self.lengths[start:stop]
        return Sentences(self.symbols[first : first + int(lengths.sum())], lengths)

    def ngrams(self, order: int) -> np.ndarray:
        """Counts the n-grams of each sentence for n from 1 to `order`: int64 `[sentences, order]`."""
        return np.maximum(self.lengths[:, None] - np.arange(order), 0)


class ReferenceNgrams:
    """The n-grams of references, n from 1 to `order`, in which those of any hypotheses can be looked up."""

    def __init__(self, references: Sentences, order: int):
        self.order = order
        self._blocks = _blocks(references, order)

    def matches(self, hypotheses: Sentences) -> np.ndarray:
        """Counts the n-grams that each hypothesis shares with its reference.

        Args:
            hypotheses: The hypotheses, one for each reference.

        Returns:
            The number of matches for n from 1 to `order`, int64 `[sentences, order]`.
        """
        counts, start = [], 0
        for block in self._blocks:
            counts.append(block.matches(hypotheses.part(start, start + block.sentences)))
            start += block.sentences
        return np.concatenate([np.zeros((0, self.order), np.int64), *counts])


def _blocks(references: Sentences, order: int) -> list[_Block | _LongSentence]:
    """Divides references into blocks of neighbours whose keys fit; nearly always one block holds them all."""
    sentences = len(references.lengths)
    if not sentences:
        return []
    block = _Block.of(references, order)
    if block is not None:
        return [block]
    if sentences == 1:
        return [_LongSentence(references, order)]
    half = sentences // 2
    parts = (references.part(0, half), references.part(half, sentences))
    return [block for part in parts for block in _blocks(part, order)]


class _Block:
    """References whose keys fit into 64 bits.

    A key has, from its highest bits: the number of the sentence, `order` symbols of equal width, and 1 in a
    reference or 0 in a hypothesis. The symbols are ranks from 1. Symbols of a hypothesis that its reference
    lacks are 0, which no reference has. After the last symbol of a hypothesis comes a 0 too, and after the
    last one of a reference a rank that no hypothesis has: n-grams that reach beyond a sentence's end match
    nothing.

    Args:
        columns: The column of each symbol in `ranks`, `[symbols]`: 0 for symbols in no reference, and
            for the last entry, which stands for all larger symbols.
        ranks: The rank of each column's symbol in each sentence's reference, `[sentences, columns]`; 0
            where the reference lacks the symbol.
        references: The references.
        order: The longest n-grams that are counted.
    """

    def __init__(self, columns: np.ndarray, ranks: np.ndarray, references: Sentences, order: int):
        self.sentences = len(references.lengths)
        self._order = order
        self._columns = columns
        self._ranks = ranks
        end = int(ranks.max()) + 1
        self._width = end.bit_length()
        self._lengths = references.lengths
        self._keys = self._keys_of(references, end) | np.uint64(1)

    @classmethod
    def of(cls, references: Sentences, order: int) -> _Block | None:
        """Makes a block, or returns None if the keys do not fit or the ranks would take too much memory."""
        sentences = len(references.lengths)
        distinct = np.unique(references.symbols)
        if sentences > 1 and sentences * (len(distinct) + 1) > LARGEST_TABLE:
            return None
        # The last entry lies beyond the references' largest symbol; `_keys_of` clips larger symbols to it.
        columns = np.zeros(int(distinct.max(initial=0)) + 2, np.intp)
        columns[distinct] = np.arange(1, len(distinct) + 1)
        present = np.zeros((sentences, len(distinct) + 1), bool)
        present[np.repeat(np.arange(sentences), references.lengths), columns[references.symbols]] = True
        ranks = np.cumsum(present, axis=1, dtype=np.uint32)
        ranks *= present
        width = (int(ranks.max()) + 1).bit_length()
        if (sentences - 1).bit_length() + order * width + 1 > KEY_BITS:
            return None
        return cls(columns, ranks, references, order)

    def matches(self, hypotheses: Sentences) -> np.ndarray:
        """Counts the n-grams that each hypothesis shares with its reference: int64 `[sentences, order]`."""
        keys = np.concatenate([self._keys, self._keys_of(hypotheses, 0)])
        keys.sort()
        # The number of reference keys minus that of hypothesis keys, before each key and after the last one.
        excess = np.zeros(len(keys) + 1, np.int32)
        np.cumsum((keys & np.uint64(1)).astype(np.int32) * 2 - 1, out=excess[1:])
        changes = keys[1:] ^ keys[:-1]
        # A sentence has a key for each symbol and one for its end, so none is without keys.
        sizes = self._lengths + hypotheses.lengths + 2
        starts = np.cumsum(sizes) - sizes
        counts = np.empty((self.sentences, self._order), np.int64)
        # Marks the first key of each group of equal n-grams, and the end of the last group.
        first = np.ones(len(keys) + 1, bool)
        for n in range(1, self._order + 1):
            bits_behind = np.uint64(1 + self._width * (self._order - n))
            np.greater_equal(changes, np.uint64(1) << bits_behind, out=first[1:-1])
            # Indices, since choosing by a mask takes several times as long.
            places = np.flatnonzero(first)
            # |r - h| of each n-gram: min(r, h) = (r + h - |r - h|) / 2, and the r + h of a sentence add up to
            # its size.
            differences = np.abs(np.diff(excess.take(places)))
            counts[:, n - 1] = (sizes - np.add.reduceat(differences, places.searchsorted(starts))) // 2
        return counts

    def _keys_of(self, sentences: Sentences, end: int) -> np.ndarray:
        """Makes the keys of sentences in the order of the text, as those of hypotheses.

        Args:
            sentences: Hypotheses or references, as many as the block has.
            end: The symbol that follows the last one of each sentence.

        Returns:
            A key for each symbol and one for each sentence's end, uint64 `[symbols + sentences]`.
        """
        numbers = np.arange(self.sentences)
        rows = np.repeat(numbers, sentences.lengths)
        columns = self._columns.take(sentences.symbols, mode="clip")
        size = len(rows) + self.sentences
        symbols = np.full(size + self._order - 1, end, np.uint64)
        # Sentence i begins i places later, which leaves a place for `end` after each sentence.
        symbols[np.arange(len(rows)) + rows] = self._ranks.ravel().take(rows * self._ranks.shape[1] + columns)
        keys = np.repeat(numbers.astype(np.uint64), sentences.lengths + 1)
        for place in range(self._order):
            keys <<= np.uint64(self._width)
            keys |= symbols[place : place + size]
        keys <<= np.uint64(1)
        return keys


class _LongSentence:
    """A single reference with too many distinct symbols for a key (more than a thousand, say)."""

    sentences = 1

    def __init__(self, references: Sentences, order: int):
        self._order = order
        self._ngrams = self._counted(references)

    def matches(self, hypotheses: Sentences) -> np.ndarray:
        """Counts the n-grams that the hypothesis shares with the reference: int64 `[1, order]`."""
        pairs = zip(self._counted(hypotheses), self._ngrams, strict=True)
        return np.array([[(ngrams & reference).total() for ngrams, reference in pairs]], np.int64)

    def _counted(self, sentences: Sentences) -> list[Counter]:
        symbols = sentences.symbols.tolist()
        return [
            Counter(zip(*(symbols[place:] for place in range(n)), strict=False))
            for n in range(1, self._order + 1)
        ]
