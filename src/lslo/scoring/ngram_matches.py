"""How many n-grams of each sentence are also in its reference, for all sentences at once.

What BLEU and chrF count: an n-gram that a sentence has h times and its reference r times matches min(h, r)
times. The symbols of a sentence (characters, words, pieces) are numbered by their rank among the distinct
ones of its reference. These are few, so a sentence's number and as many symbols as the longest n-gram has fit
in a 64-bit key, exactly, and a single sort brings together equal n-grams of every order, since longer ones
begin with shorter ones.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

KEY_BITS = 64
# Of a table of ranks, [sentences, distinct symbols]: 16 MiB of uint32.
LARGEST_TABLE = 2**22


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences as numbers, the same symbol having the same one everywhere.

    Attributes:
        symbols: integers from 0 [symbols], of one sentence after the other.
        lengths: int64 [sentences], how many symbols each has.
    """

    symbols: np.ndarray
    lengths: np.ndarray

    def part(self, start: int, stop: int) -> Sentences:
        """Those from `start` to before `stop`."""
        first = int(self.lengths[:start].sum())
        lengths = self.lengths[start:stop]
        return Sentences(self.symbols[first : first + int(lengths.sum())], lengths)

    def ngrams(self, order: int) -> np.ndarray:
        """How many n-grams each sentence has, for n from 1 to `order`: int64 [sentences, order]."""
        return np.maximum(self.lengths[:, None] - np.arange(order), 0)


class ReferenceNgrams:
    """The n-grams of references, for n from 1 to `order`, to count those of any number of hypotheses in."""

    def __init__(self, references: Sentences, order: int):
        self.order = order
        self._blocks = _blocks(references, order)

    def matches(self, hypotheses: Sentences) -> np.ndarray:
        """How many n-grams of each hypothesis its reference has too: int64 [sentences, order]."""
        counts, start = [], 0
        for block in self._blocks:
            counts.append(block.matches(hypotheses.part(start, start + block.sentences)))
            start += block.sentences
        return np.concatenate([np.zeros((0, self.order), np.int64), *counts])


def _blocks(references: Sentences, order: int) -> list[_Block | _LongSentence]:
    """Sentences next to each other, together where their keys fit: nearly always all of them."""
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
    """References whose keys fit.

    Bits of a key, from the highest: the number of the sentence, `order` symbols of the same width, and 1 of a
    reference or 0 of a hypothesis. The symbols are ranks from 1. After the last symbol of a reference comes
    one that no hypothesis has, and after that of a hypothesis (as in place of all symbols that its reference
    lacks) 0, which no reference has: what reaches beyond a sentence's end matches nothing.
    """

    def __init__(self, columns: np.ndarray, ranks: np.ndarray, references: Sentences, order: int):
        self.sentences = len(references.lengths)
        self._order = order
        # [symbols' numbers], the column of each in `ranks`: 0 of those in no reference, as of the last one.
        self._columns = columns
        # [sentences, columns], the rank of a symbol in a sentence's reference, 0: not in there.
        self._ranks = ranks
        end = int(ranks.max()) + 1
        self._width = end.bit_length()
        self._lengths = references.lengths
        self._keys = self._keys_of(references, end) | np.uint64(1)

    @classmethod
    def of(cls, references: Sentences, order: int) -> _Block | None:
        """None: their keys do not fit, or their ranks take too much memory."""
        sentences = len(references.lengths)
        distinct = np.unique(references.symbols)
        if sentences > 1 and sentences * (len(distinct) + 1) > LARGEST_TABLE:
            return None
        # Larger symbols take the last column (`_symbols_of`).
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
        """How many n-grams of each hypothesis its reference has too: int64 [sentences, order]."""
        keys = np.concatenate([self._keys, self._keys_of(hypotheses, 0)])
        keys.sort()
        # How many keys of references there are more than of hypotheses, before each key and after the last.
        excess = np.zeros(len(keys) + 1, np.int32)
        np.cumsum((keys & np.uint64(1)).astype(np.int32) * 2 - 1, out=excess[1:])
        changes = keys[1:] ^ keys[:-1]
        # A key for each symbol and one for the end, so no sentence is without any.
        sizes = self._lengths + hypotheses.lengths + 2
        starts = np.cumsum(sizes) - sizes
        counts = np.empty((self.sentences, self._order), np.int64)
        # Whether a key is the first of equal n-grams; and the end.
        first = np.ones(len(keys) + 1, bool)
        for n in range(1, self._order + 1):
            bits_behind = np.uint64(1 + self._width * (self._order - n))
            np.greater_equal(changes, np.uint64(1) << bits_behind, out=first[1:-1])
            # Indices, since choosing by a mask takes several times as long.
            places = np.flatnonzero(first)
            # |r - h| of each n-gram, where the sentence's r + h sum to its size: min = (r + h - |r - h|) / 2.
            differences = np.abs(np.diff(excess.take(places)))
            counts[:, n - 1] = (sizes - np.add.reduceat(differences, places.searchsorted(starts))) // 2
        return counts

    def _keys_of(self, sentences: Sentences, end: int) -> np.ndarray:
        """The keys of a hypothesis, in the order of the text: uint64 [symbols + sentences]."""
        numbers = np.arange(self.sentences)
        rows = np.repeat(numbers, sentences.lengths)
        columns = self._columns.take(sentences.symbols, mode="clip")
        size = len(rows) + self.sentences
        symbols = np.full(size + self._order - 1, end, np.uint64)
        # A place is left after each sentence.
        symbols[np.arange(len(rows)) + rows] = self._ranks.ravel().take(rows * self._ranks.shape[1] + columns)
        keys = np.repeat(numbers.astype(np.uint64), sentences.lengths + 1)
        for place in range(self._order):
            keys <<= np.uint64(self._width)
            keys |= symbols[place : place + size]
        keys <<= np.uint64(1)
        return keys


class _LongSentence:
    """A reference with too many distinct symbols for a key (more than a thousand characters, say)."""

    sentences = 1

    def __init__(self, references: Sentences, order: int):
        self._order = order
        self._ngrams = self._counted(references)

    def matches(self, hypotheses: Sentences) -> np.ndarray:
        """As of _Block."""
        pairs = zip(self._counted(hypotheses), self._ngrams, strict=True)
        return np.array([[(ngrams & reference).total() for ngrams, reference in pairs]], np.int64)

    def _counted(self, sentences: Sentences) -> list[Counter]:
        symbols = sentences.symbols.tolist()
        return [
            Counter(zip(*(symbols[place:] for place in range(n)), strict=False))
            for n in range(1, self._order + 1)
        ]
