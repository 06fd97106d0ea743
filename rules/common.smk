"""The checked experiment, its paths, and the functions that inputs and parameters are found by."""

import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SOURCE = Path(workflow.basedir) / "src"
sys.path.insert(0, str(SOURCE))
# Scripts run in processes of their own, perhaps in another environment that holds the libraries only.
os.environ.update(PYTHONPATH=str(SOURCE))

from dataclasses import asdict

from lslo.experiment.code_fingerprint import code_fingerprint
from lslo.experiment.experiment import Experiment
from lslo.experiment.paths import (
    CONVERTED_FILES,
    FIGURE_FORMS,
    HUB_FILES,
    SETTING_JOB,
    TABLE_FORMS,
)
from lslo.experiment.provenance import software
from lslo.experiment.setting_notation import PRETRAIN, Setting
from lslo.experiment.targets import check_targets
from lslo.experiment.wanted_files import (
    parameter_files,
    record_files,
    setting_files,
)
from lslo.experiment.wanted_results import FIGURES_OF_ANALYSIS
from lslo.running.slurm import leftover_jobs

try:
    EXPERIMENT = Experiment(config, workflow.basedir)
    check_targets(EXPERIMENT, sys.argv[1:])
except ValueError as error:
    raise WorkflowError(f"error: {error}") from None

CONFIG = EXPERIMENT.config
PATHS = EXPERIMENT.paths
GPUS = CONFIG.gpus
# For the demo's model on the CPU, and for a 615 M model on GPUs; a profile may set others.
TRAINING_MEMORY = 16000 * GPUS if GPUS else 1500
TRANSLATION_MEMORY = 16000 if GPUS else 1500
TRAINING_RUNTIME = 1440 if GPUS else 240
MODEL_FILES = [str(file) for file in EXPERIMENT.model_files]
if CONFIG.scoring.tokenizer == "flores101":
    os.environ.update(SACREBLEU=str(PATHS.sacrebleu.absolute()))


wildcard_constraints:
    split="dev|devtest",
    setting=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    seed=r"[0-9]{1,9}",
    source="|".join(EXPERIMENT.sources),
    file="|".join(re.escape(source.file) for source in EXPERIMENT.sources.values()),
    owner=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    model=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    shard=r"[0-9]+",
    analysis="ise|lsp",
    number="[1-7]",


def code_of(script):
    """Fingerprint of the library modules that a script depends on, so that editing them runs its rule again."""
    return code_fingerprint(
        Path(workflow.basedir) / "workflow" / "scripts" / f"{script}.py"
    )


def source_of_file(file):
    """The source whose file this is."""
    return next(source for source in EXPERIMENT.sources.values() if source.file == file)


def corpus_files(split, languages=EXPERIMENT.codes):
    """The text of a split."""
    return [PATHS.text(split, language) for language in languages]


def scoring_input():
    """The model of the flores101 tokenizer, if that is what scores are made with."""
    return [PATHS.flores101_model] if CONFIG.scoring.tokenizer == "flores101" else []


def recipe(kind, seed):
    """The training section of the configuration as the arguments of a Recipe. kind: `lslo` or `full`."""
    # How often a state is saved changes no result; scripts read it from the configuration.
    values = CONFIG.training.model_dump(exclude={"checkpoint_minutes"})
    return {**values, "learning_rate": values["learning_rate"][kind], "seed": int(seed)}


def setting_of(wildcards):
    """The setting of a path."""
    return Setting.from_slug(wildcards.setting)


def table_settings(wildcards):
    """The settings of a table of results."""
    return list(CONFIG.tables[f"table{wildcards.number}"])


def flat(paths):
    """The paths of all settings."""
    return [path for several in paths.values() for path in several]


def paper_table(number):
    """The paper's own table as CSV, where it is to be compared with."""
    if not CONFIG.compare_with_paper:
        return None
    return str(Path(workflow.basedir) / "resources" / "paper" / f"table{number}.csv")


def schedules():
    """Rows of Table 3: the Gradual Pruning Schedule of ISE, LSP and the settings."""
    analysed = [CONFIG.subspaces.ratio]
    rows = {"ISE": analysed, "LSP": analysed, "LSLo": EXPERIMENT.pruning_ratios}
    return [
        {
            "experiment": name,
            "schedules": [asdict(CONFIG.pruning.schedule(ratio)) for ratio in ratios],
            "epochs": CONFIG.training.epochs,
        }
        for name, ratios in rows.items()
        if ratios
    ]


def learned_strategy(wildcards):
    """Weight learning's strategy, for the settings that follow it."""
    return (
        rules.learn_weights.output.strategy
        if setting_of(wildcards).index == "WL"
        else []
    )


def adapter_of(wildcards):
    """The adapter folder of a setting; the base model has none."""
    if setting_of(wildcards).kind == "pretrain":
        return []
    return rules.finetune.output.adapter.format(**wildcards)


def figure_input(wildcards):
    """The results that a figure is drawn from."""
    if wildcards.number == "3":
        return flat(setting_files(EXPERIMENT, CONFIG.figure3, PATHS.epoch_scores))
    if wildcards.number == "1":
        return rules.learn_weights.output.weights
    number = int(wildcards.number)
    analysis = next(
        name for name, figures in FIGURES_OF_ANALYSIS.items() if number in figures
    )
    return rules.estimate_subspaces.output.scores.format(analysis=analysis)


def pruning(wildcards):
    """The Gradual Pruning Schedule of a setting, for settings that have one."""
    ratio = setting_of(wildcards).gps_ratio
    return None if ratio is None else asdict(CONFIG.pruning.schedule(float(ratio)))


def check_leftover_jobs():
    """Refuse to start beside SLURM jobs of an earlier run of this experiment, which write the same files."""
    # Why a result is stale, and what a run costs, is asked while it goes on; neither touches its results.
    if {"why", "plan"} & set(sys.argv[1:]):
        return
    marks = [f"{PATHS.results}/", *map(str, workflow.configfiles)]
    jobs = leftover_jobs(Path.cwd(), marks)
    if jobs:
        raise WorkflowError(
            "error: jobs of another run are in SLURM's queue; if that run is alive, wait for it, else "
            f"`scancel {' '.join(jobs)}`, and start again once squeue shows none"
        )
