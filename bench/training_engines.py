"""Training engines: lslo, and the floor, which is forward and backward passes of the frozen base model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import M2M100ForConditionalGeneration

from lslo.base_model.loading import load_base_model
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.experiment.hyperparameters import Recipe
from lslo.training import optimization
from lslo.training.batches import Batch, collate
from lslo.training.gradients import ForwardBackward
from lslo.training.loss import batch_loss
from lslo.training.parallel_gradients import GradientAccumulator, gradient_processes
from lslo.training.trainer import set_dropout
from models import load_adapted
from operations import training_operations
from results import EngineResult, say, synchronise
from training_work import TrainingData
from work import Work

# So small that all numbers stay finite through many timed updates.
LEARNING_RATE = 1e-5


def recipe_of(work: Work) -> Recipe:
    """Returns the paper's recipe, with the work's batch sizes."""
    size = work.size
    tokens = size.tokens_per_batch
    return Recipe(
        1, LEARNING_RATE, tokens_per_batch=tokens, tokens_per_update=size.batches_per_update * tokens
    )


def adam(parameters: Iterable[nn.Parameter]) -> torch.optim.Adam:
    """Makes the optimizer that lslo trains with."""
    return optimization.adam(parameters, LEARNING_RATE)


def plain_loss(model: nn.Module, batch: Batch, epsilon: float) -> Tensor:
    """Computes the label-smoothed cross-entropy of a Hugging Face model as fairseq does, summed over tokens.

    PyTorch's label smoothing of eps·V / (V − 1) equals fairseq's of eps.

    Args:
        model: The model.
        batch: The batch.
        epsilon: fairseq's label smoothing.
    """
    logits = model(
        input_ids=batch.source,
        attention_mask=batch.source_mask,
        decoder_input_ids=batch.decoder_input,
        use_cache=False,
    ).logits
    vocabulary = logits.shape[-1]
    return F.cross_entropy(
        logits.flatten(0, 1),
        batch.target.flatten(),
        ignore_index=batch.pad,
        reduction="sum",
        label_smoothing=epsilon * vocabulary / (vocabulary - 1),
    )


def gradient_norm(parameters: Iterable[nn.Parameter]) -> float:
    """Returns the norm of all gradients together; a parameter without a gradient counts as zero."""
    return sum(float(one.grad.double().square().sum()) for one in parameters if one.grad is not None) ** 0.5


def timed(
    work: Work,
    data: TrainingData,
    updates: Sequence[Sequence[np.ndarray]],
    update: Callable[[Sequence[np.ndarray]], None],
    device: torch.device,
) -> tuple[float, dict[str, int]]:
    """Times passes through all updates, after one update that warms up and does not count.

    Args:
        work: The work, whose size has the number of passes.
        data: The sentence pairs.
        updates: The updates, each a sequence of batches.
        update: A function that makes one update.
        device: The device that computes.

    Returns:
        The seconds, and the amount of work done, by unit.
    """
    update(updates[0])
    synchronise(device)
    started = time.perf_counter()
    for number in range(work.size.passes):
        for group in updates:
            update(group)
        say(f"pass {number + 1} of {work.size.passes}", every=5, number=number)
    synchronise(device)
    seconds = time.perf_counter() - started
    batches = [batch for group in updates for batch in group]
    passes = work.size.passes
    return seconds, {
        "target_tokens": passes * data.corpus.target_tokens(batches),
        "updates": passes * len(updates),
        "batches": passes * len(batches),
    }


def accumulate_update(
    gradients: GradientAccumulator, corpus: TokenizedCorpus, group: Sequence[np.ndarray], recipe: Recipe
) -> float:
    """Accumulates the gradients of an update and returns its loss, summed over tokens.

    Args:
        gradients: The accumulator.
        corpus: The sentences.
        group: The examples [n, 3] of each batch of the update.
        recipe: The recipe, which has the seed.
    """
    seeds = [(recipe.seed, place) for place in range(len(group))]
    losses = gradients.accumulate(group, corpus.target_tokens(group), seeds)
    return sum(loss for loss, _ in losses)


def run_lslo(work: Work, device: torch.device) -> EngineResult:
    """Trains LSLo with lslo's own updates, on batches that mix directions."""
    model, router = load_adapted(work.base_model, work.adapter)
    model.to(device)
    data, recipe = TrainingData.read(work), recipe_of(work)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = adam(parameters)
    scaler = torch.amp.GradScaler(device.type, enabled=False)
    processes = gradient_processes(model, recipe)
    forward_backward = ForwardBackward(model, parameters, data.corpus, recipe, router, scaler)
    gradients = GradientAccumulator(forward_backward, parameters, data.corpus, processes)

    def update(group: Sequence[np.ndarray]) -> None:
        optimizer.zero_grad()
        accumulate_update(gradients, data.corpus, group, recipe)
        optimization.take_step(optimizer, scaler, (), "bench")

    model.eval()
    batches = [batch for group in data.mixed for batch in group]
    tokens = data.corpus.target_tokens(batches)
    outputs = {}
    if work.check:
        with gradients.running():
            outputs["loss"] = accumulate_update(gradients, data.corpus, batches, recipe) / tokens
        outputs["gradient_norm"] = gradient_norm(parameters)
    set_dropout(model, recipe.dropout)
    model.train()
    with gradients.running():
        seconds, counted = timed(work, data, data.mixed, update, device)
    counted["operations"] = training_operations(work, data)
    notes = [f"{processes} processes of one thread"] if processes > 1 else []
    return EngineResult({"": seconds}, counted, {"train": seconds}, outputs, notes)


def base_loss(loss: Callable[[Batch], Tensor], data: TrainingData, device: torch.device) -> dict[str, float]:
    """Returns the loss per token over all mixed batches, under the key `loss`.

    Args:
        loss: A function that computes the loss of a batch, summed over tokens.
        data: The sentence pairs.
        device: The device that computes.
    """
    batches = [batch for group in data.mixed for batch in group]
    with torch.no_grad():
        total = sum(float(loss(collate(data.corpus, batch).to(device))) for batch in batches)
    return {"loss": total / data.corpus.target_tokens(batches)}


def require_gradients_of_embeddings(model: M2M100ForConditionalGeneration) -> None:
    """Makes the backward pass go through every layer, although no parameter requires a gradient."""
    for side in (model.model.encoder, model.model.decoder):
        side.embed_tokens.register_forward_hook(lambda module, inputs, output: output.requires_grad_(True))


def run_floor(work: Work, device: torch.device, processes: int = 1) -> EngineResult:
    """Runs the mixed batches forward and backward through the frozen base model: no adapters, no optimizer.

    Args:
        work: The work.
        device: The device that computes.
        processes: The number of processes that share the batches of an update; several have one thread each.
    """
    model = load_base_model(work.base_model).to(device).requires_grad_(False)
    data, recipe = TrainingData.read(work), recipe_of(work)

    def loss(batch: Batch) -> Tensor:
        # The loss is lslo's own, so that only the adapters make a difference between the two.
        return batch_loss(model, batch, recipe.label_smoothing, None)[0]

    def add_gradients(examples: np.ndarray, tokens: int) -> tuple[float, float]:
        one = loss(collate(data.corpus, examples).to(device))
        (one / tokens).backward()
        return one.item(), 0.0

    outputs = base_loss(loss, data, device) if work.check else {}
    require_gradients_of_embeddings(model)
    set_dropout(model, recipe.dropout)
    model.train()
    gradients = GradientAccumulator(add_gradients, [], data.corpus, processes)

    def update(group: Sequence[np.ndarray]) -> None:
        accumulate_update(gradients, data.corpus, group, recipe)

    with gradients.running():
        seconds, counted = timed(work, data, data.mixed, update, device)
    return EngineResult({"": seconds}, counted, {"train": seconds}, outputs)


def run_floor_side_by_side(work: Work, device: torch.device) -> EngineResult:
    """Runs the floor in a process of one thread for each core."""
    return run_floor(work, device, torch.get_num_threads())
