"""The best continuations equal those of all log-probabilities, by blocks of a large vocabulary or not."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lslo.translation.output_projection import BLOCK, LARGE_VOCABULARY, OutputProjection

PAD = 1


def projection(vocabulary, candidates, bias=False, seed=1):
    torch.manual_seed(seed)
    head = nn.Linear(6, vocabulary, bias=bias).requires_grad_(False)
    config = SimpleNamespace(pad_token_id=PAD, vocab_size=vocabulary)
    return OutputProjection(SimpleNamespace(lm_head=head, config=config), candidates), head


def expected(head, hidden):
    log_p = head(hidden).log_softmax(dim=-1)
    log_p[..., PAD] = -torch.inf
    return log_p


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    "vocabulary", [50, LARGE_VOCABULARY, LARGE_VOCABULARY + 12, LARGE_VOCABULARY + BLOCK - 1]
)
def test_continuations_are_the_best_of_all_tokens(vocabulary, bias):
    output, head = projection(vocabulary, candidates=10, bias=bias)
    for rows in (3, 1, 4):  # memory is used again, and grows
        hidden = torch.randn(rows, 5, 6)
        found = output.continuations(hidden)
        values, tokens = expected(head, hidden).topk(10, dim=-1)
        order = found.log_probabilities.argsort(dim=-1, descending=True)
        torch.testing.assert_close(found.log_probabilities.gather(-1, order), values)
        assert torch.equal(found.tokens.gather(-1, order), tokens)


@pytest.mark.parametrize("best", ["one block", "behind the last whole block", "beside padding"])
def test_the_best_may_be_anywhere_in_a_large_vocabulary(best):
    vocabulary = LARGE_VOCABULARY + 12
    output, head = projection(vocabulary, candidates=10, bias=True)
    start = {"one block": 640, "behind the last whole block": LARGE_VOCABULARY, "beside padding": 0}[best]
    head.bias[start : start + 12] += 100
    head.bias[PAD] = 1000
    hidden = torch.randn(2, 3, 6)
    found = output.continuations(hidden)
    order = found.log_probabilities.argsort(dim=-1, descending=True)
    torch.testing.assert_close(
        found.log_probabilities.gather(-1, order), expected(head, hidden).topk(10, dim=-1).values
    )
    inside = (found.tokens >= start) & (found.tokens < start + 12)
    assert inside.all()
    assert not found.tokens.eq(PAD).any()


def test_a_batch_in_parts_is_the_whole(monkeypatch):
    output, _ = projection(70, candidates=4)
    hidden = torch.randn(5, 3, 6)
    whole = output.continuations(hidden)
    monkeypatch.setattr("lslo.translation.output_projection.CACHED_LOGITS", 100)
    parts = output.continuations(hidden)
    torch.testing.assert_close(parts.log_probabilities, whole.log_probabilities)
    assert torch.equal(parts.tokens, whole.tokens)


def test_only_one_token_may_follow():
    output, head = projection(70, candidates=4)
    hidden = torch.randn(2, 3, 6)
    found = output.continuations(hidden, only=2)
    torch.testing.assert_close(found.log_probabilities[..., 0], expected(head, hidden)[..., 2])
    assert found.tokens.eq(2).all()
    torch.testing.assert_close(
        output.log_probability(hidden[:, 0], torch.tensor([7, 9])),
        expected(head, hidden)[[0, 1], 0, [7, 9]],
    )


def test_continuations_of_all_hypotheses_of_a_sentence_compete():
    output, head = projection(30, candidates=6)
    hidden, scores = torch.randn(4, 3, 6), torch.randn(4, 3)
    values, parents, tokens = output.continuations(hidden).best(scores, 6)
    totals = (scores.unsqueeze(-1) + expected(head, hidden)).flatten(1)
    best, flat = totals.topk(6, dim=1)
    torch.testing.assert_close(values, best)
    assert torch.equal(parents * 30 + tokens, flat)
