"""Reading of fairseq's checkpoints as plain data, without running anything that they hold."""

from __future__ import annotations

import argparse
import collections
import pickle
import re
import typing
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lslo.errors import one_line

# The name of a checkpoint in an archive.
CHECKPOINT = "model.pt"


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Reads the options and the model's tensors from a checkpoint of any version of fairseq.

    Only plain data, Namespaces and, if installed, omegaconf's classes are unpickled.

    Args:
        path: A file such as `model.pt`.

    Returns:
        The options of model and task by name, and the tensors by name.

    Raises:
        ValueError: The file cannot be read, is not a checkpoint of fairseq, or holds any other object, which
            could run code. It is refused before anything of it is run.
    """
    try:
        with torch.serialization.safe_globals([argparse.Namespace, *_omegaconf_classes()]):
            # With the file mapped into memory, the optimizer state is never read: four fifths of a released
            # file. Files of PyTorch before 1.6 are not zip archives and can only be read as a whole.
            state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise ValueError(_refusal(path, str(error))) from None
    # Any kind of exception: it depends on where the file is damaged.
    except Exception as error:
        reason = one_line(str(error).strip().split("\n")[0] or repr(error))
        raise ValueError(f"{path}: cannot be read ({reason}); extract or download it again") from None
    if not isinstance(state, dict) or not isinstance(state.get("model"), dict):
        raise ValueError(f"{path}: not a checkpoint of fairseq (it has no `model`); take the archive's own")
    options = _options(path, state)
    for name, tensor in state["model"].items():
        if not isinstance(tensor, Tensor):
            raise ValueError(f"{path}: {name!r} is not a tensor")
    return options, {str(name): tensor for name, tensor in state["model"].items()}


def _options(path: Path, state: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of model and task by name.

    They are in `args`, a Namespace, or in `cfg`, which is an omegaconf object or a dict of Namespaces.

    Raises:
        ValueError: The checkpoint has no options.
    """
    cfg = state.get("cfg")
    if cfg is not None and type(cfg).__module__.startswith("omegaconf"):
        from omegaconf import OmegaConf

        cfg = OmegaConf.to_container(cfg)
    parts = [cfg.get("task"), cfg.get("model")] if isinstance(cfg, Mapping) else [state.get("args")]
    options: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, argparse.Namespace):
            part = vars(part)
        if not isinstance(part, Mapping):
            raise ValueError(f"{path}: has no options of the model and its task; take the archive's own file")
        # Model and task share most options. One that is set in either counts.
        options |= {
            name: value
            for name, value in part.items()
            if (value is not None or name not in options) and not isinstance(value, Tensor)
        }
    return options


def _omegaconf_classes() -> list:
    """Returns the classes that fairseq's omegaconf objects consist of; none if omegaconf is not installed."""
    try:
        from omegaconf import DictConfig, ListConfig, base, nodes
    except ImportError:
        return []
    values = (nodes.AnyNode, nodes.StringNode, nodes.IntegerNode, nodes.FloatNode, nodes.BooleanNode)
    plain = (collections.defaultdict, typing.Any, dict, list, tuple, int, float, str, bool)
    return [DictConfig, ListConfig, base.ContainerMetadata, base.Metadata, *values, *plain]


def _refusal(path: Path, message: str) -> str:
    """Returns the message to the user about an object that `torch.load` refused to unpickle."""
    found = re.search(r"GLOBAL (\S+)", message)
    if found is None:
        return f"{path}: cannot be read as plain data ({message.strip().splitlines()[0]}); download it again"
    name = found.group(1)
    if name.startswith("omegaconf."):
        return f"{path}: its options are omegaconf objects; `pip install omegaconf`, then convert it again"
    return f"{path}: refused, since it holds '{name}', which is not plain data and could run any code"
