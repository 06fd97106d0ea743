"""The embedded base model: its tokenizer's folder, its random start, and the examples it is trained on."""

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import M2M100Tokenizer

from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.recipes.demo_tokenizer import write_tokenizer
from lslo.recipes.pretraining import new_model, sample_examples

TABLE4 = Path(__file__).parents[3] / "resources/paper/table4_lang12.csv"


@pytest.fixture(scope="module")
def tokenizer(tokenizer_folder):
    return Tokenizer(tokenizer_folder)


def test_special_tokens_are_where_fairseq_has_them(tokenizer, tokenizer_folder):
    assert (tokenizer.pad, tokenizer.end_of_sentence) == (1, 2)
    vocabulary = json.loads((tokenizer_folder / "vocab.json").read_text(encoding="utf-8"))
    assert list(vocabulary)[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    assert list(vocabulary.values()) == list(range(len(vocabulary)))


def test_every_language_of_lang12_has_a_token_of_its_own(tokenizer, tokenizer_folder):
    with TABLE4.open(encoding="utf-8", newline="") as file:
        codes = [row["code"] for row in csv.DictReader(file)]
    pieces = json.loads((tokenizer_folder / "vocab.json").read_text(encoding="utf-8"))
    tokens = [tokenizer.language_token(code) for code in codes]
    assert len(set(tokens)) == 12
    assert min(tokens) >= len(pieces)


def test_a_language_without_a_token_is_named_with_the_folder(tokenizer, tokenizer_folder):
    with pytest.raises(ValueError, match="'ny'") as error:
        tokenizer.language_token("ny")
    assert str(tokenizer_folder) in str(error.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Tokenizer(tmp_path / "nowhere")


def test_sentences_come_back_from_their_pieces(tokenizer, sentences):
    for lines in sentences.values():
        pieces = tokenizer.encode(lines)
        assert tokenizer.decode(pieces) == lines
        assert not {0, 1, 2, 3} & {piece for line in pieces for piece in line}


def test_pieces_do_not_depend_on_the_other_sentences(tokenizer, sentences):
    lines = sentences["de"]
    assert tokenizer.encode(lines) == [tokenizer.encode([line])[0] for line in lines]
    assert tokenizer.encode([""]) == [[]]


def test_decoding_leaves_out_the_end_and_padding(tokenizer, sentences):
    for line, *_ in sentences.values():
        (pieces,) = tokenizer.encode([line])
        assert tokenizer.decode([[*pieces, 2], [*pieces, 2, 1, 1], [2]]) == [line, line, ""]


def test_characters_of_the_alphabet_have_pieces_and_others_are_unknown(tokenizer):
    assert 3 not in tokenizer.encode(["xyz zyx"])[0]
    assert 3 in tokenizer.encode(["Ж"])[0]


def test_the_tokenizer_as_written_is_the_one_that_is_loaded(tmp_path, sentences):
    lines = [line for rows in sentences.values() for line in rows]
    written = write_tokenizer(tmp_path / "new" / "folder", lines, "", 130)
    assert isinstance(written, M2M100Tokenizer)
    loaded = Tokenizer(tmp_path / "new" / "folder")
    assert [written.convert_tokens_to_ids(written.tokenize(line)) for line in lines] == loaded.encode(lines)
    assert all(written.get_lang_id(code) == loaded.language_token(code) for code in ("en", "wo", "zu"))


def new(tokenizer_folder, seed=1):
    tokenizer = M2M100Tokenizer.from_pretrained(tokenizer_folder)
    return new_model(tokenizer, layers=2, dimension=16, feed_forward=24, heads=2, seed=seed)


def test_a_new_model_has_a_row_for_every_token_and_the_asked_shape(tokenizer_folder, tokenizer):
    model = new(tokenizer_folder)
    assert model.config.vocab_size > tokenizer.language_token("zu")
    assert model.config.vocab_size > max(map(tokenizer.language_token, ("en", "wo", "or", "sd", "oc")))
    assert model.model.shared.weight.shape == (model.config.vocab_size, 16)
    assert model.lm_head.weight is model.model.shared.weight
    assert len(model.model.encoder.layers) == len(model.model.decoder.layers) == 2
    assert model.model.encoder.layers[0].fc1.weight.shape == (24, 16)
    assert (model.config.pad_token_id, model.config.eos_token_id) == (1, 2)
    assert model.config.decoder_start_token_id == 2


def test_embeddings_start_with_unit_variance_after_scaling(tokenizer_folder):
    model = new(tokenizer_folder)
    ids = torch.arange(4, model.config.vocab_size)
    assert model.model.encoder.embed_tokens(ids).std().item() == pytest.approx(1.0, rel=0.1)


def test_the_seed_determines_a_new_model(tokenizer_folder):
    models = [new(tokenizer_folder, seed) for seed in (1, 1, 2)]
    weights = [model.model.decoder.layers[1].fc2.weight for model in models]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


# Pretraining examples


def corpus_with_gaps():
    """en has all six rows, de all but rows 0 and 1, or only rows 2 and 5."""
    has = {"en": range(6), "de": range(2, 6), "or": (2, 5)}
    sentences = tuple(
        tuple(np.array([4 + place, 10 + row, 2]) if row in rows else None for row in range(6))
        for place, rows in enumerate(has.values())
    )
    lengths = np.array([[0 if row is None else len(row) for row in rows] for rows in sentences])
    return TokenizedCorpus(tuple(has), sentences, lengths, 1, 2)


WEIGHTS = {"en": 4.0, "de": 2.0, "or": 1.0}


def test_examples_are_of_rows_that_both_languages_have_and_of_all_of_them():
    corpus = corpus_with_gaps()
    examples = sample_examples(corpus, WEIGHTS, 3000, np.random.default_rng(1))
    assert examples.shape == (3000, 3)
    drawn = set(map(tuple, examples.tolist()))
    shared = {frozenset((0, 1)): {2, 3, 4, 5}, frozenset((0, 2)): {2, 5}, frozenset((1, 2)): {2, 5}}
    assert drawn == {
        (source, target, row)
        for source in range(3)
        for target in range(3)
        if source != target
        for row in shared[frozenset((source, target))]
    }


def test_directions_are_drawn_by_the_product_of_their_weights():
    examples = sample_examples(corpus_with_gaps(), WEIGHTS, 20_000, np.random.default_rng(2))
    counts = Counter(map(tuple, examples[:, :2].tolist()))
    weight = list(WEIGHTS.values())
    total = sum(weight[s] * weight[t] for s in range(3) for t in range(3) if s != t)
    for (source, target), count in counts.items():
        assert count / 20_000 == pytest.approx(weight[source] * weight[target] / total, rel=0.08)
    rows = Counter(examples[(examples[:, 0] == 0) & (examples[:, 1] == 1)][:, 2].tolist())
    assert min(rows.values()) / max(rows.values()) > 0.85


def test_a_language_of_weight_zero_is_not_drawn():
    weights = {**WEIGHTS, "or": 0.0}
    examples = sample_examples(corpus_with_gaps(), weights, 500, np.random.default_rng(3))
    assert not (examples[:, :2] == 2).any()


def test_the_generator_determines_the_examples():
    one, same, other = (
        sample_examples(corpus_with_gaps(), WEIGHTS, 50, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
