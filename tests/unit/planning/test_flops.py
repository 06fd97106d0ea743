"""The formulas of operations and sizes, against PyTorch's own count on small models and real files."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, addmm_flop
from transformers import M2M100Config, M2M100ForConditionalGeneration

from lslo.adapters.adapter_description import AdapterDescription
from lslo.adapters.adapter_folder import save_adapter
from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.parameter_counts import count_adapter
from lslo.adapters.placement import add_lslo, add_weighted_lslo
from lslo.base_model.loading import base_model_fingerprint
from lslo.experiment.hyperparameters import Decoding
from lslo.experiment.languages import all_directions
from lslo.planning.flops import (
    LsloShape,
    forward_flops,
    full_training_flops,
    lslo_training_flops,
    translation_flops,
)
from lslo.planning.model_sizes import KNOWN_MODELS, ModelSizes
from lslo.planning.token_counts import PairSums, lengths_of_distribution, pair_sums
from lslo.training.batches import collate
from lslo.training.loss import batch_loss
from lslo.translation.beam_search import beam_search

LANGUAGES = ("en", "de", "or")


@pytest.fixture
def model():
    torch.manual_seed(1)
    # Eager attention, whose products PyTorch counts on every machine.
    return M2M100ForConditionalGeneration._from_config(
        M2M100Config(
            vocab_size=50,
            d_model=16,
            encoder_layers=2,
            decoder_layers=3,
            encoder_ffn_dim=24,
            decoder_ffn_dim=40,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            dropout=0.0,
            attention_dropout=0.0,
            encoder_layerdrop=0.0,
            decoder_layerdrop=0.0,
        ),
        attn_implementation="eager",
    )


SIZES = ModelSizes(16, 2, 3, 24, 40, 50)


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


def test_full_fine_tuning_takes_three_forward_passes(model, corpus):
    sums = pair_sums(corpus.lengths)
    batch = collate(corpus, corpus.examples(all_directions(LANGUAGES)))
    # The loss makes its gradients at once where there are parameters to train.
    model.requires_grad_(False)
    with counting() as counter:
        batch_loss(model, batch, 0.1, None)
    model.requires_grad_(True)
    assert forward_flops(SIZES, sums) == counter.get_total_flops()
    assert full_training_flops(SIZES, sums) == counted(model, corpus, None)


@pytest.mark.parametrize("modules", ["all", "fc"])
@pytest.mark.parametrize("ranks", [(2, 2, 2), (1, 2, 6)])
def test_lslo_training(model, corpus, modules, ranks):
    strategy = IndexStrategy(("src", "tgt"), ("tgt", "src", "tgt"))
    router, _ = add_lslo(model, dict(zip(LANGUAGES, ranks, strict=True)), strategy, modules=modules)
    planned = lslo_training_flops(SIZES, pair_sums(corpus.lengths), LsloShape(np.mean(ranks), modules))
    assert planned == counted(model, corpus, router)


def test_weight_learning(model, corpus):
    router, _ = add_weighted_lslo(model, list(LANGUAGES), 2)
    planned = lslo_training_flops(SIZES, pair_sums(corpus.lengths), LsloShape(2, copies=2))
    assert planned == counted(model, corpus, router)


def test_beam_search(model):
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
    assert translation_flops(SIZES, sums, beam, None) == counter.get_total_flops()


def test_sums_of_pairs_are_those_of_a_loop(toy_corpus):
    examples = toy_corpus.examples(all_directions(toy_corpus.languages))
    source = toy_corpus.lengths[examples[:, 0], examples[:, 2]]
    target = toy_corpus.lengths[examples[:, 1], examples[:, 2]]
    sums = pair_sums(toy_corpus.lengths)
    assert sums.pairs == len(examples)
    assert (sums.source_tokens, sums.target_tokens) == (source.sum(), target.sum())
    assert (sums.source_squares, sums.target_squares) == ((source**2).sum(), (target**2).sum())
    assert sums.products == (source * target).sum()


def test_lengths_of_a_distribution():
    lengths = lengths_of_distribution(3, 997, 38, 0.36)
    assert lengths.shape == (3, 997)
    assert lengths.mean() == pytest.approx(40)
    assert lengths.std() == pytest.approx(0.36 * 38, rel=0.02)


@pytest.mark.parametrize("modules", ["all", "fc"])
def test_parameters_and_files(model, modules, tmp_path):
    assert SIZES.parameters == sum(parameter.numel() for parameter in model.parameters())
    folder = tmp_path / "model"
    model.save_pretrained(folder)
    assert ModelSizes.read(folder / "config.json") == SIZES
    assert SIZES.model_bytes(4) == pytest.approx((folder / "model.safetensors").stat().st_size, rel=0.05)

    ranks = {"en": 1, "de": 3, "or": 8}
    strategy = IndexStrategy(("src",) * 2, ("tgt",) * 3)
    _, placed = add_lslo(model, ranks, strategy, modules=modules)
    assert SIZES.adapter_parameters(ranks, modules) == count_adapter(placed, 16).true
    save_adapter(
        tmp_path / "adapter",
        placed,
        AdapterDescription(
            setting="1;3;8+SRC",
            ranks=ranks,
            strategy=strategy,
            modules=modules,
            base_model_sha256=base_model_fingerprint(folder),
        ),
    )
    size = (tmp_path / "adapter/adapter.safetensors").stat().st_size
    assert SIZES.adapter_bytes(ranks, modules) == pytest.approx(size, rel=0.08)


def test_known_models_have_the_sizes_of_their_names():
    for name, millions in (
        ("m2m124_615M", 615),
        ("m2m124_175M", 175),
        ("facebook/m2m100_418M", 484),
        ("facebook/m2m100_1.2B", 1239),
        ("facebook/nllb-200-distilled-600M", 615),
        ("facebook/nllb-200-3.3B", 3345),
    ):
        assert KNOWN_MODELS[name].parameters == pytest.approx(millions * 1e6, rel=0.01)
    # `8;8;8` on lang12.
    assert KNOWN_MODELS["m2m124_615M"].adapter_parameters(dict.fromkeys(map(str, range(12)), 8)) == 44_826_624


def test_a_configuration_that_is_none_is_named(tmp_path):
    file = tmp_path / "config.json"
    file.write_text('{"d_model": 16}')
    with pytest.raises(ValueError, match=r"config\.json: not the configuration of an M2M100 model"):
        ModelSizes.read(file)
