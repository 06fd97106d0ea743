"""What the training jobs of the workflow have in common: their data, their base model, their state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import M2M100ForConditionalGeneration

from lslo.batching import TokenizedCorpus
from lslo.corpus.plain_text import read_split
from lslo.fingerprint import files_fingerprint
from lslo.model.loading import load_base_model
from lslo.recipe import Recipe
from lslo.tokenizer import Tokenizer


@dataclass(frozen=True)
class TrainingJob:
    """What is trained on what.

    base_model: its folder. corpus: the folder of one split, `{language}.txt`. resource_classes: class of
    each language, in the experiment's order. codes: the base model's code of each language. metrics: the
    file of JSON lines. state: the folder of the training state, and the fingerprint of what determines it.
    """

    base_model: Path
    corpus: Path
    resource_classes: Mapping[str, str]
    codes: Mapping[str, str]
    recipe: Recipe
    metrics: Path
    state: Path
    fingerprint: str

    @property
    def languages(self) -> list[str]:
        """Codes, in the experiment's order."""
        return list(self.resource_classes)

    def load_corpus(self) -> TokenizedCorpus:
        """The tokenised sentences."""
        tokenizer = Tokenizer(self.base_model, self.codes)
        return TokenizedCorpus.of(read_split(self.corpus, self.languages), tokenizer)

    def load_frozen_model(self) -> M2M100ForConditionalGeneration:
        """The base model for LSLo: frozen, in the recipe's precision."""
        return load_base_model(self.base_model, getattr(torch, self.recipe.precision))


def state_fingerprint(inputs: Iterable[str], params: Any, gpus: int) -> str:
    """Digest over a job's input files and parameters (settings, recipe, fingerprint of the code).

    inputs, params: `snakemake.input` and `snakemake.params`. gpus: processes of the job.
    A state made by other ones must not be used.
    """
    files = files_fingerprint(path for path in map(Path, inputs) if path.is_file())
    values = json.dumps(dict(params.items()), sort_keys=True, default=str)
    return hashlib.sha256(f"{files}\n{values}\n{gpus}".encode()).hexdigest()
