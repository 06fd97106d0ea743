"""Beam search, scored as fairseq scores it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.experiment.hyperparameters import Decoding
from lslo.translation.incremental_decoder import IncrementalDecoder
from lslo.translation.output_projection import Continuations, OutputProjection

# Finished sentences are taken out of a batch once the unfinished ones are at most this share of it. Taking
# them out copies the tensors of the others.
SPARSE = 0.75


@dataclass(frozen=True)
class Hypotheses:
    """The best hypothesis of each sentence.

    Attributes:
        tokens: The tokens `[__tgt__, y…, </s>]` of each sentence.
        scores: The normalised score of each hypothesis.
    """

    tokens: list[list[int]]
    scores: list[float]


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
    """Finds the best hypothesis of each sentence of a batch.

    A hypothesis's score is the sum of the log-probabilities of its tokens, divided by their number to the
    power of the length penalty. The target-language token is forced, but counts as the others do. Padding is
    never chosen. The search for a sentence ends when `beam` of its hypotheses have ended, or at the maximum
    length.

    Args:
        model: The model, with LSLo modules or without.
        source: The source sentences `[__src__, x…, </s>]`, [n, source length], padded on the right.
        target_tokens: The id of each sentence's target-language token, [n].
        decoding: The hyperparameters of the search.
        router: The router of the model's LSLo modules; None where it has none.
        source_language: The index of each sentence's source language in the router, [n].
        target_language: The index of each sentence's target language in the router, [n].

    Raises:
        ValueError: The beam is too wide for the model's vocabulary.
    """
    if 2 * decoding.beam > model.config.vocab_size:
        raise ValueError(f"a beam of {decoding.beam} is too wide for {model.config.vocab_size} pieces")
    with _routed(router, source_language, target_language) as keep_routed:
        return _Search(model, source, target_tokens, decoding).run(keep_routed)


class _Search:
    """The search for the best hypotheses of one batch of n sentences.

    Both making and running it call the model, within the routing of the batch (`_routed`).
    """

    def __init__(
        self,
        model: M2M100ForConditionalGeneration,
        source: Tensor,
        target_tokens: Tensor,
        decoding: Decoding,
    ):
        self.maximum_length = decoding.maximum_length
        self.end_of_sentence = model.config.eos_token_id
        self.projection = OutputProjection(model, 2 * decoding.beam)
        mask = source.ne(model.config.pad_token_id).long()
        states = model.model.encoder(input_ids=source, attention_mask=mask).last_hidden_state
        self.decoder = IncrementalDecoder(model, states, mask)
        # `</s>` starts the decoder, the language token follows.
        start = torch.stack([torch.full_like(target_tokens, self.end_of_sentence), target_tokens], dim=1)
        hidden = self.decoder.start(start)
        score = self.projection.log_probability(hidden[:, 0], target_tokens)
        # Up to the language token all hypotheses of a sentence are the same, so that one stands for them.
        self.beams = _Beams(start.unsqueeze(1), score.unsqueeze(1), decoding, self.end_of_sentence)
        # [n, hypotheses, d], the decoder's states at the last token.
        self.hidden = hidden[:, 1:]

    def run(self, keep_routed: Callable[[Tensor], None]) -> Hypotheses:
        """Extends the hypotheses until the search for every sentence has ended.

        Args:
            keep_routed: A function that is called when sentences leave, with the places in the batch of the
                remaining ones.
        """
        beams = self.beams
        for _ in range(1, self.maximum_length):
            parents = beams.advance(self.projection.continuations(self.hidden))
            going_on = (~beams.done).nonzero().squeeze(1)
            if not len(going_on):
                break
            if len(going_on) <= SPARSE * len(beams.rows):
                beams.keep(going_on)
                self.decoder.keep(going_on)
                keep_routed(beams.rows)
                parents = parents[going_on]
            self.hidden = self.decoder.step(beams.tokens[:, :, -1], parents)
        else:
            beams.advance(self.projection.continuations(self.hidden, only=self.end_of_sentence))
        return beams.best()


class _Beams:
    """The hypotheses of the n sentences of a batch that are still searched for.

    Attributes:
        rows: The place of each sentence in the original batch, [n].
        tokens: The hypotheses, [n, hypotheses, length], each beginning with `</s>` and the language token.
        scores: The sums of log-probabilities, [n, hypotheses]; −∞ once the search for the sentence has ended.
        finished: The number of hypotheses that have ended, [n].
        best_score: The normalised score of each sentence's best finished hypothesis, [batch]; −∞ without one.
        best_tokens: The tokens of that hypothesis without the last `</s>`, [batch].
    """

    def __init__(self, tokens: Tensor, scores: Tensor, decoding: Decoding, end_of_sentence: int):
        self.beam = decoding.beam
        self.length_penalty = decoding.length_penalty
        self.end_of_sentence = end_of_sentence
        self.rows = torch.arange(len(tokens), device=tokens.device)
        self.tokens = tokens
        self.scores = scores
        self.finished = torch.zeros_like(self.rows)
        self.best_score = torch.full((len(tokens),), -torch.inf, device=tokens.device)
        self.best_tokens: list[Tensor | None] = [None] * len(tokens)

    @property
    def done(self) -> Tensor:
        """Whether `beam` hypotheses of each sentence have ended, [n]."""
        return self.finished.ge(self.beam)

    def advance(self, continuations: Continuations) -> Tensor:
        """Extends each hypothesis by a token, as fairseq's SequenceGenerator does.

        Among the 2·beam best continuations of a sentence, those that end within the first `beam` are finished
        hypotheses. The first `beam` that do not end go on.

        Returns:
            The hypothesis that each new one continues, [n, beam].
        """
        scores, parents, tokens = continuations.best(self.scores, 2 * self.beam)
        ends = tokens.eq(self.end_of_sentence)
        self._finish(scores[:, : self.beam], parents, ends[:, : self.beam])

        order = ends.int().argsort(dim=1, stable=True)[:, : self.beam]
        parents = parents.gather(1, order)
        chosen = self.tokens.gather(1, parents.unsqueeze(-1).expand(-1, -1, self.tokens.shape[-1]))
        self.tokens = torch.cat([chosen, tokens.gather(1, order).unsqueeze(-1)], dim=-1)
        self.scores = scores.gather(1, order).masked_fill(self.done.unsqueeze(1), -torch.inf)
        return parents

    def keep(self, sentences: Tensor) -> None:
        """Drops all sentences but these (indices into n)."""
        self.rows, self.tokens = self.rows[sentences], self.tokens[sentences]
        self.scores, self.finished = self.scores[sentences], self.finished[sentences]

    def best(self) -> Hypotheses:
        """Returns the best finished hypothesis of each sentence of the batch, in its first order."""
        tokens = [[*tokens[1:].tolist(), self.end_of_sentence] for tokens in self.best_tokens]
        return Hypotheses(tokens, self.best_score.tolist())

    def _finish(self, scores: Tensor, parents: Tensor, ends: Tensor) -> None:
        """Counts the continuations that end, and keeps the best of them.

        Args:
            scores: The scores of the continuations, [n, beam], best first.
            parents: The hypotheses that are continued, [n, beam or more].
            ends: Whether the continuation is `</s>`, [n, beam].
        """
        finishing = ends & scores.isfinite()
        # Hypotheses that end in the same step have the same length, so that the first is the best of them.
        first = finishing.int().argmax(dim=1, keepdim=True)
        # The number of generated tokens, `</s>` included: `tokens` lacks it, but begins with another.
        length = self.tokens.shape[-1]
        score = scores.gather(1, first).squeeze(1) / length**self.length_penalty
        better = finishing.any(dim=1) & score.gt(self.best_score[self.rows])
        for sentence in better.nonzero().squeeze(1).tolist():
            row = int(self.rows[sentence])
            self.best_score[row] = score[sentence]
            self.best_tokens[row] = self.tokens[sentence, parents[sentence, first[sentence, 0]]]
        self.finished += finishing.sum(dim=1)


@contextmanager
def _routed(
    router: Router | None, source_language: Tensor | None, target_language: Tensor | None
) -> Iterator[Callable[[Tensor], None]]:
    """Routes a batch through the LSLo modules of its languages within the context; without a router, nowhere.

    Yields:
        A function that takes the places in the batch of the sentences that go on, and routes only these from
        then on.
    """
    if router is None:
        yield lambda rows: None
        return
    with router.merging(), ExitStack() as routes:

        def keep(rows: Tensor) -> None:
            routes.close()
            routes.enter_context(router.route(source_language[rows], target_language[rows]))

        routes.enter_context(router.route(source_language, target_language))
        yield keep
