"""Conversion of fairseq's M2M models to Hugging Face folders; M2M-124 (`flores101_mm100_615M.tar.gz`) is one.

The tensors keep their names and numbers. The conversion checks all that differs between the two libraries,
and refuses a checkpoint that it would not reproduce exactly.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import GenerationConfig, M2M100Config, M2M100ForConditionalGeneration

from lslo.base_model.fairseq_checkpoint import CHECKPOINT, read_checkpoint
from lslo.base_model.fairseq_languages import LANGUAGE_PAIRS, language_tokens
from lslo.base_model.file_names import DICTIONARY, LANGUAGE_TOKENS, MODEL_WEIGHTS, SENTENCEPIECE_MODEL
from lslo.base_model.sentencepiece_model import load_sentencepiece
from lslo.base_model.tokenizer import read_dictionary
from lslo.errors import one_line

logger = logging.getLogger(__name__)


# Options of fairseq that M2M100ForConditionalGeneration and the project's sequences take for granted -> the
# values allowed. A checkpoint without the option stands for the first of them.
ALLOWED_OPTIONS: dict[str, tuple] = {
    "activation_fn": ("relu", "gelu"),
    "encoder_learned_pos": (False,),
    "decoder_learned_pos": (False,),
    "no_token_positional_embeddings": (False,),
    "layernorm_embedding": (False,),
    "adaptive_softmax_cutoff": (None,),
    "no_cross_attention": (False,),
    "cross_self_attention": (False,),
    "encoder_langtok": ("src",),
    "decoder_langtok": (True,),
    "lang_tok_style": ("multilingual",),
    "lang_tok_replacing_bos_eos": (False,),
}
# Tensors that need no conversion: versions, and sinusoidal positions, which Hugging Face computes itself.
IGNORED_TENSORS = re.compile(r".*coder\.(version|embed_positions\.(_float_tensor|weights))")
EMBEDDINGS = (
    "encoder.embed_tokens.weight",
    "decoder.embed_tokens.weight",
    "decoder.output_projection.weight",
)


def convert_fairseq(archive_folder: Path | str, output: Path | str) -> None:
    """Writes a fairseq M2M model as a base model's folder, with the weights in the checkpoint's own dtype.

    Args:
        archive_folder: The folder with `model.pt`, `dict.txt`, `sentencepiece.bpe.model` and
            `language_pairs.txt`.
        output: The folder for `config.json`, `generation_config.json` and `model.safetensors`, and for the
            tokenizer's files: the archive's dictionary and SentencePiece model, and `language_tokens.json`
            (code -> id).

    Raises:
        FileNotFoundError: The archive lacks a file.
        ValueError: Names the file and what in it cannot be converted.
    """
    archive, output = Path(archive_folder), Path(output)
    for name in (CHECKPOINT, DICTIONARY, SENTENCEPIECE_MODEL, LANGUAGE_PAIRS):
        if not (archive / name).is_file():
            raise FileNotFoundError(f"{archive / name}: not there; extract the model's whole archive")
    load_sentencepiece(archive / SENTENCEPIECE_MODEL)
    symbols = read_dictionary(archive / DICTIONARY)
    path = archive / CHECKPOINT
    options, tensors = read_checkpoint(path)
    embeddings = _tied_embeddings(path, tensors)
    configuration = _configuration(path, options, embeddings)
    tokens = language_tokens(archive, options, symbols, len(embeddings))
    weights = _rename(path, tensors, embeddings, configuration)

    output.mkdir(parents=True, exist_ok=True)
    save_file(weights, output / MODEL_WEIGHTS, metadata={"format": "pt"})
    configuration.save_pretrained(output)
    GenerationConfig(
        bos_token_id=configuration.bos_token_id,
        decoder_start_token_id=configuration.decoder_start_token_id,
        eos_token_id=configuration.eos_token_id,
        pad_token_id=configuration.pad_token_id,
        early_stopping=True,
        max_length=200,
        num_beams=5,
    ).save_pretrained(output)
    for name in (DICTIONARY, SENTENCEPIECE_MODEL):
        shutil.copyfile(archive / name, output / name)
    (output / LANGUAGE_TOKENS).write_text(json.dumps(tokens, indent=0) + "\n")
    logger.info(
        "%s: %d parameters, %d languages",
        output,
        sum(tensor.numel() for tensor in weights.values()),
        len(tokens),
    )


def _tied_embeddings(path: Path, tensors: dict[str, Tensor]) -> Tensor:
    """Takes the embeddings out of `tensors` and returns the one matrix [V, d_model] that they share.

    Raises:
        ValueError: The embeddings are missing, not a matrix, or differ from each other.
    """
    if "decoder.output_projection.bias" in tensors:
        raise ValueError(f"{path}: its output projection has a bias, which an M2M model lacks")
    # Before 2020 fairseq did not save a tied output projection again.
    found = {name: tensors.pop(name) for name in EMBEDDINGS if name in tensors}
    for name in EMBEDDINGS[:2]:
        if name not in found:
            raise ValueError(f"{path}: has no tensor '{name}', so it is not an M2M model")
    shared = found[EMBEDDINGS[0]]
    if shared.dim() != 2:
        raise ValueError(f"{path}: '{EMBEDDINGS[0]}' has shape {list(shared.shape)}, it is no matrix")
    for name, tensor in found.items():
        # Tied matrices are usually saved as one. Where they are not, their numbers decide.
        same = tensor.shape == shared.shape and tensor.dtype == shared.dtype
        if not same or (tensor.data_ptr() != shared.data_ptr() and not torch.equal(tensor, shared)):
            raise ValueError(
                f"{path}: '{name}' differs from '{EMBEDDINGS[0]}'; M2M models share one embedding"
            )
    return shared


def _configuration(path: Path, options: Mapping[str, Any], embeddings: Tensor) -> M2M100Config:
    """Returns the configuration that a checkpoint's options describe.

    Raises:
        ValueError: The options are not those of an M2M model, or an option's value cannot be converted.
    """
    for side in ("encoder", "decoder"):
        if not options.get(f"{side}_normalize_before"):
            raise ValueError(
                f"{path}: trained without {side}_normalize_before; only pre-norm models can be converted"
            )
    for name, allowed in ALLOWED_OPTIONS.items():
        if options.get(name, allowed[0]) not in allowed:
            raise ValueError(
                f"{path}: trained with {name}={options[name]}; only {allowed[0]} can be converted"
            )
    try:
        configuration = M2M100Config(
            vocab_size=embeddings.shape[0],
            d_model=embeddings.shape[1],
            **{
                f"{side}_{name}": int(options[f"{side}_{option}"])
                for side in ("encoder", "decoder")
                for name, option in (
                    ("layers", "layers"),
                    ("ffn_dim", "ffn_embed_dim"),
                    ("attention_heads", "attention_heads"),
                )
            },
            encoder_layerdrop=options.get("encoder_layerdrop", 0.0),
            decoder_layerdrop=options.get("decoder_layerdrop", 0.0),
            dropout=options.get("dropout", 0.1),
            attention_dropout=options.get("attention_dropout", 0.0),
            activation_dropout=options.get("activation_dropout", 0.0),
            activation_function=options.get("activation_fn", "relu"),
            scale_embedding=not options.get("no_scale_embedding", False),
            max_position_embeddings=max(
                options.get(f"max_{side}_positions") or 1024 for side in ("source", "target")
            ),
            architectures=[M2M100ForConditionalGeneration.__name__],
        )
    # Any kind of exception: it depends on the option that transformers stumbles over.
    except Exception as error:
        raise ValueError(
            f"{path}: its options do not describe an M2M model ({one_line(repr(error))})"
        ) from None
    configuration.dtype = embeddings.dtype
    return configuration


def _rename(
    path: Path, tensors: Mapping[str, Tensor], embeddings: Tensor, configuration: M2M100Config
) -> dict[str, Tensor]:
    """Returns the tensors by Hugging Face's names, each in memory of its own.

    Raises:
        ValueError: The tensors are not exactly those that the configuration asks for.
    """
    weights = {"model.shared.weight": embeddings}
    for name, tensor in tensors.items():
        if not IGNORED_TENSORS.fullmatch(name):
            weights[f"model.{name}"] = tensor
    for name, tensor in weights.items():
        if not tensor.is_floating_point() or tensor.layout != torch.strided:
            raise ValueError(f"{path}: {name.removeprefix('model.')!r} is not of floating-point numbers")
    layers = configuration.encoder_layers + configuration.decoder_layers
    if layers > len(tensors):
        raise ValueError(f"{path}: its options ask for {layers} layers, more than it has tensors")
    try:
        with torch.device("meta"):
            model = M2M100ForConditionalGeneration(configuration)
    except Exception as error:
        raise ValueError(
            f"{path}: its options do not describe an M2M model ({one_line(repr(error))})"
        ) from None
    # The tied embeddings are one parameter here, listed once.
    shapes = {name: list(parameter.shape) for name, parameter in model.named_parameters()}
    for name, shape in shapes.items():
        if name not in weights:
            raise ValueError(f"{path}: has no tensor '{name.removeprefix('model.')}', which an M2M model has")
        found = list(weights[name].shape)
        if found != shape:
            raise ValueError(
                f"{path}: '{name.removeprefix('model.')}' has shape {found}, but its options ask for {shape}"
            )
    for name in weights:
        if name not in shapes:
            raise ValueError(f"{path}: {name.removeprefix('model.')!r} has no place in an M2M model")
    # A safetensors file cannot have two tensors that share memory.
    taken: set[int] = set()
    return {name: _own_memory(tensor, taken) for name, tensor in weights.items()}


def _own_memory(tensor: Tensor, taken: set[int]) -> Tensor:
    """Returns the tensor, copied if it is not alone in its memory.

    Args:
        tensor: The tensor, which is made contiguous.
        taken: The memory addresses of the tensors before; the address of this one is added.
    """
    memory = tensor.untyped_storage()
    alone = memory.nbytes() == tensor.numel() * tensor.element_size() and memory.data_ptr() not in taken
    taken.add(memory.data_ptr())
    return tensor.contiguous() if alone else tensor.clone(memory_format=torch.contiguous_format)


def convert_fairseq_archive(extracted: Path, output: Path) -> None:
    """Converts the one model in an extracted archive, as `convert_fairseq` does.

    Args:
        extracted: The folder of the extracted archive. The model may be in a folder below.
        output: The base model's folder.

    Raises:
        FileNotFoundError: A file of the model is missing.
        ValueError: The archive holds no model or several, or one that cannot be converted.
    """
    checkpoints = sorted(extracted.rglob(CHECKPOINT))
    if len(checkpoints) != 1:
        raise ValueError(f"{extracted}: holds {len(checkpoints)} files named {CHECKPOINT}, one is wanted")
    convert_fairseq(checkpoints[0].parent, output)
