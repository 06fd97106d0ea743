"""Translation of many directions at once, with beam search as fairseq scores it.

Sentences of all directions are sorted by target language and length and share batches; each row of a batch is
routed through the LSLo modules of its own direction's languages.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import TextIO

import numpy as np
import torch
from torch import Tensor
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.base_model.tokenizer import Tokenizer
from lslo.running.fork_pool import side_by_side, suitable_processes
from lslo.running.progress import Progress
from lslo.training.batches import TokenizedCorpus, pad_sequences
from lslo.translation.incremental_decoder import IncrementalDecoder
from lslo.translation.output_projection import Continuations, OutputProjection

logger = logging.getLogger(__name__)

# Hypotheses × vocabulary of a batch: 1 GB in float32. The embedded model's batches stay far below.
MOST_SCORES = 2**28
# Sentences that are done leave a batch when no more than this share of it goes on: leaving copies the rest.
SPARSE = 0.75
# Where several processes translate, each
# of them has a share of the tokens of a batch, and at least so many batches, so that none waits long for
# the last; but batches of fewer tokens (rows times the longest source) waste more than that.
BATCHES_EACH = 4
LEAST_TOKENS = 2000


@dataclass(frozen=True)
class Decoding:
    """How to search.

    beam: hypotheses kept. length_penalty: the exponent of the length by which a score is divided.
    maximum_length: tokens before `</s>`, the language token included (fairseq's `--max-len-b`).
    tokens_per_batch: rows (sentences × beam) times the longest source that a batch may hold.
    precision: `float32`, `bfloat16` or `float16`, of weights and products; log-probabilities are float32.
    """

    beam: int = 5
    length_penalty: float = 1.0
    maximum_length: int = 200
    tokens_per_batch: int = 16000
    precision: str = "float32"


@dataclass(frozen=True)
class Hypotheses:
    """The best hypothesis of each sentence: its tokens `[__tgt__, y…, </s>]` and its normalised score."""

    tokens: list[list[int]]
    scores: list[float]


class _Beams:
    """The hypotheses that a batch of n sentences still follows.

    rows: [n] the sentences' places in the batch as it began. tokens: [n, beam, length].
    scores: [n, beam] sums of log-probabilities, −∞ once the sentence is done. finished: [n] number of
    hypotheses that reached `</s>`.
    """

    def __init__(self, tokens: Tensor, scores: Tensor, beam: int):
        self.rows = torch.arange(len(tokens), device=tokens.device)
        self.tokens = tokens
        self.scores = scores
        self.finished = torch.zeros_like(self.rows)
        self.beam = beam
        self.best_score = torch.full((len(tokens),), -torch.inf, device=tokens.device)
        self.best_tokens: list[Tensor | None] = [None] * len(tokens)

    def advance(self, continuations: Continuations, end_of_sentence: int, length_penalty: float) -> Tensor:
        """Extend each hypothesis by a token, as fairseq's SequenceGenerator does.

        Of the 2·beam best continuations of a sentence, those that end within the first `beam` are finished
        hypotheses; the first `beam` that do not end go on. Returns the hypotheses they continue, [n, beam].
        """
        scores, parents, tokens = continuations.best(self.scores, 2 * self.beam)
        ends = tokens.eq(end_of_sentence)

        # Generated tokens once </s> is there: `tokens` lacks it, but begins with the </s> of the start.
        length = self.tokens.shape[-1]
        finishing = ends[:, : self.beam] & scores[:, : self.beam].isfinite()
        # Ended in the same step, hypotheses have the same length: the first is the best of them.
        first = finishing.int().argmax(dim=1, keepdim=True)
        score = scores.gather(1, first).squeeze(1) / length**length_penalty
        better = finishing.any(dim=1) & score.gt(self.best_score[self.rows])
        for sentence in better.nonzero().squeeze(1).tolist():
            row = int(self.rows[sentence])
            self.best_score[row] = score[sentence]
            self.best_tokens[row] = self.tokens[sentence, parents[sentence, first[sentence, 0]]]
        self.finished += finishing.sum(dim=1)

        order = ends.int().argsort(dim=1, stable=True)[:, : self.beam]
        parents = parents.gather(1, order)
        chosen = self.tokens.gather(1, parents.unsqueeze(-1).expand(-1, -1, length))
        self.tokens = torch.cat([chosen, tokens.gather(1, order).unsqueeze(-1)], dim=-1)
        self.scores = scores.gather(1, order).masked_fill(self.done.unsqueeze(1), -torch.inf)
        return parents

    @property
    def done(self) -> Tensor:
        """[n]: whether `beam` hypotheses of a sentence are finished."""
        return self.finished.ge(self.beam)

    def keep(self, sentences: Tensor) -> None:
        """Go on with these sentences only (indices into n)."""
        self.rows, self.tokens = self.rows[sentences], self.tokens[sentences]
        self.scores, self.finished = self.scores[sentences], self.finished[sentences]


def _route(router: Router | None, source_language: Tensor, target_language: Tensor):
    return nullcontext() if router is None else router.route(source_language, target_language)


@torch.inference_mode()
def beam_search(
    model: M2M100ForConditionalGeneration,
    source: Tensor,
    target_tokens: Tensor,
    decoding: Decoding,
    *,
    router: Router | None = None,
    source_language: Tensor | None = None,
    target_language: Tensor | None = None,
) -> Hypotheses:
    """The best hypothesis of each sentence of a batch.

    source: [n, source length] `[__src__, x…, </s>]`, padded on the right. target_tokens: [n] ids of the
    target-language tokens. source_language, target_language: [n] indices for the router.

    A score is the sum of log-probabilities of the generated tokens divided by their number to the length
    penalty; the language token is forced, but its own log-probability and the token count. Padding is
    never chosen. A sentence is done when `beam` hypotheses ended, or at the maximum length.
    """
    if 2 * decoding.beam > model.config.vocab_size:
        raise ValueError(f"a beam of {decoding.beam} is too wide for {model.config.vocab_size} pieces")
    pad, end_of_sentence = model.config.pad_token_id, model.config.eos_token_id
    mask = source.ne(pad).long()
    languages = (source_language, target_language)
    projection = OutputProjection(model, 2 * decoding.beam)

    with nullcontext() if router is None else router.merging(), ExitStack() as route:
        route.enter_context(_route(router, *languages))
        states = model.model.encoder(input_ids=source, attention_mask=mask).last_hidden_state
        decoder = IncrementalDecoder(model, states, mask)
        start = torch.stack([torch.full_like(target_tokens, end_of_sentence), target_tokens], dim=1)
        hidden = decoder.start(start)
        language_score = projection.log_probability(hidden[:, 0], target_tokens).unsqueeze(1)
        # Until the language token all hypotheses of a sentence are the same, so one stands for them.
        beams = _Beams(start.unsqueeze(1), language_score, decoding.beam)
        hidden = hidden[:, 1:]

        for _ in range(1, decoding.maximum_length):
            best = projection.continuations(hidden)
            parents = beams.advance(best, end_of_sentence, decoding.length_penalty)
            going_on = (~beams.done).nonzero().squeeze(1)
            if not len(going_on):
                break
            if len(going_on) <= SPARSE * len(beams.rows):
                beams.keep(going_on)
                decoder.keep(going_on)
                parents = parents[going_on]
                route.close()
                left = [None if language is None else language[beams.rows] for language in languages]
                route.enter_context(_route(router, *left))
            hidden = decoder.step(beams.tokens[:, :, -1], parents)
        else:
            ends = projection.continuations(hidden, only=end_of_sentence)
            beams.advance(ends, end_of_sentence, decoding.length_penalty)

    return Hypotheses(
        [[*tokens[1:].tolist(), end_of_sentence] for tokens in beams.best_tokens], beams.best_score.tolist()
    )


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
        for number, hypotheses in side_by_side(search, batches, processes):
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
