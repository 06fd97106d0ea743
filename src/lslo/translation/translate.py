"""Translation of whole texts in many directions at once.

Sentences of all directions are sorted by target language and length, and share batches. Each sentence of a
batch is routed through the LSLo modules of its own direction's languages. On a CPU, several processes share
the batches of a small model.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TextIO

import numpy as np
import torch
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.tokenized import TokenizedCorpus, pad_sequences
from lslo.experiment.hyperparameters import Decoding
from lslo.running.fork_pool import map_in_forks, suitable_processes
from lslo.running.progress import Progress
from lslo.translation.beam_search import beam_search

logger = logging.getLogger(__name__)

# The most scores (hypotheses × vocabulary) of a batch: 1 GB in float32. A small model's batches have far
# fewer.
MOST_SCORES = 2**28
# Where several processes translate, the share of each is cut into at least this number of batches, so that
# none waits long for the last.
BATCHES_EACH = 4
# For that, no batch's budget falls below this number of tokens (hypotheses × longest source): smaller batches
# waste more than the waiting does.
LEAST_TOKENS = 2000


class _Item(NamedTuple):
    """A sentence to translate: its direction, and its place among the sentences of the source language."""

    source: str
    target: str
    row: int


def translate(
    model: M2M100ForConditionalGeneration,
    tokenizer: Tokenizer,
    sources: Mapping[str, Sequence[str]],
    directions: Sequence[tuple[str, str]],
    decoding: Decoding,
    *,
    router: Router | None = None,
    progress: TextIO | None = None,
) -> dict[tuple[str, str], list[str]]:
    """Translates every sentence of a text in every direction.

    Args:
        model: The model, with LSLo modules or without; put into evaluation mode.
        tokenizer: The tokenizer of its base model.
        sources: The sentences of each source language.
        directions: The directions, as (source, target) pairs.
        decoding: The hyperparameters of the search.
        router: The router of the model's LSLo modules, which must know all languages of the directions; None
            where the model has none.
        progress: The terminal that a progress bar is drawn on, if any.

    Returns:
        Direction -> translations, in the order of the sentences of its source.
    """
    model.eval()
    search = _BatchSearch(model, tokenizer, sources, directions, decoding, router)
    items = search.sorted_items(directions)
    lengths = [len(search.tokens_of(item)) for item in items]
    processes = suitable_processes(model)
    limits = _BatchLimits.of(decoding, model.config.vocab_size, sum(lengths), processes)
    batches = [items[part] for part in _cut(lengths, limits)]
    found: dict[_Item, list[int]] = {}
    with Progress("translate", "sentence", progress, total=len(items)) as bar:
        for number, hypotheses in map_in_forks(search.hypotheses, batches, processes):
            found |= dict(zip(batches[number], hypotheses, strict=True))
            bar.step(len(hypotheses))
    # Without the language token: M2M100 tokenizers would not leave it out, as they do with special tokens.
    sentences = dict(zip(found, tokenizer.decode(tokens[1:] for tokens in found.values()), strict=True))
    return {
        (source, target): [sentences[_Item(source, target, row)] for row in range(len(sources[source]))]
        for source, target in directions
    }


class _BatchSearch:
    """The sentences of one call of `translate`, and the beam search of a batch of them."""

    def __init__(
        self,
        model: M2M100ForConditionalGeneration,
        tokenizer: Tokenizer,
        sources: Mapping[str, Sequence[str]],
        directions: Sequence[tuple[str, str]],
        decoding: Decoding,
        router: Router | None,
    ):
        self.model = model
        self.decoding = decoding
        self.router = router
        languages = router.languages if router else sorted({code for pair in directions for code in pair})
        # Language -> its index in the router.
        self.index = {language: index for index, language in enumerate(languages)}
        self.target_token = {target: tokenizer.language_token(target) for _, target in directions}
        corpus = TokenizedCorpus.of({source: sources[source] for source, _ in directions}, tokenizer)
        self.pad = corpus.pad
        # Source language -> `[__src__, x…, </s>]` of each sentence.
        self.tokens = dict(zip(corpus.languages, corpus.sentences, strict=True))

    def tokens_of(self, item: _Item) -> np.ndarray:
        """Returns the source `[__src__, x…, </s>]` of a sentence."""
        return self.tokens[item.source][item.row]

    def sorted_items(self, directions: Sequence[tuple[str, str]]) -> list[_Item]:
        """Returns every sentence in every direction, sorted by target language, the longest first.

        The decoder goes through the LSLo modules of the target language: in this order most batches need
        those of a single one.
        """
        items = [
            _Item(source, target, row)
            for source, target in directions
            for row in range(len(self.tokens[source]))
        ]
        return sorted(items, key=lambda item: (self.index[item.target], -len(self.tokens_of(item))))

    def hypotheses(self, batch: Sequence[_Item]) -> list[list[int]]:
        """Returns the best hypothesis `[__tgt__, y…, </s>]` of each sentence of a batch.

        Where the memory of a GPU does not suffice, the halves of the batch are searched one after the other.

        Raises:
            torch.OutOfMemoryError: The memory does not suffice for a single sentence.
        """
        try:
            return self._search(batch)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
            logger.warning("out of memory with %d sentences in a batch: halving it", len(batch))
        # After the `except` clause: within it, the exception still holds the tensors of the failed search.
        torch.cuda.empty_cache()
        middle = (len(batch) + 1) // 2
        return self.hypotheses(batch[:middle]) + self.hypotheses(batch[middle:])

    def _search(self, batch: Sequence[_Item]) -> list[list[int]]:
        device = self.model.device
        source = pad_sequences([self.tokens_of(item) for item in batch], self.pad)
        return beam_search(
            self.model,
            torch.from_numpy(source).to(device),
            torch.tensor([self.target_token[item.target] for item in batch], device=device),
            self.decoding,
            router=self.router,
            source_language=torch.tensor([self.index[item.source] for item in batch], device=device),
            target_language=torch.tensor([self.index[item.target] for item in batch], device=device),
        ).tokens


@dataclass(frozen=True)
class _BatchLimits:
    """The largest batch.

    Attributes:
        sentences: The most sentences of a batch.
        tokens: The most tokens of a batch, counted as sentences × longest source.
    """

    sentences: int
    tokens: int

    @classmethod
    def of(cls, decoding: Decoding, vocabulary: int, source_tokens: int, processes: int) -> _BatchLimits:
        """Chooses the limits from the budget of tokens, the memory, and the number of processes.

        Args:
            decoding: The hyperparameters of the search; `tokens_per_batch` is the budget (hypotheses ×
                longest source).
            vocabulary: The number of scores that the search computes for every hypothesis, in float32.
            source_tokens: The number of tokens of all sentences together.
            processes: The number of processes that search at the same time. They share the budget, and all of
                them get batches.
        """
        sentences = max(1, MOST_SCORES // (vocabulary * decoding.beam * processes))
        tokens = decoding.tokens_per_batch
        if processes > 1:
            share = source_tokens * decoding.beam // (BATCHES_EACH * processes)
            tokens = min(tokens, max(LEAST_TOKENS, min(share, tokens // processes)))
        return cls(sentences, tokens // decoding.beam)


def _cut(lengths: Sequence[int], limits: _BatchLimits) -> Iterator[slice]:
    """Cuts sentences into consecutive batches, as large as the limits allow, but of one sentence at least.

    Args:
        lengths: The number of tokens of each sentence.
        limits: The limits of a batch.
    """
    start = 0
    while start < len(lengths):
        longest = np.maximum.accumulate(lengths[start : start + limits.sentences])
        fitting = int((np.arange(1, len(longest) + 1) * longest <= limits.tokens).sum())
        yield slice(start, start + max(1, fitting))
        start += max(1, fitting)
