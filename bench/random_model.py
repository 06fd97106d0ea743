"""A random M2M100 whose translations end, as a trained model's do, after different numbers of tokens."""

from __future__ import annotations

import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration

# The standard deviation of a logit over the vocabulary. At 4 the best token has a probability of about a
# tenth, and hypotheses whose scores are so close that rounding could decide between them are rare.
LOGIT_DEVIATION = 4.0
# One sinusoidal dimension in this many carries the logit of `</s>`.
END_DIMENSIONS = 32
# The strength of that logit in a model of one layer. Each layer adds to the residual stream, which the
# positions are a part of, so the strength grows with the number of layers.
END_STRENGTH = 0.225
# The number of tokens after which that logit is highest. With END_STRENGTH, sentences have 25 tokens on
# average.
END_HIGHEST = 60


def random_model(
    *, pieces: int, languages: int, dimension: int, feed_forward: int, layers: int, heads: int, seed: int = 1
) -> M2M100ForConditionalGeneration:
    """Makes a random M2M100 in float32 whose translations have many lengths, 10 to 40 tokens.

    Language tokens are no likelier than others, whereas a trained model is sure of them. An engine that does
    not count their log-probability therefore finds other hypotheses more often than it would on a trained
    model.

    Args:
        pieces: The number of pieces; the ids from 4 to pieces − 1 are text.
        languages: The number of language tokens, whose ids follow the pieces.
        dimension: The model's dimension d.
        feed_forward: The dimension of the feed-forward layers.
        layers: The number of layers of the encoder, and of the decoder.
        heads: The number of attention heads.
        seed: The seed of the weights.
    """
    torch.manual_seed(seed)
    model = M2M100ForConditionalGeneration(
        M2M100Config(
            vocab_size=pieces + languages,
            d_model=dimension,
            encoder_layers=layers,
            decoder_layers=layers,
            encoder_ffn_dim=feed_forward,
            decoder_ffn_dim=feed_forward,
            encoder_attention_heads=heads,
            decoder_attention_heads=heads,
            max_position_embeddings=512,
            encoder_layerdrop=0.0,
            decoder_layerdrop=0.0,
            # The embeddings are multiplied by sqrt(d_model), so this gives them unit variance.
            init_std=dimension**-0.5,
        )
    )
    _let_sentences_end(model)
    model.generation_config.max_length = None
    return model.eval()


def _let_sentences_end(model: M2M100ForConditionalGeneration) -> None:
    """Changes a random model's weights so that its sentences end, without adding operations.

    A random model with tied embeddings repeats its input and hardly ever ends a sentence. Two changes:

    - The weight of the decoder's last layer norm becomes LOGIT_DEVIATION with random signs. The signs take
      away the product of a token's embedding with itself, so that no token is its own likeliest successor;
      the size makes a distribution about as sharp as a trained model's.
    - The embedding of `</s>` gets END_STRENGTH · √layers more in the cosine dimensions of the position whose
      frequencies are nearest to π / END_HIGHEST, and the layer norm's signs are negative there: −cos rises
      from −1 at the first token to +1 at END_HIGHEST, and the logit of `</s>` with it. The rest of that logit
      is as random as any other's, so that sentences end at different places.
    """
    dimension = model.config.d_model
    half = dimension // 2
    frequency = torch.exp(torch.arange(half) * (-torch.log(torch.tensor(1e4)) / (half - 1)))
    nearest = (frequency.log() - torch.log(torch.tensor(torch.pi / END_HIGHEST))).abs().argsort()
    cosines = half + nearest[: dimension // END_DIMENSIONS]
    signs = torch.randint(0, 2, (dimension,)) * 2.0 - 1
    signs[cosines] = -1
    strength = END_STRENGTH * model.config.decoder_layers**0.5
    with torch.no_grad():
        model.model.decoder.layer_norm.weight.copy_(LOGIT_DEVIATION * signs)
        model.model.shared.weight[model.config.eos_token_id, cosines] += strength
