"""Fine-tuning of one setting, from a base model and a corpus to an adapter folder (Sections 3 and 5)."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from lslo.batching import TokenizedCorpus
from lslo.checkpoints import CheckpointStore
from lslo.languages import all_directions
from lslo.model.adapter import count_adapter, count_model, save_adapter
from lslo.model.loading import load_base_model
from lslo.model.placement import add_lslo, number_of_layers
from lslo.pruning import GradualPruningSchedule
from lslo.routing import IndexStrategy
from lslo.settings import Setting
from lslo.subspaces import language_pruner
from lslo.training import Recipe, train

logger = logging.getLogger(__name__)

# GPS prunes the languages of these classes only (Section 6.3).
PRUNED_CLASSES = ("H", "M")


def index_strategy(
    index: str, learned: Path | str | None, encoder_layers: int, decoder_layers: int
) -> IndexStrategy:
    """The strategy that `WL`, `SRC` or `TGT` stands for. learned: `index_strategy.json`, needed by `WL`."""
    if index == "WL":
        return IndexStrategy.read(learned)
    return IndexStrategy.fixed(index, encoder_layers, decoder_layers)


def fine_tune(
    setting: Setting,
    base_model: Path,
    corpus: TokenizedCorpus,
    resource_classes: Mapping[str, str],
    recipe: Recipe,
    *,
    pruning: tuple[int, int],
    learned_strategy: Path | None,
    output: Path,
    metrics: Path,
    parameters: Path,
    epochs_output: Path | None = None,
    checkpoints: CheckpointStore | None = None,
    progress: TextIO | None = None,
) -> None:
    """Train a setting on every direction's sentence pairs and write its adapter folder.

    pruning: E and k of Equation 6, in epochs. learned_strategy: `index_strategy.json` of weight learning.
    output: the adapter folder; for full fine-tuning a model folder. metrics, parameters: files to write.
    epochs_output: if given, a folder that gets the adapter after each epoch but the last as `epoch{n}`.
    """
    model = load_base_model(base_model)
    router, pruners, placed = None, [], {}
    ranks: dict[str, int] = {}
    strategy = None
    if setting.kind == "full":
        model.requires_grad_(True)
    else:
        layers = {side: number_of_layers(model, side) for side in ("encoder", "decoder")}
        strategy = index_strategy(setting.index, learned_strategy, layers["encoder"], layers["decoder"])
        rank_of_class = setting.rank_of_class(set(resource_classes.values()))
        ranks = {language: rank_of_class[name] for language, name in resource_classes.items()}
        router, placed = add_lslo(model, ranks, strategy, modules=setting.modules, seed=recipe.seed)
        if setting.gps_ratio is not None:
            schedule = GradualPruningSchedule(float(setting.gps_ratio), *pruning)
            pruned = [index for index, name in enumerate(resource_classes.values()) if name in PRUNED_CLASSES]
            pruners.append(language_pruner(placed, pruned, schedule))

    def save(folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        if setting.kind == "full":
            _save_model(model, base_model, folder)
        else:
            save_adapter(
                folder,
                placed,
                setting=str(setting),
                ranks=ranks,
                strategy=strategy,
                modules=setting.modules,
                base_model=base_model,
            )

    def after_epoch(epoch: int) -> None:
        if epochs_output and epoch < recipe.epochs:
            save(epochs_output / f"epoch{epoch}")

    examples = corpus.examples(all_directions(corpus.languages))
    logger.info("setting %s: %d sentence pairs an epoch", setting, len(examples))
    train(
        model,
        corpus,
        lambda epoch: examples,
        recipe,
        router=router,
        pruners=pruners,
        metrics=metrics,
        checkpoints=checkpoints,
        after_epoch=after_epoch,
        progress=progress,
    )
    save(output)
    counts = count_adapter(placed, model.config.d_model) if placed else count_model(model)
    counts.write(parameters)
    logger.info("setting %s: %d parameters, %d of them not zero", setting, counts.true, counts.nonzero)


def _save_model(model, base_model: Path, folder: Path) -> None:
    """The whole model with the base model's tokenizer beside it, so that the folder can be used alone."""
    model.save_pretrained(folder)
    for file in sorted(base_model.iterdir()):
        if file.is_file() and not (folder / file.name).exists():
            shutil.copyfile(file, folder / file.name)
