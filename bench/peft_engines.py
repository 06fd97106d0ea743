"""Engines that train PEFT's LoRA: an adapter for each language, or one that all languages share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file

from lslo.adapters.adapter_folder import WEIGHTS
from lslo.adapters.index_strategy import SOURCE, TARGET
from lslo.adapters.placement import number_of_layers, weight_matrices
from lslo.base_model.loading import load_base_model
from lslo.training.batches import Batch, collate
from lslo.training.parallel_gradients import GradientAccumulator
from lslo.training.trainer import set_dropout
from models import strategy_as_learned
from results import EngineResult, synchronise
from training_engines import (
    accumulate_update,
    adam,
    base_loss,
    gradient_norm,
    plain_loss,
    recipe_of,
    timed,
)
from training_work import TrainingData
from work import Work, experiment_of_demo, ranks_of


def _configuration(rank: int, paths: Sequence[str]) -> LoraConfig:
    """Returns a configuration of LoRA without scaling on the matrices at some paths."""
    return LoraConfig(
        r=rank, lora_alpha=rank, lora_dropout=0.0, target_modules=[f"model.{path}" for path in paths]
    )


def _parameters_of_adapters(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    return [parameter for name, parameter in model.named_parameters() if ".lora_" in name]


def run_language_adapters(work: Work, device: torch.device, processes: int = 1) -> EngineResult:
    """Trains two PEFT adapters for each language, on batches of a single direction.

    A layer listens either to the source or to the target language. A language therefore has one adapter for
    the matrices that listen to the source and another for the rest: a batch of de-fr has `de-src` and
    `fr-tgt` active, which share no matrix. PEFT can mix adapters within a batch (`adapter_names`) only in
    inference. Several `processes`, of one thread each, share the batches of an update.
    """
    model = load_base_model(work.base_model)
    strategy = strategy_as_learned(number_of_layers(model, "encoder"), number_of_layers(model, "decoder"))
    paths: dict[str, list[str]] = {SOURCE: [], TARGET: []}
    for matrix in weight_matrices(model):
        paths[strategy.index(matrix.side, matrix.layer)].append(matrix.path)
    ranks = ranks_of(work.content["setting"], experiment_of_demo())
    for language, rank in ranks.items():
        for index, matrices in paths.items():
            configuration, name = _configuration(rank, matrices), f"{language}-{index}"
            if hasattr(model, "add_adapter") and hasattr(model, "peft_config"):
                model.add_adapter(name, configuration)
            else:
                model = get_peft_model(model, configuration, adapter_name=name)
    _copy_adapter(model, work)
    model.to(device)
    data, recipe = TrainingData.read(work), recipe_of(work)
    languages = data.corpus.languages
    parameters = _parameters_of_adapters(model)
    optimizer = adam(parameters)

    def add_gradients(examples: np.ndarray, tokens: int) -> tuple[float, float]:
        batch = collate(data.corpus, examples).to(device)
        source, target = (languages[index] for index in examples[0, :2])
        model.base_model.set_adapter([f"{source}-{SOURCE}", f"{target}-{TARGET}"])
        loss = plain_loss(model, batch, recipe.label_smoothing)
        (loss / tokens).backward()
        return loss.item(), 0.0

    gradients = GradientAccumulator(add_gradients, parameters, data.corpus, processes)

    def update(group: Sequence[np.ndarray]) -> None:
        optimizer.zero_grad()
        accumulate_update(gradients, data.corpus, group, recipe)
        optimizer.step()

    model.eval()
    batches = [batch for group in data.homogeneous for batch in group]
    outputs = {}
    if work.check:
        with gradients.running():
            loss = accumulate_update(gradients, data.corpus, batches, recipe)
            outputs["loss"] = loss / data.corpus.target_tokens(batches)
        outputs["gradient_norm"] = gradient_norm(parameters)
    set_dropout(model, recipe.dropout)
    model.train()
    with gradients.running():
        seconds, counted = timed(work, data, data.homogeneous, update, device)
    adapters = len(ranks) * len(paths)
    note = f"{len(batches)} batches of one direction each, {adapters} adapters, two active at a time"
    return EngineResult({"": seconds}, counted, {"train": seconds}, outputs, [note])


def run_language_adapters_side_by_side(work: Work, device: torch.device) -> EngineResult:
    """Trains two PEFT adapters for each language, in a process of one thread for each core."""
    return run_language_adapters(work, device, torch.get_num_threads())


def _copy_adapter(model: torch.nn.Module, work: Work) -> None:
    """Copies A and B of lslo's adapter to PEFT's adapters, so that both models have the same loss."""
    tensors = load_file(work.adapter / WEIGHTS)
    prefix = "base_model.model.model."
    copied = set()
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, LoraLayer):
                for adapter in module.lora_A:
                    stem = f"{name.removeprefix(prefix)}.{adapter.partition('-')[0]}"
                    module.lora_A[adapter].weight.copy_(tensors[f"{stem}.A"])
                    module.lora_B[adapter].weight.copy_(tensors[f"{stem}.B"])
                    copied |= {f"{stem}.A", f"{stem}.B"}
    if copied != tensors.keys():
        missing = min(tensors.keys() - copied)
        raise ValueError(f"the adapter's {missing!r} has no place in PEFT's model")


def run_shared_adapter(work: Work, device: torch.device) -> EngineResult:
    """Trains one PEFT adapter for all languages, with the setting's largest rank, on the mixed batches."""
    model = load_base_model(work.base_model)
    rank = max(ranks_of(work.content["setting"], experiment_of_demo()).values())
    model = get_peft_model(model, _configuration(rank, [matrix.path for matrix in weight_matrices(model)]))
    model.to(device)
    data, recipe = TrainingData.read(work), recipe_of(work)
    optimizer = adam(_parameters_of_adapters(model))

    def loss(batch: Batch) -> torch.Tensor:
        return plain_loss(model, batch, recipe.label_smoothing)

    def update(group: Sequence[np.ndarray]) -> None:
        optimizer.zero_grad()
        tokens = data.corpus.target_tokens(group)
        for examples in group:
            (loss(collate(data.corpus, examples).to(device)) / tokens).backward()
        optimizer.step()

    model.eval()
    # PEFT starts with B = 0, so the loss is the base model's.
    outputs = base_loss(loss, data, device) if work.check else {}
    set_dropout(model, recipe.dropout)
    model.train()
    synchronise(device)
    seconds, counted = timed(work, data, data.mixed, update, device)
    return EngineResult(
        {"": seconds}, counted, {"train": seconds}, outputs, [f"rank {rank} for all languages"]
    )
