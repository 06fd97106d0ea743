"""Sentence pairs of all directions, mixed into batches under a token budget (fairseq's way of counting)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from lslo.base_model.tokenizer import Tokenizer


@dataclass(frozen=True)
class TokenizedCorpus:
    """Token ids of a corpus, sequences complete with language token and `</s>`.

    languages: codes; an index below means a place in this tuple.
    sentences: sentences[language index][row] is `[language token, x…, </s>]`, int64, or None where the
    language lacks the row.
    lengths: [languages, rows] number of tokens of each, 0 where lacking.
    """

    languages: tuple[str, ...]
    sentences: tuple[tuple[np.ndarray | None, ...], ...]
    lengths: np.ndarray
    pad: int
    end_of_sentence: int

    @classmethod
    def of(cls, corpus: dict[str, Sequence[str | None]], tokenizer: Tokenizer) -> TokenizedCorpus:
        """Tokenise a corpus, given as language -> sentences, the same number of rows for each."""
        sentences = []
        for language, rows in corpus.items():
            token = tokenizer.language_token(language)
            pieces = iter(tokenizer.encode(row for row in rows if row is not None))
            sentences.append(
                tuple(
                    None if row is None else np.array([token, *next(pieces), tokenizer.end_of_sentence])
                    for row in rows
                )
            )
        lengths = np.array([[0 if row is None else len(row) for row in rows] for rows in sentences])
        return cls(tuple(corpus), tuple(sentences), lengths, tokenizer.pad, tokenizer.end_of_sentence)

    def target_tokens(self, batches: Sequence[np.ndarray]) -> int:
        """Target tokens of batches of examples [n, 3], language token and `</s>` included."""
        return sum(int(self.lengths[examples[:, 1], examples[:, 2]].sum()) for examples in batches)

    def examples(self, directions: Sequence[tuple[str, str]]) -> np.ndarray:
        """Every row of every direction once: int array [examples, 3] of source, target (indices) and row."""
        place = {language: index for index, language in enumerate(self.languages)}
        pairs = np.array([(place[source], place[target]) for source, target in directions])
        rows = self.lengths.shape[1]
        return np.column_stack([np.repeat(pairs, rows, axis=0), np.tile(np.arange(rows), len(pairs))])

    def describe(self, examples: np.ndarray) -> str:
        """Examples [n, 3] as a person can look them up: `en-fr 3, 17; fr-oc 4`, lines counted from 1."""
        lines: dict[str, list[str]] = {}
        for source, target, row in sorted(map(tuple, examples.tolist())):
            direction = f"{self.languages[source]}-{self.languages[target]}"
            lines.setdefault(direction, []).append(str(row + 1))
        return "; ".join(f"{direction} {', '.join(rows)}" for direction, rows in lines.items())


@dataclass(frozen=True)
class Batch:
    """A padded batch. All tensors are int64.

    source: [batch, source length]; decoder_input, target: [batch, target length], padded on the right.
    source_language, target_language: [batch] indices of the corpus's languages.
    target_tokens: tokens of `target` that are not padding.
    """

    source: Tensor
    decoder_input: Tensor
    target: Tensor
    source_language: Tensor
    target_language: Tensor
    pad: int
    target_tokens: int

    @property
    def source_mask(self) -> Tensor:
        """1 where `source` holds a token, 0 where padding: [batch, source length]."""
        return self.source.ne(self.pad).long()

    def __len__(self) -> int:
        return len(self.source)

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        moved = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **moved)

    def halves(self) -> list[Batch]:
        """Two batches that have this one's rows between them, padded as it is."""
        middle = (len(self) + 1) // 2
        halves = []
        for rows in (slice(0, middle), slice(middle, len(self))):
            parts = {name: value[rows] for name, value in vars(self).items() if isinstance(value, Tensor)}
            halves.append(replace(self, **parts, target_tokens=int(parts["target"].ne(self.pad).sum())))
        return halves


def pad_sequences(sequences: Sequence[np.ndarray], pad: int) -> np.ndarray:
    """[sequences, longest] filled with `pad` on the right, int64."""
    padded = np.full((len(sequences), max(map(len, sequences))), pad, dtype=np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded


def collate(corpus: TokenizedCorpus, examples: np.ndarray) -> Batch:
    """The batch of `examples` [batch, 3], in the order of their target languages.

    Rows of one language together are what LSLo modules of the decoder multiply fastest.
    """
    examples = examples[examples[:, 1].argsort(kind="stable")]
    source = pad_sequences([corpus.sentences[s][row] for s, _, row in examples], corpus.pad)
    target = pad_sequences([corpus.sentences[t][row] for _, t, row in examples], corpus.pad)
    # The decoder reads </s> first and never the last token: `[</s>, __tgt__, y…]` predicts
    # `[__tgt__, y…, </s>]`.
    decoder_input = np.full_like(target, corpus.pad)
    decoder_input[:, 0] = corpus.end_of_sentence
    decoder_input[:, 1:] = np.where(target[:, 1:] == corpus.pad, corpus.pad, target[:, :-1])
    return Batch(
        torch.from_numpy(source),
        torch.from_numpy(decoder_input),
        torch.from_numpy(target),
        torch.from_numpy(examples[:, 0].astype(np.int64)),
        torch.from_numpy(examples[:, 1].astype(np.int64)),
        corpus.pad,
        int((target != corpus.pad).sum()),
    )


def plan_batches(
    corpus: TokenizedCorpus, examples: np.ndarray, tokens_per_batch: int, generator: np.random.Generator
) -> list[np.ndarray]:
    """One epoch: the examples in random batches of similar length, directions mixed.

    A batch of n sentence pairs, the longest of max(source, target) length m, counts n·m tokens and stays
    within tokens_per_batch. The order of the batches is random too. Raises ValueError naming the language
    and line of a sentence that is longer than a batch.
    """
    source_length = corpus.lengths[examples[:, 0], examples[:, 2]]
    target_length = corpus.lengths[examples[:, 1], examples[:, 2]]
    length = np.maximum(source_length, target_length)
    if length.max() > tokens_per_batch:
        source, target, row = examples[int(length.argmax())]
        longer = source if corpus.lengths[source, row] == length.max() else target
        raise ValueError(
            f"line {row + 1} of language '{corpus.languages[longer]}' has {length.max()} tokens, more than "
            f"training.tokens_per_batch ({tokens_per_batch}) allows"
        )
    shuffled = generator.permutation(len(examples))
    order = shuffled[np.lexsort((source_length[shuffled], target_length[shuffled], length[shuffled]))]
    batches = [examples[order[start:end]] for start, end in _cut(length[order], tokens_per_batch)]
    return [batches[index] for index in generator.permutation(len(batches))]


def _cut(sorted_lengths: np.ndarray, tokens_per_batch: int) -> Iterator[tuple[int, int]]:
    """(start, end) of consecutive batches of ascending lengths, each as large as the budget allows."""
    starts = [0]
    for position, length in enumerate(sorted_lengths.tolist()):
        if (position - starts[-1] + 1) * length > tokens_per_batch:
            starts.append(position)
    yield from pairwise([*starts, len(sorted_lengths)])


def group_into_updates(batches: Sequence[np.ndarray], batches_per_update: int) -> list[Sequence[np.ndarray]]:
    """Consecutive batches whose gradients are summed into one update; the last group may be smaller."""
    return [
        batches[start : start + batches_per_update] for start in range(0, len(batches), batches_per_update)
    ]
