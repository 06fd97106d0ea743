"""Checkpoints in fairseq's format, made from Hugging Face models, for the tests."""

import argparse
from collections import OrderedDict

import torch


def fairseq_tensors(model):
    """Returns the state dict that fairseq would save: each tied embedding is in it under its own name."""
    tensors = {
        name.removeprefix("model."): tensor.detach().clone()
        for name, tensor in model.named_parameters()
        if name != "model.shared.weight"
    }
    shared = model.model.shared.weight.detach().clone()
    for name in ("encoder.embed_tokens", "decoder.embed_tokens", "decoder.output_projection"):
        tensors[f"{name}.weight"] = shared
    tensors["encoder.version"] = torch.tensor([3.0])
    for side in ("encoder", "decoder"):
        tensors[f"{side}.embed_positions._float_tensor"] = torch.zeros(1)
    return OrderedDict(tensors)


OPTIONS = {
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_ffn_embed_dim": 24,
    "decoder_ffn_embed_dim": 24,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_normalize_before": True,
    "decoder_normalize_before": True,
    "share_all_embeddings": True,
    "encoder_langtok": "src",
    "decoder_langtok": True,
}


def checkpoint_of(model, style="args", **options):
    """Returns the content of a fairseq checkpoint.

    Args:
        model: A Hugging Face model.
        style: The form of the options: `args` for a Namespace under that key; `cfg of Namespaces` for a dict
            of Namespaces under `cfg`; anything else for a dict of dicts under `cfg`.
        **options: Options that replace or extend OPTIONS; `langs` and `lang_dict` are options of the task.
    """
    options = OPTIONS | options
    task = {name: options.pop(name) for name in ("langs", "lang_dict") if name in options}
    state = {"model": fairseq_tensors(model), "args": None, "optimizer_history": [{"num_updates": 3}]}
    if style == "args":
        state["args"] = argparse.Namespace(**options, **task)
    elif style == "cfg of Namespaces":
        state["cfg"] = {"model": argparse.Namespace(**options), "task": argparse.Namespace(**task)}
    else:
        state["cfg"] = {"model": options, "task": task}
    return state
