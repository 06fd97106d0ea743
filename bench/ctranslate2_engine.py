"""CTranslate2: for one direction at a time, LSLo is merged into the weights and the model is converted."""

from __future__ import annotations

import copy
import shutil
import tempfile
import time
from pathlib import Path

import ctranslate2
import torch
from ctranslate2.converters import TransformersConverter
from transformers import M2M100ForConditionalGeneration

from lslo.experiment.hyperparameters import Decoding
from models import Merger
from results import EngineResult, say
from translation_engines import Direction, Translations, count, name_of, source_sequences, text_tokens
from work import Work

# The number of directions that are timed to choose the number of workers and of their threads.
CALIBRATION_DIRECTIONS = 2


class _NumberedVocabulary:
    """A stand-in for a tokenizer that has what the converter asks for: ids as strings are the vocabulary."""

    additional_special_tokens: tuple[str, ...] = ()

    def __init__(self, config):
        self._size = config.vocab_size
        self.bos_token, self.eos_token = str(config.bos_token_id), str(config.eos_token_id)
        # CTranslate2 requires an unknown token; no sentence contains it.
        self.unk_token, self.unk_token_id = "3", 3
        self.special_tokens_map: dict[str, str] = {}

    def get_vocab(self) -> dict[str, int]:
        return {str(index): index for index in range(self._size)}

    def convert_ids_to_tokens(self, index: int) -> str:
        return str(index)


class _MergedConverter(TransformersConverter):
    """Converts a model from memory, which saves writing it to disk and reading it again.

    Args:
        model: The model to convert.
        folder: The base model's folder, from which the converter reads its configuration.
        quantized: Whether the weights are quantised. Quantisation overwrites the weights that it is given, so
            it is given a copy.
    """

    def __init__(self, model: M2M100ForConditionalGeneration, folder: Path, quantized: bool):
        super().__init__(str(folder))
        self._merged = model
        self._quantized = quantized

    def load_model(self, *arguments, **options):
        return copy.deepcopy(self._merged) if self._quantized else self._merged

    def load_tokenizer(self, *arguments, **options):
        return _NumberedVocabulary(self._merged.config)


def _convert(model: M2M100ForConditionalGeneration, base_model: Path, folder: Path, precision: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    quantization = None if precision == "float32" else precision
    converter = _MergedConverter(model, base_model, quantization is not None)
    converter.convert(str(folder), quantization=quantization)


def _load(
    folder: Path, precision: str, device: torch.device, workers: int, threads: int
) -> ctranslate2.Translator:
    return ctranslate2.Translator(
        str(folder),
        device=device.type,
        compute_type=precision,
        inter_threads=workers,
        intra_threads=threads,
    )


def translate_direction(
    translator: ctranslate2.Translator, work: Work, direction: Direction, workers: int
) -> list[list[int]]:
    """Translates a direction and returns the tokens of each sentence, without language token and `</s>`.

    Args:
        translator: The converted model of the direction.
        work: The work, which holds the sentences.
        direction: The direction (source, target).
        workers: The number of workers that share the batches; batches are small enough for each to have one.
    """
    source, target = direction
    tokenizer, decoding = work.tokenizer, Decoding(**work.size.decoding)
    sequences = source_sequences(work, source)
    # CTranslate2 sorts by length and counts tokens of the source, not of its hypotheses.
    tokens = sum(map(len, sequences))
    longest = max(map(len, sequences))
    batch = min(decoding.tokens_per_batch // decoding.beam, max(longest, -(-tokens // workers)))
    results = translator.translate_batch(
        [[str(token) for token in sequence] for sequence in sequences],
        target_prefix=[[str(tokenizer.language_token(target))]] * len(sequences),
        max_batch_size=batch,
        batch_type="tokens",
        beam_size=decoding.beam,
        length_penalty=decoding.length_penalty,
        # CTranslate2 counts a hypothesis's length without the language token.
        max_decoding_length=decoding.maximum_length + 1,
        max_input_length=0,
        disable_unk=False,
        suppress_sequences=[[str(tokenizer.pad)]],
    )
    found = [
        text_tokens(map(int, result.hypotheses[0][1:]), tokenizer.end_of_sentence, tokenizer.pad)
        for result in results
    ]
    tokenizer.decode(found)
    return found


def _best_workers(
    work: Work, merger: Merger, folder: Path, precision: str, device: torch.device
) -> tuple[int, int]:
    """Returns (workers, threads of each): the choice that is fastest on a few directions."""
    threads = torch.get_num_threads()
    choices = sorted({(1, threads), (threads, 1)})
    if len(choices) == 1 or device.type != "cpu":
        return 1, threads
    seconds = dict.fromkeys(choices, 0.0)
    _convert(merger.merge(work.directions[0]), work.base_model, folder, precision)
    for choice in choices:
        translator = _load(folder, precision, device, *choice)
        for direction in work.directions[:CALIBRATION_DIRECTIONS]:
            translate_direction(translator, work, direction, choice[0])  # once to warm up
            started = time.perf_counter()
            translate_direction(translator, work, direction, choice[0])
            seconds[choice] += time.perf_counter() - started
    return min(choices, key=seconds.get)


def _run(work: Work, device: torch.device, precision: str) -> EngineResult:
    merger = Merger(work.base_model, work.adapter)
    translations: Translations = {}
    parts = {"merge": 0.0, "convert": 0.0, "load": 0.0, "translate": 0.0}
    with tempfile.TemporaryDirectory(dir=work.folder) as temporary:
        folder = Path(temporary) / "converted"
        workers, threads = _best_workers(work, merger, folder, precision, device)
        for number, direction in enumerate(work.directions, start=1):
            times = [time.perf_counter()]
            model = merger.merge(direction)
            times.append(time.perf_counter())
            _convert(model, work.base_model, folder, precision)
            times.append(time.perf_counter())
            translator = _load(folder, precision, device, workers, threads)
            times.append(time.perf_counter())
            translations[name_of(direction)] = translate_direction(translator, work, direction, workers)
            times.append(time.perf_counter())
            for part, first, last in zip(parts, times, times[1:], strict=False):
                parts[part] += last - first
            say(f"{number} of {len(work.directions)} directions", every=12, number=number)
    seconds = {"merged and converted before": parts["translate"], "": sum(parts.values())}
    note = f"{precision}: {workers} worker(s) of {threads} thread(s)"
    return EngineResult(seconds, count(translations), parts, translations, [note])


def run_float32(work: Work, device: torch.device) -> EngineResult:
    """Translates with weights and products in float32."""
    return _run(work, device, "float32")


def run_int8(work: Work, device: torch.device) -> EngineResult:
    """Translates with weights and products in int8."""
    return _run(work, device, "int8")
