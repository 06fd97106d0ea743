"""Fine-tuning of one setting, from a base model and a corpus to an adapter folder (Sections 3 and 5)."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import TextIO

from lslo.adapters.adapter_description import AdapterDescription
from lslo.adapters.adapter_folder import save_adapter, save_full_model
from lslo.adapters.index_strategy import index_strategy
from lslo.adapters.parameter_counts import count_adapter, count_model
from lslo.adapters.placement import add_lslo, number_of_layers
from lslo.base_model.loading import base_model_fingerprint, load_base_model
from lslo.experiment.hyperparameters import GradualPruningSchedule
from lslo.experiment.languages import all_directions
from lslo.experiment.settings import PRUNED_CLASSES, Setting
from lslo.files.atomic import link_or_copy
from lslo.recipes.pruning_groups import language_pruner
from lslo.recipes.training_job import TrainingJob
from lslo.running.process_group import ProcessGroup
from lslo.training.checkpoints import CheckpointStore
from lslo.training.trainer import train

logger = logging.getLogger(__name__)


def fine_tune(
    job: TrainingJob,
    setting: Setting,
    pruning: tuple[int, int],
    learned_strategy: Path | None,
    output: Path,
    parameters: Path,
    epochs_output: Path,
    keep_epochs: bool = False,
    progress: TextIO | None = None,
) -> None:
    """Train a setting on every direction's sentence pairs and write its adapter folder.

    pruning: E and k of Equation 6, in epochs. learned_strategy: `index_strategy.json` of weight learning.
    output: the adapter folder; for full fine-tuning a model folder. parameters: the file of their counts.
    epochs_output: a folder that gets the adapter after each epoch but the last, as `epoch{n}`, if
    keep_epochs; else it is made empty.
    """
    process_group = ProcessGroup.join()
    recipe = job.recipe
    router, pruners, placed = None, [], {}
    ranks: dict[str, int] = {}
    strategy = None
    if setting.kind == "full":
        model = load_base_model(job.base_model)
        model.requires_grad_(True)
    else:
        model = job.load_frozen_model()
        layers = {side: number_of_layers(model, side) for side in ("encoder", "decoder")}
        strategy = index_strategy(setting.index, learned_strategy, layers["encoder"], layers["decoder"])
        rank_of_class = setting.rank_of_class(set(job.resource_classes.values()))
        ranks = {language: rank_of_class[name] for language, name in job.resource_classes.items()}
        router, placed = add_lslo(model, ranks, strategy, modules=setting.modules, seed=recipe.seed)
    model.to(process_group.device)
    if setting.gps_ratio is not None:
        schedule = GradualPruningSchedule(float(setting.gps_ratio), *pruning)
        pruned = [index for index, name in enumerate(job.resource_classes.values()) if name in PRUNED_CLASSES]
        pruners.append(language_pruner(placed, pruned, schedule))

    def save(folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        if setting.kind == "full":
            save_full_model(model, job.base_model, job.codes, folder)
        else:
            save_adapter(
                folder,
                placed,
                AdapterDescription(
                    setting=str(setting),
                    ranks=ranks,
                    strategy=strategy,
                    modules=setting.modules,
                    base_model_sha256=base_model_fingerprint(job.base_model),
                    codes=job.codes,
                ),
            )

    checkpoints = CheckpointStore(job.state, job.fingerprint)
    # What a continued job needs lies beside its state.
    kept = job.state / "epochs"
    if process_group.leads:
        if checkpoints.load() is None:
            shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True, exist_ok=True)
    process_group.wait()

    def after_epoch(epoch: int) -> None:
        if keep_epochs and epoch < recipe.epochs:
            save(kept / f"epoch{epoch}")

    corpus = job.load_corpus()
    examples = corpus.examples(all_directions(corpus.languages))
    if process_group.leads:
        logger.info("setting %s: %d sentence pairs an epoch", setting, len(examples))
    train(
        model,
        corpus,
        lambda epoch: examples,
        recipe,
        router=router,
        pruners=pruners,
        metrics=job.metrics,
        checkpoints=checkpoints,
        after_epoch=after_epoch,
        progress=progress,
        process_group=process_group,
    )
    if not process_group.leads:
        return
    save(output)
    counts = count_adapter(placed, model.config.d_model) if placed else count_model(model)
    counts.write(parameters)
    logger.info("setting %s: %d parameters, %d of them not zero", setting, counts.true, counts.nonzero)
    # Linked: of a 615 M model fifteen copies are 37 GB.
    link_or_copy(kept, epochs_output)
