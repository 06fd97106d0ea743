"""The checked configuration, paths, and the functions that inputs and parameters are found by."""

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SOURCE = Path(workflow.basedir) / "src"
sys.path.insert(0, str(SOURCE))
# Scripts run in processes of their own, perhaps in another environment that holds the libraries only.
os.environ.update(PYTHONPATH=str(SOURCE))

from dataclasses import asdict

from lslo.config import Experiment
from lslo.fingerprint import code_fingerprint
from lslo.settings import Setting, SettingError

try:
    EXPERIMENT = Experiment(config, workflow.basedir)
except ValueError as error:
    raise WorkflowError(f"error: {error}") from None

RESULTS = f"results/{config['experiment']}"
LOGS = f"logs/{config['experiment']}"
BENCHMARKS = f"benchmarks/{config['experiment']}"
CORPUS = f"{RESULTS}/corpus"
SETTING = f"{RESULTS}/settings/{{setting}}/seed{{seed}}"
BASE_MODEL = EXPERIMENT.resolve(config["base_model"])
BASE_MODEL_FILES = sorted(str(path) for path in BASE_MODEL.iterdir() if path.is_file())
SEEDS = config["seeds"]
TABLE_FORMS = {"csv": "csv", "markdown": "md", "latex": "tex", "page": "html"}
FIGURE_FORMS = ("pdf", "png", "csv")


wildcard_constraints:
    split="dev|devtest",
    setting=r"[A-Za-z0-9._-]+",
    seed=r"[0-9]+",
    analysis="ise|lsp",
    number="[1-7]",


def code_of(script):
    """Fingerprint of the library modules that a script depends on, so that editing them runs its rule again."""
    return code_fingerprint(
        Path(workflow.basedir) / "workflow" / "scripts" / f"{script}.py"
    )


def corpus_files(split):
    return [f"{CORPUS}/{split}/{language}.txt" for language in EXPERIMENT.codes]


def recipe(kind, seed):
    """The training section of the configuration as the arguments of a Recipe. kind: `lslo` or `full`."""
    values = dict(config["training"])
    return {**values, "learning_rate": values["learning_rate"][kind], "seed": int(seed)}


def setting_of(wildcards):
    """The setting of a path."""
    return Setting.from_slug(wildcards.setting)


def check_targets(arguments):
    """Refuse a path asked for on the command line whose folder is no setting, or does not fit the languages.

    What an input function refuses later on, Snakemake shows with a traceback.
    """
    for target in arguments:
        folder, _, path = target.partition("settings/")
        if path and folder == f"{RESULTS}/":
            try:
                EXPERIMENT.check_setting(Setting.from_slug(path.partition("/")[0]))
            except SettingError as error:
                raise WorkflowError(f"error: {target}: {error}") from None


def paths_of(settings, file, seeds=None):
    """{setting: [path of `file` for each seed]}; the base model is the same for every seed."""
    return {
        text: [
            f"{RESULTS}/settings/{Setting.parse(text).slug}/seed{seed}/{file}"
            for seed in (SEEDS[:1] if text == "Pretrain" else seeds or SEEDS)
        ]
        for text in settings
    }


def flat(paths):
    return [path for several in paths.values() for path in several]


def trained(settings):
    return [text for text in settings if text != "Pretrain"]


def parameters_of(settings):
    """{setting: parameters.json}; they are the same for every seed but for the few weights that are exactly zero."""
    return {
        text: paths[0]
        for text, paths in paths_of(trained(settings), "parameters.json").items()
    }


def figure_directions():
    """The directions that Figure 3 follows: H2H and V2V."""
    classes = EXPERIMENT.resource_classes
    return [
        (source, target)
        for source, target in EXPERIMENT.directions
        if classes[source] == classes[target] and classes[source] in "HV"
    ]


def schedules():
    """Rows of Table 3: the Gradual Pruning Schedule of ISE, LSP and the settings."""
    common = {
        "start_epoch": config["pruning"]["start"],
        "pruning_epochs": config["pruning"]["duration"],
        "epochs": config["training"]["epochs"],
    }
    ratios = sorted(
        {
            float(ratio)
            for ratio in (Setting.parse(text).gps_ratio for text in EXPERIMENT.settings)
            if ratio is not None
        }
    )
    rows = [
        {"experiment": name, "ratios": [config["subspaces"]["ratio"]], **common}
        for name in ("ISE", "LSP")
    ]
    return (
        rows + [{"experiment": "LSLo", "ratios": ratios, **common}] if ratios else rows
    )


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
        return flat(paths_of(config["figure3"], "epoch_scores.csv"))
    if wildcards.number == "1":
        return rules.learn_weights.output.weights
    return rules.estimate_subspaces.output.scores.format(
        analysis="ise" if wildcards.number in "25" else "lsp"
    )


check_targets(sys.argv[1:])
