"""Beam search, scored as fairseq scores it."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import M2M100ForConditionalGeneration

from lslo.adapters.routing import Router
from lslo.experiment.hyperparameters import Decoding
from lslo.translation.incremental_decoder import IncrementalDecoder
from lslo.translation.output_projection import Continuations, OutputProjection

# Sentences that are done leave a batch when no more than this share of it goes on: leaving copies the rest.
SPARSE = 0.75


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
