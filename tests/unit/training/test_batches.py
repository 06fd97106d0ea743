"""Batches: a token budget as fairseq counts it, every example once, and the layout of its sequences."""

from itertools import pairwise

import numpy as np
import pytest

from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.tokenized import TokenizedCorpus, pad_sequences
from lslo.experiment.languages import all_directions
from lslo.training.batches import collate, group_into_updates, plan_batches

PAD, END = 1, 2


@pytest.fixture(scope="module")
def examples(toy_corpus):
    return toy_corpus.examples(all_directions(toy_corpus.languages))


def longer_side(corpus, example):
    source, target, row = example
    return max(len(corpus.sentences[source][row]), len(corpus.sentences[target][row]))


def plan(corpus, examples, tokens, seed=1):
    return plan_batches(corpus, examples, tokens, np.random.default_rng(seed))


def test_examples_are_every_row_of_every_direction_once(toy_corpus):
    examples = toy_corpus.examples([("de", "en"), ("en", "or")])
    expected = {(1, 0, row) for row in range(14)} | {(0, 2, row) for row in range(14)}
    assert len(examples) == 28
    assert set(map(tuple, examples.tolist())) == expected


@pytest.mark.parametrize("tokens", [10, 11, 37, 64, 200, 10_000])
def test_every_batch_is_within_the_budget_and_every_example_in_one(toy_corpus, examples, tokens):
    batches = plan(toy_corpus, examples, tokens)
    for batch in batches:
        assert len(batch) * max(longer_side(toy_corpus, example) for example in batch) <= tokens
    placed = [tuple(example) for batch in batches for example in batch.tolist()]
    assert sorted(placed) == sorted(map(tuple, examples.tolist()))


def test_batches_are_as_large_as_the_budget_allows(toy_corpus, examples):
    """Sorted by length, no batch has room for the first example of the next."""
    batches = plan(toy_corpus, examples, 60)

    def lengths(batch):
        return sorted(longer_side(toy_corpus, example) for example in batch)

    batches.sort(key=lambda batch: (lengths(batch)[-1], lengths(batch)[0]))
    assert len(batches) > 5
    for batch, following in pairwise(batches):
        assert lengths(batch)[-1] <= lengths(following)[0]
        assert (len(batch) + 1) * lengths(following)[0] > 60


def test_directions_are_mixed(toy_corpus, examples):
    batches = [batch for batch in plan(toy_corpus, examples, 120) if len(batch) >= 8]
    assert len(batches) >= 5
    assert np.mean([len({tuple(example[:2]) for example in batch.tolist()}) for batch in batches]) > 3


def test_the_generator_alone_decides(toy_corpus, examples):
    one, same, other = (
        [batch.tolist() for batch in plan(toy_corpus, examples, 60, seed)] for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other
    contents = [{frozenset(map(tuple, batch)) for batch in batches} for batches in (one, other)]
    assert contents[0] != contents[1]


def test_the_order_of_batches_is_random(toy_corpus, examples):
    longest = [max(longer_side(toy_corpus, e) for e in batch) for batch in plan(toy_corpus, examples, 30)]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)


@pytest.mark.parametrize(("long", "code"), [(0, "en"), (1, "wo")])
def test_a_sentence_longer_than_a_batch_is_named_by_language_and_line(long, code):
    lengths = np.full((2, 5), 4)
    lengths[long, 3] = 9
    sentences = tuple(tuple(np.array([4, *[10] * (length - 2), END]) for length in row) for row in lengths)
    corpus = TokenizedCorpus(("en", "wo"), sentences, lengths, PAD, END)
    for direction in (("en", "wo"), ("wo", "en")):
        examples = corpus.examples([direction])
        with pytest.raises(ValueError, match=rf"line 4 of language '{code}' has 9 tokens"):
            plan(corpus, examples, 8)
        assert sum(map(len, plan(corpus, examples, 9))) == 5


def test_sequences_are_laid_out_as_fairseq_does(toy_corpus):
    chosen = np.array([[2, 0, 5], [0, 1, 3], [1, 2, 7], [0, 2, 9]])
    # Handed over in any order, rows are put in the order of their target languages.
    batch = collate(toy_corpus, chosen[[1, 2, 0, 3]])
    widths = []
    for number, (source, target, row) in enumerate(chosen):
        x, y = (toy_corpus.sentences[language][row].tolist() for language in (source, target))
        assert (x[0], x[-1], y[0], y[-1]) == (4 + source, END, 4 + target, END)
        for tensor, expected in ((batch.source, x), (batch.target, y), (batch.decoder_input, [END, *y[:-1]])):
            got = tensor[number].tolist()
            assert got == expected + [PAD] * (len(got) - len(expected))
        assert batch.source_mask[number].tolist() == [int(token != PAD) for token in batch.source[number]]
        widths.append((len(x), len(y)))
    assert (batch.source.shape[1], batch.target.shape[1]) == tuple(map(max, zip(*widths, strict=True)))
    assert batch.source_language.tolist() == [2, 0, 1, 0]
    assert batch.target_language.tolist() == [0, 1, 2, 2]
    assert batch.target_tokens == sum(width for _, width in widths)
    assert batch.pad == PAD


def test_padding():
    padded = pad_sequences([np.array([4, 5]), np.array([6]), np.array([7, 8, 9])], PAD)
    assert padded.tolist() == [[4, 5, 1], [6, 1, 1], [7, 8, 9]]
    assert padded.dtype == np.int64


def test_updates_are_of_consecutive_batches_and_the_last_may_be_smaller():
    batches = [np.array([n]) for n in range(7)]
    updates = group_into_updates(batches, 3)
    assert [[int(batch[0]) for batch in update] for update in updates] == [[0, 1, 2], [3, 4, 5], [6]]


def test_tokenised_sentences_have_their_language_token_and_end(tokenizer_folder, sentences):
    tokenizer = Tokenizer(tokenizer_folder)
    rows = {"de": [sentences["de"][0], None, ""], "en": sentences["en"]}
    corpus = TokenizedCorpus.of(rows, tokenizer)
    assert corpus.languages == ("de", "en")
    first, missing, empty = corpus.sentences[0]
    german = tokenizer.language_token("de")
    assert first.tolist() == [german, *tokenizer.encode([sentences["de"][0]])[0], tokenizer.end_of_sentence]
    assert missing is None
    assert empty.tolist() == [german, tokenizer.end_of_sentence]
    assert corpus.lengths[0].tolist() == [len(first), 0, 2]
    assert [tokenizer.decode([row[1:-1]])[0] for row in corpus.sentences[1]] == sentences["en"]
    assert (corpus.pad, corpus.end_of_sentence) == (PAD, END)
