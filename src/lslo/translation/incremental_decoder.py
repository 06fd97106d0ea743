"""The decoder of an M2M100 model, run one token at a time for all hypotheses of a batch of sentences.

Beam search exchanges hypotheses at every step. Moving their cached keys and values would cost as much as
attending to them, so nothing moves here: the keys of all hypotheses of a sentence lie side by side, and each
hypothesis has a mask that shows it the keys of its own past. The keys and values of the source are kept once
for each sentence, not for each hypothesis.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import M2M100ForConditionalGeneration

# Memory for keys and values is taken for this number of steps ahead, and they are copied when it is used up.
# The first time it counts a single hypothesis for each sentence, as there are no more yet.
STEPS_AHEAD = 16


class IncrementalDecoder:
    """The decoder of a model with the keys and values of n sentences and their hypotheses.

    A model with LSLo modules must be routed by the languages of the same n sentences at every call.

    Attributes:
        steps: The number of decoded positions of each hypothesis.
        used: The number of keys of each sentence: those of all hypotheses at all positions.
        source: The keys and values of the source in each layer, [n, heads, source length, head size].
        source_mask: The mask of the source, [n, 1, 1, source length]: 0 for tokens, −∞ for padding.
        keys: The cached keys of each layer, [n, heads, capacity, head size]; the first `used` are written.
        values: The cached values of each layer, in the same shape.
        visible: The mask of the cached keys, [n, hypotheses, used]: 0 where a key belongs to the hypothesis's
            own past, −∞ elsewhere.
    """

    def __init__(self, model: M2M100ForConditionalGeneration, states: Tensor, source_mask: Tensor):
        """Computes the keys and values of the source.

        Args:
            model: The model whose decoder is run.
            states: The encoder's output, [n, source length, d].
            source_mask: The mask of the source, [n, source length]: 1 for tokens, 0 for padding.
        """
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
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.visible = states.new_zeros(len(states), 1, 0)

    def start(self, tokens: Tensor) -> Tensor:
        """Decodes the first tokens, which all hypotheses of a sentence share.

        Args:
            tokens: The first tokens of each sentence, [n, length].

        Returns:
            The decoder's states [n, length, d].
        """
        length = tokens.shape[1]
        unseen = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
        new = self.visible.new_zeros(length, length).masked_fill_(unseen, -torch.inf)
        hidden = self._forward(tokens, self._positions(length), new.expand(len(tokens), -1, -1))
        self.steps, self.visible = length, self.visible.new_zeros(len(tokens), 1, length)
        return hidden

    def step(self, tokens: Tensor, parents: Tensor) -> Tensor:
        """Decodes one more token of each hypothesis.

        Args:
            tokens: The newest token of each hypothesis, [n, hypotheses].
            parents: The hypothesis of the step before that each hypothesis continues, [n, hypotheses].

        Returns:
            The decoder's states [n, hypotheses, d].
        """
        sentences, hypotheses = tokens.shape
        past = self.visible.gather(1, parents.unsqueeze(-1).expand(-1, -1, self.used))
        own = self.visible.new_full((hypotheses, hypotheses), -torch.inf).fill_diagonal_(0)
        self.visible = torch.cat([past, own.expand(sentences, -1, -1)], dim=-1)
        hidden = self._forward(tokens, self._positions(1), self.visible)
        self.steps += 1
        return hidden

    def keep(self, sentences: Tensor) -> None:
        """Drops all sentences but these (indices into n, ascending)."""
        self.visible = self.visible[sentences]
        self.source_mask = self.source_mask[sentences]
        self.source = [(keys[sentences], values[sentences]) for keys, values in self.source]
        for cache in (self.keys, self.values):
            for number, tensor in enumerate(cache):
                cache[number] = tensor[sentences]

    def _forward(self, tokens: Tensor, positions: Tensor, visible: Tensor) -> Tensor:
        """Runs the decoder's layers on w new tokens of each sentence and keeps their keys and values.

        Args:
            tokens: The new tokens, [n, w].
            positions: The embeddings of the tokens' positions, [1, w or 1, d].
            visible: The mask of the keys, [n, w, used + w]: 0 for those that a token attends to, −∞ for the
                others.

        Returns:
            The decoder's states [n, w, d].
        """
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
        """Returns the embeddings [1, count, d] of the next positions."""
        any_token = torch.full((1, count), self.end_of_sentence, device=self.visible.device)
        return self.decoder.embed_positions(any_token, None, self.steps).to(self.visible.dtype)

    def _remember(
        self, number: int, attention: nn.Module, x: Tensor, written: slice
    ) -> tuple[Tensor, Tensor]:
        """Writes the keys and values of new tokens and returns those of all tokens.

        Args:
            number: The number of the layer, counted from 0.
            attention: The layer's self-attention.
            x: The input of the self-attention at the new tokens, [n, w, d].
            written: The places of the new keys.

        Returns:
            Keys and values [n, heads, used, head size].
        """
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
        """Copies all keys and values into memory for this number of further ones."""
        for cache in (self.keys, self.values):
            for number, tensor in enumerate(cache):
                sentences, heads, _, size = tensor.shape
                larger = tensor.new_empty(sentences, heads, self.used + more, size)
                larger[:, :, : self.used] = tensor[:, :, : self.used]
                cache[number] = larger


def _heads(attention: nn.Module, projected: Tensor) -> Tensor:
    """Splits [n, length, d] into heads: [n, heads, length, head size]."""
    return projected.view(*projected.shape[:2], -1, attention.head_dim).transpose(1, 2)


def _attend(attention: nn.Module, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Attends from x to keys and values.

    Args:
        attention: The self- or cross-attention of a layer.
        x: The input of the queries, [n, w, d].
        keys: The keys, [n, heads, length, head size].
        values: The values, [n, heads, length, head size].
        mask: The mask that is added to the scores, [n, 1, w or 1, length].

    Returns:
        The output of the attention, [n, w, d].
    """
    queries = _heads(attention, attention.q_proj(x))
    if x.device.type == "cpu":
        # A CPU's fused attention works in blocks made for many queries. A sentence here has few: its
        # hypotheses.
        scores = torch.matmul(queries * attention.scaling, keys.transpose(2, 3)).add_(mask)
        found = torch.matmul(scores.softmax(dim=-1), values)
    else:
        found = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, scale=attention.scaling)
    return attention.out_proj(found.transpose(1, 2).reshape(x.shape))
