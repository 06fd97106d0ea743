"""Batches of sentence pairs of all directions, mixed, under a token budget counted as fairseq counts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from lslo.corpus.tokenized import TokenizedCorpus, pad_sequences
from lslo.experiment.hyperparameters import Recipe


@dataclass(frozen=True)
class Batch:
    """A padded batch of sentence pairs. All tensors are int64.

    Attributes:
        source: The source sentences, [batch, source length], padded on the right.
        decoder_input: The input of the decoder, [batch, target length], padded on the right.
        target: The tokens that the decoder is to predict, [batch, target length], padded on the right.
        source_language: Indices of the corpus's languages, [batch].
        target_language: Indices of the corpus's languages, [batch].
        pad: The id of the padding token.
        target_tokens: The number of tokens in `target` that are not padding.
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
        """The attention mask [batch, source length]: 1 where `source` holds a token, 0 where padding."""
        return self.source.ne(self.pad).long()

    def __len__(self) -> int:
        return len(self.source)

    def to(self, device: torch.device) -> Batch:
        """Returns the same batch on a device."""
        moved = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **moved)

    def halves(self) -> list[Batch]:
        """Returns two batches, the first and the second half of the rows, padded as this batch is."""
        middle = (len(self) + 1) // 2
        halves = []
        for rows in (slice(0, middle), slice(middle, len(self))):
            parts = {name: value[rows] for name, value in vars(self).items() if isinstance(value, Tensor)}
            halves.append(replace(self, **parts, target_tokens=int(parts["target"].ne(self.pad).sum())))
        return halves


def collate(corpus: TokenizedCorpus, examples: np.ndarray) -> Batch:
    """Makes a batch of examples, sorted by their target languages.

    LSLo modules of the decoder multiply fastest where rows of one language lie together.

    Args:
        corpus: The sentences.
        examples: Source language, target language (indices) and row of each sentence pair, [batch, 3].

    Returns:
        The padded batch on the CPU.
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
    """Divides the examples of an epoch into random batches of similar lengths, directions mixed.

    A batch of n sentence pairs counts n·m tokens, with m the length of its longest sentence, source or
    target. The order of the batches is random too.

    Args:
        corpus: The sentences.
        examples: Source language, target language (indices) and row of each sentence pair, [n, 3].
        tokens_per_batch: The most tokens that a batch may count.
        generator: The source of all random choices.

    Returns:
        The examples of each batch.

    Raises:
        ValueError: A sentence is longer than a batch may be; the message names its language and line.
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
    """Yields (start, end) of consecutive batches of ascending lengths, each as large as the budget allows."""
    starts = [0]
    for position, length in enumerate(sorted_lengths.tolist()):
        if (position - starts[-1] + 1) * length > tokens_per_batch:
            starts.append(position)
    yield from pairwise([*starts, len(sorted_lengths)])


def group_into_updates(batches: Sequence[np.ndarray], batches_per_update: int) -> list[Sequence[np.ndarray]]:
    """Groups consecutive batches into updates, which sum their gradients; the last update may be smaller."""
    return [
        batches[start : start + batches_per_update] for start in range(0, len(batches), batches_per_update)
    ]


@dataclass(frozen=True)
class TrainingExamples:
    """The sentence pairs that a training sees, epoch by epoch.

    Attributes:
        corpus: The sentences.
        of_epoch: Returns the examples [n, 3] of an epoch, given its number from 1.
    """

    corpus: TokenizedCorpus
    of_epoch: Callable[[int], np.ndarray]

    @classmethod
    def fixed(cls, corpus: TokenizedCorpus, examples: np.ndarray) -> TrainingExamples:
        """Returns training examples that are the same in every epoch.

        Args:
            corpus: The sentences.
            examples: Source language, target language (indices) and row of each sentence pair, [n, 3].
        """
        return cls(corpus, lambda epoch: examples)

    def updates(self, epoch: int, recipe: Recipe) -> list[Sequence[np.ndarray]]:
        """Returns the updates of an epoch, each a sequence of batches of examples [n, 3].

        The random order comes from the seed and the epoch alone: a training that was killed goes on as it
        would have gone on without the interruption.

        Args:
            epoch: The number of the epoch, from 1.
            recipe: The sizes of batches and updates, and the seed.
        """
        generator = np.random.default_rng([recipe.seed, epoch])
        batches = plan_batches(self.corpus, self.of_epoch(epoch), recipe.tokens_per_batch, generator)
        return group_into_updates(batches, recipe.batches_per_update)
