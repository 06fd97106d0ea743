"""Floating-point operations of training and translation, by sizes of the model and lengths of sentences.

A product of a weight matrix with a token takes 2 operations a weight, one to multiply and one to add. With d
the dimension, f the feed-forward width, V the vocabulary, n source and m target tokens of a sentence pair
(language token and `</s>` included), the forward pass takes

    encoder layer       2 n (4 d² + 2 d f)  +  4 d n²
    decoder layer       2 m (6 d² + 2 d f)  +  4 d² n   +  4 d m²  +  4 d m n
    output projection   2 m d V

where 4 d² n are the keys and values of cross-attention, made of source tokens, and the terms in n², m² and m
n are attention's own products, q kᵀ and the weighted sum of v. Padding, norms, softmaxes and the optimizer,
which is a pass over memory, are left out.

Backward, gradients of activations take as much as the forward pass (of attention's products twice as much:
both factors are activations), gradients of weights as much again. So full fine-tuning takes three times the
forward pass, LSLo twice, and its own products x A_lᵀ and (x A_lᵀ) B_lᵀ, 2 r (d + k) a token, three times. In
the lowest layer nothing below is trained, so the gradient of q's, k's and v's input is not taken.
"""

from __future__ import annotations

from dataclasses import dataclass

from lslo.planning.model_sizes import ModelSizes, WeightMatrices
from lslo.planning.token_counts import PairSums


@dataclass(frozen=True)
class LsloShape:
    """LSLo modules as far as they cost operations.

    rank: mean over languages, so that it is exact where all languages have sentences of the same length or
    all ranks are equal. modules: `all` or `fc`. copies: 2 in weight learning, source- and target-indexed.
    """

    rank: float
    modules: str = "all"
    copies: int = 1


def _weights(sizes: ModelSizes, side: str) -> int:
    """Of a layer, the keys and values of cross-attention left out."""
    d = sizes.dimension
    if side == "encoder":
        return 4 * d * d + 2 * d * sizes.encoder_feed_forward
    return 6 * d * d + 2 * d * sizes.decoder_feed_forward


def weight_flops(sizes: ModelSizes, source: float, target: float) -> float:
    """Of the products with layers' weights, forward. source, target: tokens."""
    d = sizes.dimension
    encoder = sizes.encoder_layers * _weights(sizes, "encoder") * source
    cross = sizes.decoder_layers * 2 * d * d * source
    return 2 * (encoder + cross + sizes.decoder_layers * _weights(sizes, "decoder") * target)


def projection_flops(sizes: ModelSizes, target: float) -> float:
    """Of the output projection, forward. target: tokens."""
    return 2 * sizes.dimension * sizes.vocabulary * target


def attention_flops(sizes: ModelSizes, sums: PairSums) -> float:
    """Of attention's own products, forward."""
    encoder = sizes.encoder_layers * sums.source_squares
    decoder = sizes.decoder_layers * (sums.target_squares + sums.products)
    return 4 * sizes.dimension * (encoder + decoder)


def lslo_flops(sizes: ModelSizes, shape: LsloShape, source: float, target: float) -> float:
    """Of x A_lᵀ and (x A_lᵀ) B_lᵀ, forward. source, target: tokens."""
    return sum(
        2 * shape.copies * shape.rank * (matrices.inputs + matrices.outputs) * number * tokens
        for matrices in sizes.lslo_matrices(shape.modules)
        for number, tokens in _matrices_and_tokens(sizes, matrices, source, target)
    )


def _matrices_and_tokens(
    sizes: ModelSizes, matrices: WeightMatrices, source: float, target: float
) -> list[tuple[int, float]]:
    """(number of matrices, tokens that go through each): c-k and c-v of the decoder see source tokens."""
    layers = sizes.layers(matrices.side)
    if matrices.side == "encoder":
        return [(layers * matrices.number, source)]
    if matrices.number == 6:
        return [(layers * 4, target), (layers * 2, source)]
    return [(layers * matrices.number, target)]


def forward_flops(sizes: ModelSizes, sums: PairSums) -> float:
    """The base model's, of every pair once."""
    return (
        weight_flops(sizes, sums.source_tokens, sums.target_tokens)
        + projection_flops(sizes, sums.target_tokens)
        + attention_flops(sizes, sums)
    )


def full_training_flops(sizes: ModelSizes, sums: PairSums) -> float:
    """Full fine-tuning on every pair once, forward and backward."""
    return 3 * forward_flops(sizes, sums)


def lslo_training_flops(sizes: ModelSizes, sums: PairSums, shape: LsloShape) -> float:
    """LSLo on every pair once, forward and backward."""
    source, target = sums.source_tokens, sums.target_tokens
    own = 3 * lslo_flops(sizes, shape, source, target)
    base = 2 * forward_flops(sizes, sums) + attention_flops(sizes, sums)
    return base + own - _lowest_layers(sizes, sums, shape)


def _lowest_layers(sizes: ModelSizes, sums: PairSums, shape: LsloShape) -> float:
    """What the backward pass does not do there."""
    d = sizes.dimension
    saved = 0.0
    for matrices in sizes.lslo_matrices(shape.modules):
        tokens = sums.source_tokens if matrices.side == "encoder" else sums.target_tokens
        base = 2 * matrices.inputs * matrices.outputs
        own = 2 * shape.copies * shape.rank * matrices.inputs
        saved += matrices.first * (base + own) * tokens
    if shape.modules == "fc":
        # Of the encoder's lowest self-attention nothing is trained: no gradient passes it. In the decoder
        # that holds of self-attention and of cross-attention's queries; its keys and values pass theirs on to
        # the encoder, and the attention between them half of its own.
        saved += 2 * 4 * d * d * sums.source_tokens + 8 * d * sums.source_squares
        saved += 2 * 5 * d * d * sums.target_tokens + 8 * d * sums.target_squares
        saved += 2 * d * sums.products
    return saved


def translation_flops(sizes: ModelSizes, sums: PairSums, beam: int, shape: LsloShape | None) -> float:
    """Beam search for every sentence once, each hypothesis as long as the reference.

    The encoder, and cross-attention's keys and values, run once a sentence; the decoder reads `</s>` and the
    language token once, then the m − 2 tokens that `</s>` ends, beam times. The search goes on until `beam`
    hypotheses have ended, some steps more, which are left out. At length t each hypothesis attends, by a
    mask, to the first two tokens and to t − 2 of all hypotheses of its sentence.

    sums: of the sources and of the references. shape: of the adapter, None for a model without.
    """
    decoded = 2 * sums.pairs + beam * (sums.target_tokens - 2 * sums.pairs)
    flops = weight_flops(sizes, sums.source_tokens, decoded) + projection_flops(sizes, decoded)
    # Σ of the lengths from 3 to m is (m² + m) / 2 − 3; the first two positions are computed together.
    steps = (sums.target_squares + sums.target_tokens) / 2 - 3 * sums.pairs
    step_count = sums.target_tokens - 2 * sums.pairs
    keys = 2 * step_count + beam * (steps - 2 * step_count)
    own = sizes.decoder_layers * (4 * sums.pairs + beam * keys)
    cross = sizes.decoder_layers * (2 * sums.source_tokens)
    cross += sizes.decoder_layers * beam * (sums.products - 2 * sums.source_tokens)
    flops += 4 * sizes.dimension * (sizes.encoder_layers * sums.source_squares + own + cross)
    return flops + (lslo_flops(sizes, shape, sums.source_tokens, decoded) if shape else 0)
