"""Small models, a tiny tokenizer and a random corpus, shared by the unit tests."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

PAD, END = 1, 2
SENTENCES = {
    "en": ["The house is small.", "Two boats on the river", "France and Senegal"],
    "de": ["Das Haus ist klein.", "Zwei Boote auf dem Fluss", "Frankreich und Senegal"],
    "or": ["ଘରଟି ଛୋଟ", "ନଦୀରେ ଦୁଇଟି ଡଙ୍ଗା", "ଫ୍ରାନ୍ସ ଏବଂ ସେନେଗାଲ"],
    "zh": ["房子很小。", "河上有两条船", "法国和塞内加尔"],
}


@pytest.fixture(scope="session")
def small_model():
    """A function that makes an M2M100 of 2 + 3 layers with random weights, biases and norms."""
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    def make(seed=1, *, vocabulary=40, encoder_layers=2, decoder_layers=3, dropout=0.0):
        torch.manual_seed(seed)
        model = M2M100ForConditionalGeneration(
            M2M100Config(
                vocab_size=vocabulary,
                d_model=16,
                encoder_layers=encoder_layers,
                decoder_layers=decoder_layers,
                encoder_ffn_dim=24,
                decoder_ffn_dim=24,
                encoder_attention_heads=2,
                decoder_attention_heads=2,
                max_position_embeddings=64,
                dropout=dropout,
                attention_dropout=dropout,
                encoder_layerdrop=0.0,
                decoder_layerdrop=0.0,
                init_std=0.25,
            )
        )
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.dim() == 1:
                    parameter.add_(0.2 * torch.randn_like(parameter))
                assert parameter.isfinite().all(), name
        return model.eval()

    return make


@pytest.fixture(scope="session")
def randomised():
    """A function that fills the A and B of LSLo modules with random numbers, so that B matters."""
    import torch

    def fill(modules, seed=2, scale=0.3):
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for module in modules:
                for parameter in (module.A, module.B):
                    parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))

    return fill


@pytest.fixture(scope="session")
def toy_corpus():
    """Fourteen rows of random tokens (10 to 39) in en, de and or, whose language tokens are 4, 5 and 6."""
    from lslo.corpus.tokenized import TokenizedCorpus

    generator = np.random.default_rng(3)

    def sentence(token):
        return np.array([token, *generator.integers(10, 40, size=generator.integers(1, 9)), END])

    sentences = tuple(tuple(sentence(token) for _ in range(14)) for token in (4, 5, 6))
    lengths = np.array([[len(sentence) for sentence in rows] for rows in sentences])
    return TokenizedCorpus(("en", "de", "or"), sentences, lengths, PAD, END)


@pytest.fixture(scope="session")
def sentences():
    """Three parallel sentences in en, de, or and zh."""
    return SENTENCES


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory):
    """A tokenizer's folder, its pieces learned from `sentences`."""
    from lslo.recipes.demo_tokenizer import write_tokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    lines = [line for rows in SENTENCES.values() for line in rows]
    write_tokenizer(folder, lines, "xyz", 130)
    return folder
