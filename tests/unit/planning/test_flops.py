"""The formulas of operations, against PyTorch's own count on a small model."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, addmm_flop

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.placement import add_lslo, add_weighted_lslo
from lslo.experiment.hyperparameters import Decoding
from lslo.experiment.languages import all_directions
from lslo.planning.flops import (
    LsloShape,
    forward_flops,
    full_training_flops,
    lslo_training_flops,
    translation_flops,
)
from lslo.planning.token_counts import PairSums, pair_sums
from lslo.training.batches import collate
from lslo.training.loss import batch_loss
from lslo.translation.beam_search import beam_search

LANGUAGES = ("en", "de", "or")


@pytest.fixture
def corpus(toy_corpus):
    """All sentences of one length, so that a batch has no padding, which the formulas leave out."""
    lengths = np.full_like(toy_corpus.lengths, 7)
    sentences = tuple(
        tuple(np.array([row[0], *range(10, 15), 2]) for row in rows) for rows in toy_corpus.sentences
    )
    return type(toy_corpus)(LANGUAGES, sentences, lengths, toy_corpus.pad, toy_corpus.end_of_sentence)


def counting() -> FlopCounterMode:
    """PyTorch's counter, which does not know the product that is added in place."""
    return FlopCounterMode(display=False, custom_mapping={torch.ops.aten.addmm_: _added_in_place})


def _added_in_place(*shapes, **options) -> int:
    return addmm_flop(*shapes)


def counted(model, corpus, router) -> int:
    """Operations of a forward and backward pass over all pairs, as PyTorch counts them."""
    batch = collate(corpus, corpus.examples(all_directions(LANGUAGES)))
    with counting() as counter:
        loss, _ = batch_loss(model, batch, 0.1, router)
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        torch.autograd.grad(loss, parameters)
    return counter.get_total_flops()


def test_full_fine_tuning_takes_three_forward_passes(model, sizes, corpus):
    sums = pair_sums(corpus.lengths)
    batch = collate(corpus, corpus.examples(all_directions(LANGUAGES)))
    # The loss makes its gradients at once where there are parameters to train.
    model.requires_grad_(False)
    with counting() as counter:
        batch_loss(model, batch, 0.1, None)
    model.requires_grad_(True)
    assert forward_flops(sizes, sums) == counter.get_total_flops()
    assert full_training_flops(sizes, sums) == counted(model, corpus, None)


@pytest.mark.parametrize("modules", ["all", "fc"])
@pytest.mark.parametrize("ranks", [(2, 2, 2), (1, 2, 6)])
def test_lslo_training(model, sizes, corpus, modules, ranks):
    strategy = IndexStrategy(("src", "tgt"), ("tgt", "src", "tgt"))
    router, _ = add_lslo(model, dict(zip(LANGUAGES, ranks, strict=True)), strategy, modules=modules)
    planned = lslo_training_flops(sizes, pair_sums(corpus.lengths), LsloShape(np.mean(ranks), modules))
    assert planned == counted(model, corpus, router)


def test_weight_learning(model, sizes, corpus):
    router, _ = add_weighted_lslo(model, list(LANGUAGES), 2)
    planned = lslo_training_flops(sizes, pair_sums(corpus.lengths), LsloShape(2, copies=2))
    assert planned == counted(model, corpus, router)


def test_beam_search(model, sizes):
    """A hypothesis of m tokens: the search is stopped where it would end, at the maximum length."""
    sentences, source, beam, length = 4, 7, 3, 9
    with torch.no_grad():
        # Nothing ends before the maximum length.
        model.model.shared.weight[2] = 0
    batch = torch.randint(10, 50, (sentences, source))
    with counting() as counter:
        found = beam_search(model, batch, torch.full((sentences,), 5), Decoding(beam, 1.0, length - 1))
    assert {len(tokens) for tokens in found.tokens} == {length}
    sums = PairSums(
        pairs=sentences,
        source_tokens=sentences * source,
        target_tokens=sentences * length,
        source_squares=sentences * source**2,
        target_squares=sentences * length**2,
        products=sentences * source * length,
    )
    assert translation_flops(sizes, sums, beam, None) == counter.get_total_flops()
