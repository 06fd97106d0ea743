"""The decoder of an M2M100 model a token at a time, for all hypotheses of a batch of sentences.

Beam search exchanges hypotheses at every step, and moving their cached keys and values costs as much as
attending to them. Here nothing moves: the keys of all hypotheses of a sentence lie side by side, and each
hypothesis has a mask of those that are its own. Keys and values of the source are there once a sentence, not
once a hypothesis.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import M2M100ForConditionalGeneration

# Steps that memory is taken for at a time, the first time as if of one hypothesis: keys are copied when it is
# used up.
STEPS_AHEAD = 16


class IncrementalDecoder:
    """Decoder states of n sentences, to be used in the route of the n sentences' languages.

    states: [n, source length, d] of the encoder. source_mask: [n, source length], 1 where there is a token.
    """

    def __init__(self, model: M2M100ForConditionalGeneration, states: Tensor, source_mask: Tensor):
        self.decoder = model.model.decoder
        self.layers = list(self.decoder.layers)
        self.end_of_sentence = model.config.eos_token_id
        self.steps = 0
        self.used = 0
        hidden = source_mask[:, None, None, :].eq(0)
        self.source_mask = hidden.to(states.dtype).masked_fill(hidden, -torch.inf)
        self.source = [
            tuple(
                _heads(attention, projection(states)).contiguous()
                for projection in (attention.k_proj, attention.v_proj)
            )
            for attention in (layer.encoder_attn for layer in self.layers)
        ]
        # [n, heads, capacity, head size] a layer, of which `used` are written.
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        # [n, hypotheses, used]: 0 where a key is of the hypothesis's own past, −∞ elsewhere.
        self.visible = states.new_zeros(len(states), 1, 0)

    def start(self, tokens: Tensor) -> Tensor:
        """The states [n, length, d] of the first tokens [n, length], the same for all hypotheses to come."""
        length = tokens.shape[1]
        unseen = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
        new = self.visible.new_zeros(length, length).masked_fill_(unseen, -torch.inf)
        hidden = self._forward(tokens, self._positions(length), new.expand(len(tokens), -1, -1))
        self.steps, self.visible = length, self.visible.new_zeros(len(tokens), 1, length)
        return hidden

    def step(self, tokens: Tensor, parents: Tensor) -> Tensor:
        """The states [n, hypotheses, d] of one more token of each hypothesis.

        tokens: [n, hypotheses]. parents: [n, hypotheses], the hypothesis that each continues.
        """
        sentences, hypotheses = tokens.shape
        past = self.visible.gather(1, parents.unsqueeze(-1).expand(-1, -1, self.used))
        own = self.visible.new_full((hypotheses, hypotheses), -torch.inf).fill_diagonal_(0)
        self.visible = torch.cat([past, own.expand(sentences, -1, -1)], dim=-1)
        hidden = self._forward(tokens, self._positions(1), self.visible)
        self.steps += 1
        return hidden

    def keep(self, sentences: Tensor) -> None:
        """Go on with these sentences only (indices into n, ascending)."""
        self.visible = self.visible[sentences]
        self.source_mask = self.source_mask[sentences]
        self.source = [(keys[sentences], values[sentences]) for keys, values in self.source]
        for cache in (self.keys, self.values):
            for number, tensor in enumerate(cache):
                cache[number] = tensor[sentences]

    def _forward(self, tokens: Tensor, positions: Tensor, visible: Tensor) -> Tensor:
        """tokens: [n, w]. positions: [1, w or 1, d]. visible: [n, w, used + w]. Returns [n, w, d]."""
        if self.keys and self.used + tokens.shape[1] > self.keys[0].shape[2]:
            self._grow(STEPS_AHEAD * tokens.shape[1])
        hidden = self.decoder.embed_tokens(tokens) + positions
        written = slice(self.used, self.used + tokens.shape[1])
        self.used = written.stop
        mask = visible.unsqueeze(1)
        for number, layer in enumerate(self.layers):
            x = layer.self_attn_layer_norm(hidden)
            keys, values = self._remember(number, layer.self_attn, x, written)
            hidden = hidden + _attend(layer.self_attn, x, keys, values, mask)
            x = layer.encoder_attn_layer_norm(hidden)
            hidden = hidden + _attend(layer.encoder_attn, x, *self.source[number], self.source_mask)
            x = layer.final_layer_norm(hidden)
            hidden = hidden + layer.fc2(layer.activation_fn(layer.fc1(x)))
        return self.decoder.layer_norm(hidden)

    def _positions(self, count: int) -> Tensor:
        """The embeddings [1, count, d] of the next positions."""
        any_token = torch.full((1, count), self.end_of_sentence, device=self.visible.device)
        return self.decoder.embed_positions(any_token, None, self.steps).to(self.visible.dtype)

    def _remember(
        self, number: int, attention: nn.Module, x: Tensor, written: slice
    ) -> tuple[Tensor, Tensor]:
        """Keys and values [n, heads, used, head size] of a layer, those of x among them."""
        new = (_heads(attention, attention.k_proj(x)), _heads(attention, attention.v_proj(x)))
        if len(self.keys) == number:
            capacity = STEPS_AHEAD
            for cache, tensor in zip((self.keys, self.values), new, strict=True):
                sentences, heads, _, size = tensor.shape
                cache.append(tensor.new_empty(sentences, heads, written.stop + capacity, size))
        for cache, tensor in zip((self.keys, self.values), new, strict=True):
            cache[number][:, :, written] = tensor
        return self.keys[number][:, :, : written.stop], self.values[number][:, :, : written.stop]

    def _grow(self, more: int) -> None:
        for cache in (self.keys, self.values):
            for number, tensor in enumerate(cache):
                sentences, heads, _, size = tensor.shape
                larger = tensor.new_empty(sentences, heads, self.used + more, size)
                larger[:, :, : self.used] = tensor[:, :, : self.used]
                cache[number] = larger


def _heads(attention: nn.Module, projected: Tensor) -> Tensor:
    """[n, length, d] -> [n, heads, length, head size]."""
    return projected.view(*projected.shape[:2], -1, attention.head_dim).transpose(1, 2)


def _attend(attention: nn.Module, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """What the queries of x [n, w, d] find in keys and values [n, heads, length, head size]: [n, w, d].

    mask: [n, 1, w or 1, length], added to the scores.
    """
    queries = _heads(attention, attention.q_proj(x))
    if x.device.type == "cpu":
        # The blocks of a CPU's fused attention are made for many queries; here are no more than hypotheses.
        scores = torch.matmul(queries * attention.scaling, keys.transpose(2, 3)).add_(mask)
        found = torch.matmul(scores.softmax(dim=-1), values)
    else:
        found = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, scale=attention.scaling)
    return attention.out_proj(found.transpose(1, 2).reshape(x.shape))
