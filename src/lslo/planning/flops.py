"""Floating-point operations of training and translation, by the sizes of a model and lengths of sentences.

Multiplying a token by a weight matrix takes 2 operations per weight: one multiplication and one addition.
Let d be the dimension of the model, f the width of its feed-forward networks and V the size of its
vocabulary; and let a sentence pair have n source and m target tokens, language token and `</s>` included.
The forward pass takes

    encoder layer       2 n (4 d² + 2 d f)  +  4 d n²
    decoder layer       2 m (6 d² + 2 d f)  +  4 d² n   +  4 d m²  +  4 d m n
    output projection   2 m d V

Here 4 d² n are the keys and values of cross-attention, which are computed from source tokens. The terms in
n², m² and m n are the products of attention: q kᵀ and the weighted sum of v. Padding, norms, softmaxes and
the optimizer, which is a pass over memory, are left out.

In the backward pass, the gradients of activations take as many operations as the forward pass, and the
gradients of weights as many again. The products of attention have no weights, but twice as many operations
for the gradients of activations, since both factors are activations. Full fine-tuning therefore takes three
times the forward pass. LSLo takes twice the forward pass (three times attention's products), and three times
its own products x A_lᵀ and (x A_lᵀ) B_lᵀ, which are 2 r (d + k) operations per token. In the lowest layer
nothing below is trained, so the gradient of the input of q, k and v is not computed.
"""

from __future__ import annotations

from dataclasses import dataclass

from lslo.planning.model_sizes import MatrixGroup, ModelSizes
from lslo.planning.token_counts import PairSums

# The decoder's modules that source tokens go through: the keys and values of cross-attention.
_SOURCE_MODULES_OF_DECODER = ("c-k", "c-v")


@dataclass(frozen=True)
class LsloShape:
    """The properties of LSLo modules that determine their number of operations.

    Attributes:
        rank: Mean rank of the languages. The count is exact if all ranks are equal, or if the sentences of
            all languages have the same length.
        modules: `all` or `fc`.
        copies: LSLo modules on each matrix: 2 in weight learning, source- and target-indexed; otherwise 1.
    """

    rank: float
    modules: str = "all"
    copies: int = 1


def _weights_per_layer(sizes: ModelSizes, side: str) -> int:
    """Returns the weights of a layer, without the keys and values of cross-attention."""
    d = sizes.dimension
    projections = 4 if side == "encoder" else 6
    return projections * d * d + 2 * d * sizes.feed_forward(side)


def weight_flops(sizes: ModelSizes, source: float, target: float) -> float:
    """Returns the operations of the products with the weights of all layers, in the forward pass.

    Args:
        sizes: The sizes of the model.
        source: Number of source tokens.
        target: Number of target tokens.
    """
    d = sizes.dimension
    encoder = sizes.encoder_layers * _weights_per_layer(sizes, "encoder") * source
    cross = sizes.decoder_layers * 2 * d * d * source
    return 2 * (encoder + cross + sizes.decoder_layers * _weights_per_layer(sizes, "decoder") * target)


def projection_flops(sizes: ModelSizes, target: float) -> float:
    """Returns the operations of the output projection of `target` tokens, in the forward pass."""
    return 2 * sizes.dimension * sizes.vocabulary * target


def attention_flops(sizes: ModelSizes, sums: PairSums) -> float:
    """Returns the operations of attention's products q kᵀ and the weighted sum of v, in the forward pass."""
    encoder = sizes.encoder_layers * sums.source_squares
    decoder = sizes.decoder_layers * (sums.target_squares + sums.products)
    return 4 * sizes.dimension * (encoder + decoder)


def lslo_flops(sizes: ModelSizes, shape: LsloShape, source: float, target: float) -> float:
    """Returns the operations of LSLo's products x A_lᵀ and (x A_lᵀ) B_lᵀ, in the forward pass.

    Args:
        sizes: The sizes of the model.
        shape: The shape of the LSLo modules.
        source: Number of source tokens.
        target: Number of target tokens.
    """
    return sum(
        2 * shape.copies * shape.rank * (group.inputs + group.outputs) * matrices * tokens
        for group in sizes.lslo_matrices(shape.modules)
        for matrices, tokens in _matrices_and_tokens(sizes, group, source, target)
    )


def _matrices_and_tokens(
    sizes: ModelSizes, group: MatrixGroup, source: float, target: float
) -> list[tuple[int, float]]:
    """Returns how many matrices of a group target tokens go through, and how many source tokens."""
    source_modules = group.modules if group.side == "encoder" else _SOURCE_MODULES_OF_DECODER
    on_source = sum(module in source_modules for module in group.modules)
    layers = sizes.layers(group.side)
    return [(layers * (len(group.modules) - on_source), target), (layers * on_source, source)]


def forward_flops(sizes: ModelSizes, sums: PairSums) -> float:
    """Returns the operations of the base model's forward pass over every pair once."""
    return (
        weight_flops(sizes, sums.source_tokens, sums.target_tokens)
        + projection_flops(sizes, sums.target_tokens)
        + attention_flops(sizes, sums)
    )


def full_training_flops(sizes: ModelSizes, sums: PairSums) -> float:
    """Returns the operations of full fine-tuning on every pair once, forward and backward."""
    return 3 * forward_flops(sizes, sums)


def lslo_training_flops(sizes: ModelSizes, sums: PairSums, shape: LsloShape) -> float:
    """Returns the operations of training LSLo on every pair once, forward and backward."""
    source, target = sums.source_tokens, sums.target_tokens
    own = 3 * lslo_flops(sizes, shape, source, target)
    base = 2 * forward_flops(sizes, sums) + attention_flops(sizes, sums)
    return base + own - _skipped_flops(sizes, sums, shape)


def _skipped_flops(sizes: ModelSizes, sums: PairSums, shape: LsloShape) -> float:
    """Returns the operations of gradients in the lowest layers that the backward pass does not compute."""
    d = sizes.dimension
    saved = 0.0
    for group in sizes.lslo_matrices(shape.modules):
        tokens = sums.source_tokens if group.side == "encoder" else sums.target_tokens
        base = 2 * group.inputs * group.outputs
        own = 2 * shape.copies * shape.rank * group.inputs
        saved += group.without_input_gradient * (base + own) * tokens
    if shape.modules == "fc":
        # In the encoder's lowest self-attention nothing is trained, and no gradient passes through it. The
        # same holds in the decoder for self-attention and for the queries of cross-attention. The keys and
        # values of cross-attention pass their gradients on to the encoder, so that q kᵀ needs the gradient
        # of k but not that of q.
        saved += 2 * 4 * d * d * sums.source_tokens + 8 * d * sums.source_squares
        saved += 2 * 5 * d * d * sums.target_tokens + 8 * d * sums.target_squares
        saved += 2 * d * sums.products
    return saved


def translation_flops(sizes: ModelSizes, sums: PairSums, beam: int, shape: LsloShape | None) -> float:
    """Returns the operations of beam search for every sentence once, with hypotheses as long as references.

    The encoder, and the keys and values of cross-attention, run once per sentence. The decoder reads `</s>`
    and the language token once, and then `beam` times the m − 2 tokens that `</s>` ends. The search in fact
    goes on for some steps, until `beam` hypotheses have ended; these steps are left out. At length t, each
    hypothesis attends, through a mask, to the first two tokens and to the t − 2 further tokens of all
    hypotheses of its sentence.

    Args:
        sizes: The sizes of the model.
        sums: Sums over the pairs of source and reference.
        beam: Number of hypotheses.
        shape: The shape of the adapter's LSLo modules; None for a model without an adapter.
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
