"""Sentence pairs of all directions, mixed into batches under a token budget (fairseq's way of counting)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from lslo.corpus.tokenized import TokenizedCorpus, pad_sequences


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
