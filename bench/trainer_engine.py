"""The engine of full fine-tuning with Hugging Face's Trainer, on lslo's batches."""

from __future__ import annotations

import tempfile
import time

import torch
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainingArguments

from lslo.base_model.loading import load_base_model
from lslo.training.batches import Batch, collate
from lslo.training.trainer import set_dropout
from results import EngineResult, synchronise
from training_engines import LEARNING_RATE, base_loss, recipe_of
from training_work import TrainingData
from work import Work

# The label that Trainer's label smoothing leaves out.
IGNORED = -100


class _Clock(TrainerCallback):
    """A clock that notes when each update is done; the first update warms up."""

    def __init__(self, device: torch.device):
        self.device = device
        self.times: list[float] = []

    def on_step_end(self, *arguments, **options):
        synchronise(self.device)
        self.times.append(time.perf_counter())


class _BatchTrainer(Trainer):
    """A Trainer whose batches are made already."""

    def __init__(self, batches, **options):
        super().__init__(**options)
        self.batches = batches

    def get_train_dataloader(self) -> DataLoader:
        return DataLoader(self.batches, batch_size=None, shuffle=False, collate_fn=_inputs)


def _inputs(batch: Batch) -> dict[str, torch.Tensor]:
    return {
        "input_ids": batch.source,
        "attention_mask": batch.source_mask,
        "decoder_input_ids": batch.decoder_input,
        "labels": batch.target.masked_fill(batch.target.eq(batch.pad), IGNORED),
    }


class _Batches(torch.utils.data.Dataset):
    """Batches of examples, each padded when the Trainer reads it, as lslo does."""

    def __init__(self, data: TrainingData, batches: list):
        self.data, self.batches = data, batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> Batch:
        return collate(self.data.corpus, self.batches[number])


def run_trainer(work: Work, device: torch.device) -> EngineResult:
    """Trains all parameters in float32, with lslo's loss, number of batches in an update, and Adam."""
    model = load_base_model(work.base_model).to(device).requires_grad_(True)
    data, recipe = TrainingData.read(work), recipe_of(work)
    size, vocabulary = work.size, model.config.vocab_size
    epoch = [batch for group in data.mixed for batch in group]
    warmup = list(data.mixed[0])
    batches = warmup + epoch * size.passes
    clock = _Clock(device)
    with tempfile.TemporaryDirectory(dir=work.folder) as folder:
        trainer = _BatchTrainer(
            _Batches(data, batches),
            model=model,
            callbacks=[clock],
            args=TrainingArguments(
                folder,
                num_train_epochs=1,
                gradient_accumulation_steps=len(warmup),
                per_device_train_batch_size=1,
                # PyTorch's label smoothing of eps·V / (V − 1), which Trainer's is, equals fairseq's of eps.
                label_smoothing_factor=recipe.label_smoothing * vocabulary / (vocabulary - 1),
                learning_rate=LEARNING_RATE,
                lr_scheduler_type="constant",
                optim="adamw_torch_fused",
                adam_beta1=0.9,
                adam_beta2=0.98,
                adam_epsilon=1e-8,
                weight_decay=0.0,
                # 0 turns gradient clipping off.
                max_grad_norm=0.0,
                use_cpu=device.type == "cpu",
                logging_strategy="no",
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                remove_unused_columns=False,
            ),
        )
        model.eval()

        def loss(batch: Batch) -> torch.Tensor:
            return trainer.compute_loss(model, _inputs(batch)) * batch.target_tokens

        outputs = base_loss(loss, data, device) if work.check else {}
        # Trainer calls model.train(), which does not change the dropout rates.
        set_dropout(model, recipe.dropout)
        trainer.train()
        synchronise(device)
        seconds = clock.times[-1] - clock.times[0]
    counted = {
        "target_tokens": size.passes * data.corpus.target_tokens(epoch),
        "updates": len(clock.times) - 1,
        "batches": size.passes * len(epoch),
    }
    return EngineResult({"": seconds}, counted, {"train": seconds}, outputs)
