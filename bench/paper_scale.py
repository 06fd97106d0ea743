"""Measures a random model of M2M-124's size, training and translating: speed, memory, share of the peak.

    python bench/paper_scale.py --output paper_scale.json

on a GPU. On a CPU, ask for less: --updates 1 --tokens-per-batch 500 --tokens-per-update 500 --sentences 12.

Sentences have FLORES-101's lengths (lognormal, 38 ± 15 pieces). Their tokens are random, since speed does not
depend on them. The peak is measured too: the machine's best large matrix product in the same precision.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.parameter_counts import count_adapter, count_model
from lslo.adapters.placement import add_lslo
from lslo.corpus.tokenized import TokenizedCorpus, pad_sequences
from lslo.experiment.hyperparameters import Decoding, Recipe
from lslo.experiment.languages import all_directions
from lslo.running.process_group import ProcessGroup
from lslo.training.batches import TrainingExamples
from lslo.training.trainer import Trainer, TrainingRecords
from lslo.translation.beam_search import beam_search

LANGUAGES = ["en", "fr", "de", "it", "zh", "nl", "ja", "ko", "oc", "or", "sd", "wo"]
CLASSES = ["H"] * 4 + ["M"] * 4 + ["V"] * 4
PIECES = 256_000
STRATEGY = IndexStrategy(("src",) * 9 + ("tgt",) * 3, ("tgt",) * 12)


def random_model(dtype: torch.dtype, device: torch.device) -> M2M100ForConditionalGeneration:
    """Makes a model of the size of M2M-124 615M with random weights."""
    torch.manual_seed(1)
    torch.set_default_dtype(dtype)
    try:
        model = M2M100ForConditionalGeneration(M2M100Config(vocab_size=PIECES + 124, init_std=0.02))
    finally:
        torch.set_default_dtype(torch.float32)
    return model.to(device)


def random_corpus(rows: int) -> TokenizedCorpus:
    """Makes a corpus of the twelve languages with random tokens and the lengths of FLORES-101's sentences."""
    generator = np.random.default_rng(1)
    lengths = np.clip(generator.lognormal(3.56, 0.38, size=rows), 8, 120).astype(int)
    sentences = tuple(
        tuple(
            np.array([PIECES + number, *generator.integers(4, PIECES, size=length), 2]) for length in lengths
        )
        for number in range(len(LANGUAGES))
    )
    table = np.array([[len(row) for row in rows] for rows in sentences])
    return TokenizedCorpus(tuple(LANGUAGES), sentences, table, 1, 2)


def synchronise(device: torch.device) -> None:
    """Waits until the device has finished its queued work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory(device: torch.device) -> int:
    """Returns the most memory used, in bytes: the GPU's since the last reset, or the largest resident set."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def matrix_peak(dtype: torch.dtype, device: torch.device) -> float:
    """Measures several large square matrix products and returns the FLOP/s of the fastest."""
    best = 0.0
    for size in (2048, 4096, 8192) if device.type == "cuda" else (1024, 2048):
        one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
        for _ in range(5):
            synchronise(device)
            started = time.perf_counter()
            for _ in range(5):
                one @ other
            synchronise(device)
            best = max(best, 5 * 2 * size**3 / (time.perf_counter() - started))
    return best


def forward_flops(model: M2M100ForConditionalGeneration, source: int, target: int) -> float:
    """Returns the operations of the products with the base model's weights: 2 for each weight and token.

    Attention's and LoRA's own products are left out, a few per cent at these lengths.

    Args:
        model: The model.
        source: The number of source tokens.
        target: The number of target tokens.
    """

    def weights(side: str) -> int:
        layers = getattr(model.model, side).layers
        return sum(
            parameter.numel()
            for name, parameter in layers.named_parameters()
            if parameter.dim() == 2 and not name.endswith((".A", ".B"))
        )

    # Cross-attention projects source tokens to keys and values.
    cross = 2 * model.config.d_model**2 * model.config.decoder_layers
    projection = model.lm_head.weight.numel()
    return 2 * ((weights("encoder") + cross) * source + (weights("decoder") - cross + projection) * target)


def adapted(setting: str, dtype: torch.dtype, device: torch.device) -> tuple:
    """Returns (model, router, number of trained parameters) of a setting.

    Args:
        setting: Ranks such as `2;2;8`, or `Ft-all`, which is always in float32 and has no router.
        dtype: The precision of the base model.
        device: The device for the model.
    """
    if setting == "Ft-all":
        model = random_model(torch.float32, device)
        return model, None, count_model(model).true
    model = random_model(dtype, device)
    rank = dict(zip("HMV", map(int, setting.split(";")), strict=True))
    ranks = {code: rank[name] for code, name in zip(LANGUAGES, CLASSES, strict=True)}
    router, placed = add_lslo(model, ranks, STRATEGY)
    return model.to(device), router, count_adapter(placed, model.config.d_model).true


def measure_training(setting: str, options: argparse.Namespace, peak: float) -> dict:
    """Measures speed and peak memory of training updates; the first two warm up and do not count.

    Args:
        setting: Ranks such as `2;2;8`, or `Ft-all`.
        options: The options of the command line.
        peak: The FLOP/s of the machine's best matrix products.
    """
    device = torch.device(options.device)
    model, router, parameters = adapted(setting, getattr(torch, options.precision), device)
    corpus = random_corpus(options.rows)
    examples = corpus.examples(all_directions(LANGUAGES))
    pairs = int((options.updates + 2) * options.tokens_per_update / corpus.lengths[0].mean())
    chosen = np.random.default_rng(2).permutation(len(examples))[:pairs]
    recipe = Recipe(
        epochs=1,
        learning_rate=1e-4 if router is None else 3e-3,
        tokens_per_batch=options.tokens_per_batch,
        tokens_per_update=options.tokens_per_update,
        precision=options.precision,
    )
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with tempfile.TemporaryDirectory() as folder:
        metrics = Path(folder) / "metrics.jsonl"
        Trainer(
            model,
            TrainingExamples.fixed(corpus, examples[chosen]),
            recipe,
            router=router,
            records=TrainingRecords(metrics),
            process_group=ProcessGroup(device=device),
        ).run()
        lines = [json.loads(line) for line in metrics.read_text().splitlines()][2:]
    seconds = sum(line["target_tokens"] / line["tokens_per_second"] for line in lines)
    tokens = sum(line["target_tokens"] for line in lines)
    # The backward pass computes gradients of activations and, in full fine-tuning, of weights too.
    flops = forward_flops(model, tokens, tokens) * (3 if router is None else 2)
    return {
        "setting": setting,
        "trained_parameters": parameters,
        "updates": len(lines),
        "target_tokens_per_second": tokens / seconds,
        "peak_memory_gib": peak_memory(device) / 2**30,
        "share_of_peak": flops / seconds / peak,
    }


@torch.inference_mode()
def measure_translation(setting: str, options: argparse.Namespace) -> dict:
    """Measures beam search on one batch, as the fastest of three runs.

    Each sentence has 32 target tokens, since random weights hardly ever end one.

    Args:
        setting: Ranks such as `2;2;8`.
        options: The options of the command line.
    """
    device = torch.device(options.device)
    model, router, _ = adapted(setting, getattr(torch, options.precision), device)
    model.eval()
    corpus = random_corpus(options.sentences)
    source = torch.from_numpy(
        pad_sequences([corpus.sentences[row % 12][row] for row in range(options.sentences)], corpus.pad)
    ).to(device)
    languages = torch.arange(options.sentences, device=device) % 12
    seconds = []
    for _ in range(3):
        synchronise(device)
        started = time.perf_counter()
        beam_search(
            model,
            source,
            PIECES + (languages + 1) % 12,
            Decoding(beam=5, maximum_length=32),
            router=router,
            source_language=languages,
            target_language=(languages + 1) % 12,
        )
        synchronise(device)
        seconds.append(time.perf_counter() - started)
    return {
        "setting": setting,
        "sentences": options.sentences,
        "sentences_per_second": options.sentences / min(seconds),
    }


def main() -> None:
    """Measures the settings that the command line names, and prints or writes the numbers as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--settings", nargs="+", default=["2;2;8", "64;64;64", "Ft-all"])
    parser.add_argument("--precision", default="bfloat16", choices=["bfloat16", "float16", "float32"])
    parser.add_argument("--tokens-per-batch", type=int, default=4000)
    parser.add_argument("--tokens-per-update", type=int, default=16000)
    parser.add_argument("--updates", type=int, default=20, help="measured updates, after two more")
    parser.add_argument("--rows", type=int, default=200, help="sentences of each language")
    parser.add_argument("--sentences", type=int, default=240, help="sentences of the translated batch")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--output", type=Path, help="a JSON file")
    options = parser.parse_args()
    device = torch.device(options.device)
    peak = matrix_peak(getattr(torch, options.precision), device)
    result = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor(),
        "torch": torch.__version__,
        "precision": options.precision,
        "matrix_peak_tflop_per_second": peak / 1e12,
        "training": [measure_training(setting, options, peak) for setting in options.settings],
        "translation": [
            measure_translation(setting, options) for setting in options.settings if setting != "Ft-all"
        ],
    }
    text = json.dumps(result, indent=1)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
