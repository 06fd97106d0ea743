"""The models that the comparisons run on: random ones whose sentences end, LSLo put on them and merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import M2M100Config, M2M100ForConditionalGeneration

from lslo.adapters.adapter_description import AdapterDescription
from lslo.adapters.adapter_folder import WEIGHTS, load_with_adapter, save_adapter
from lslo.adapters.index_strategy import SOURCE, TARGET, IndexStrategy
from lslo.adapters.placement import add_lslo, number_of_layers, weight_matrices
from lslo.adapters.routing import Router
from lslo.base_model.loading import base_model_fingerprint, load_base_model

# Standard deviation of a logit of a random model over the vocabulary. At 4 the best token has a probability
# of about a tenth, and near-ties that rounding could turn are rare.
LOGIT_DEVIATION = 4.0
# One in so many sinusoidal dimensions carries the logit of `</s>`.
END_DIMENSIONS = 32
# How strongly, with one layer; each layer adds to the stream that the positions are a part of.
END_STRENGTH = 0.225
# Tokens after which it is as high as it gets; with END_STRENGTH, sentences then have 25 tokens on average.
END_HIGHEST = 60


def random_model(
    *, pieces: int, languages: int, dimension: int, feed_forward: int, layers: int, heads: int, seed: int = 1
) -> M2M100ForConditionalGeneration:
    """A random M2M100 in float32 whose translations have many lengths, 10 to 40 tokens.

    pieces: ids 4 to pieces − 1 are text, the `languages` ids after them language tokens. layers: of the
    encoder and of the decoder.

    A random model with tied embeddings repeats its input and hardly ever ends a sentence. Two changes,
    which cost no operation more:

    - The weight of the decoder's last layer norm is LOGIT_DEVIATION with random signs. The signs take away
      the product of a token's embedding with itself, so that no token is its own likeliest successor; the
      size makes a distribution about as sharp as a trained model's.
    - The embedding of `</s>` gets END_STRENGTH · √layers more in the cosine dimensions of the position whose
      frequencies are nearest to π / END_HIGHEST, and there the layer norm's signs are negative: −cos rises
      from −1 at the first token to +1 at END_HIGHEST, and the logit of `</s>` with it. The rest of that logit
      is as random as any other's, so that sentences end at different places.

    Language tokens are no likelier than others (a trained model is sure of them), so that an engine that
    does not count their log-probability finds other hypotheses more often than on a trained model.
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
    half = dimension // 2
    frequency = torch.exp(torch.arange(half) * (-torch.log(torch.tensor(1e4)) / (half - 1)))
    nearest = (frequency.log() - torch.log(torch.tensor(torch.pi / END_HIGHEST))).abs().argsort()
    cosines = half + nearest[: dimension // END_DIMENSIONS]
    signs = torch.randint(0, 2, (dimension,)) * 2.0 - 1
    signs[cosines] = -1
    with torch.no_grad():
        model.model.decoder.layer_norm.weight.copy_(LOGIT_DEVIATION * signs)
        model.model.shared.weight[model.config.eos_token_id, cosines] += END_STRENGTH * layers**0.5
    model.generation_config.max_length = None
    return model.eval()


def strategy_as_learned(encoder_layers: int, decoder_layers: int) -> IndexStrategy:
    """What weight learning finds: the top third of the encoder and the decoder listen to the target."""
    target = encoder_layers // 3
    return IndexStrategy(
        (SOURCE,) * (encoder_layers - target) + (TARGET,) * target, (TARGET,) * decoder_layers
    )


def write_adapter(
    folder: Path, base_model: Path, setting: str, ranks: Mapping[str, int], scale: float
) -> None:
    """Write an adapter whose A is Gaussian as at the start of training and whose B, of standard deviation
    `scale`, is not zero, so that every language has translations of its own."""
    model = load_base_model(base_model)
    strategy = strategy_as_learned(number_of_layers(model, "encoder"), number_of_layers(model, "decoder"))
    _, placed = add_lslo(model, ranks, strategy)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in placed.values():
            for index in range(len(ranks)):
                B = module.lslo.B_of(index)
                B.copy_(scale * torch.randn(B.shape, generator=generator))
    save_adapter(
        folder,
        placed,
        AdapterDescription(
            setting=setting,
            ranks=ranks,
            strategy=strategy,
            modules="all",
            base_model_sha256=base_model_fingerprint(base_model),
        ),
    )


def load_adapted(base_model: Path, adapter: Path) -> tuple[M2M100ForConditionalGeneration, Router]:
    """The model with LSLo modules, as `lslo translate` loads it."""
    return load_with_adapter(base_model, adapter)


class Merger:
    """A base model into whose weights the LSLo of one direction after another is merged: W + B_l A_l.

    What every engine without LSLo modules has to do. The base model's weights are kept, so that rounding does
    not add up over directions.

    languages: of the adapter.
    """

    def __init__(self, base_model: Path, adapter: Path, device: torch.device | str = "cpu"):
        self.model = load_base_model(base_model).to(device)
        self.model.requires_grad_(False)
        strategy = strategy_as_learned(
            number_of_layers(self.model, "encoder"), number_of_layers(self.model, "decoder")
        )
        self._matrices = {
            matrix.path: strategy.index(matrix.side, matrix.layer) for matrix in weight_matrices(self.model)
        }
        self._base = {path: self._weight(path).clone() for path in self._matrices}
        self._adapter = {name: tensor.to(device) for name, tensor in load_file(adapter / WEIGHTS).items()}

    def _weight(self, path: str) -> Tensor:
        return self.model.model.get_submodule(path).weight

    def merge(self, direction: Sequence[str]) -> M2M100ForConditionalGeneration:
        """The model of a direction (source, target); the same object every time."""
        source, target = direction
        for path, index in self._matrices.items():
            language = source if index == SOURCE else target
            A, B = (self._adapter[f"{path}.{language}.{name}"] for name in "AB")
            torch.addmm(self._base[path], B, A, out=self._weight(path).data)
        return self.model
