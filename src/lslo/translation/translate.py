"""Translation of many directions at once, with beam search as fairseq scores it.

Sentences of all directions are sorted by target language and length and share batches; each row of a batch is
routed through the LSLo modules of its own direction's languages.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

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

# Hypotheses × vocabulary of a batch: 1 GB in float32. The embedded model's batches stay far below.
MOST_SCORES = 2**28
# Where several processes translate, each
# of them has a share of the tokens of a batch, and at least so many batches, so that none waits long for
# the last; but batches of fewer tokens (rows times the longest source) waste more than that.
BATCHES_EACH = 4
LEAST_TOKENS = 2000


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
    """Translate every sentence in every direction.

    sources: source language -> sentences. directions: (source, target) pairs. router: of the model's LSLo
    modules; its languages must contain those of the directions. progress: the terminal on which to draw a
    progress bar. Returns direction -> hypotheses, line by line those of the source.
    """
    model.eval()
    device = model.device
    languages = router.languages if router else sorted({language for pair in directions for language in pair})
    place = {language: index for index, language in enumerate(languages)}
    target_token = {target: tokenizer.language_token(target) for _, target in directions}
    corpus = TokenizedCorpus.of({source: sources[source] for source, _ in directions}, tokenizer)
    tokens = dict(zip(corpus.languages, corpus.sentences, strict=True))
    # The decoder goes through the LSLo modules of the target language: most batches need no more than one.
    items = sorted(
        ((direction, row) for direction in directions for row in range(len(sources[direction[0]]))),
        key=lambda item: (place[item[0][1]], -len(tokens[item[0][0]][item[1]])),
    )

    def search(batch: Sequence[tuple[tuple[str, str], int]]) -> list[list[int]]:
        """The hypotheses of a batch; of its halves, one after the other, where memory ends."""
        sequences = pad_sequences([tokens[source][row] for (source, _), row in batch], corpus.pad)
        try:
            return beam_search(
                model,
                torch.from_numpy(sequences).to(device),
                torch.tensor([target_token[target] for (_, target), _ in batch], device=device),
                decoding,
                router=router,
                source_language=torch.tensor([place[source] for (source, _), _ in batch], device=device),
                target_language=torch.tensor([place[target] for (_, target), _ in batch], device=device),
            ).tokens
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
            logger.warning("out of memory with %d sentences in a batch: halving it", len(batch))
        torch.cuda.empty_cache()
        middle = (len(batch) + 1) // 2
        return search(batch[:middle]) + search(batch[middle:])

    processes = suitable_processes(model)
    # Every hypothesis has a row of scores over the vocabulary, in float32.
    most_rows = max(1, MOST_SCORES // (model.config.vocab_size * decoding.beam * processes))
    lengths = [len(tokens[source][row]) for (source, _), row in items]
    most_tokens = decoding.tokens_per_batch
    if processes > 1:
        share = sum(lengths) * decoding.beam // (BATCHES_EACH * processes)
        most_tokens = min(most_tokens, max(LEAST_TOKENS, min(share, most_tokens // processes)))
    batches = [items[part] for part in _cut(lengths, most_tokens // decoding.beam, most_rows)]
    found: dict[tuple[tuple[str, str], int], list[int]] = {}
    with Progress("translate", "sentence", progress, total=len(items)) as bar:
        for number, hypotheses in map_in_forks(search, batches, processes):
            found |= dict(zip(batches[number], hypotheses, strict=True))
            bar.step(len(hypotheses))
    # Without the language token, which M2M100 tokenizers do not take for a special one.
    sentences = dict(zip(found, tokenizer.decode(y[1:] for y in found.values()), strict=True))
    return {
        direction: [sentences[direction, row] for row in range(len(sources[direction[0]]))]
        for direction in directions
    }


def _cut(lengths: Sequence[int], most_tokens: int, most_rows: int) -> Iterator[slice]:
    """Consecutive batches, each as large as rows and tokens (rows × longest) allow, at least a sentence."""
    start = 0
    while start < len(lengths):
        longest = np.maximum.accumulate(lengths[start : start + most_rows])
        fitting = int((np.arange(1, len(longest) + 1) * longest <= most_tokens).sum())
        yield slice(start, start + max(1, fitting))
        start += max(1, fitting)
