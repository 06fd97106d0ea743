"""The checked configuration, paths, and the functions that inputs and parameters are found by."""

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

from lslo.experiment.config import Experiment
from lslo.experiment.code_fingerprint import code_fingerprint
from lslo.experiment.provenance import software
from lslo.experiment.settings import Setting, SettingError
from lslo.running.slurm import leftover_jobs

try:
    EXPERIMENT = Experiment(config, workflow.basedir)
except ValueError as error:
    raise WorkflowError(f"error: {error}") from None

RESULTS = f"results/{config['experiment']}"
LOGS = f"logs/{config['experiment']}"
BENCHMARKS = f"benchmarks/{config['experiment']}"
CORPUS = f"{RESULTS}/corpus"
SETTING = f"{RESULTS}/settings/{{setting}}/seed{{seed}}"
DATA = "data"
CONVERTED_FILES = [
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "dict.txt",
    "sentencepiece.bpe.model",
    "language_tokens.json",
]
HUB_FILES = ["config.json", "model.safetensors"]
SACREBLEU = f"{DATA}/sacrebleu"
# The name under which sacrebleu looks for the model of its flores101 tokenizer.
SCORING_MODEL = "sacrebleu_tokenizer_spm.model"
if config["scoring"]["tokenizer"] == "flores101":
    os.environ.update(SACREBLEU=str(Path(SACREBLEU).absolute()))
SEEDS = config["seeds"]
GPUS = config.get("gpus", 0)
# Beside the downloads, so that the experiments of one machine share them.
GPU_LOCKS = f"{DATA}/gpu_locks"
# For the embedded model on the CPU, and for a 615 M model on GPUs; a profile may set others.
TRAINING_MEMORY = 16000 * GPUS if GPUS else 1500
TRANSLATION_MEMORY = 16000 if GPUS else 1500
TRAINING_RUNTIME = 1440 if GPUS else 240
DECODING = {
    key: value for key, value in config["translation"].items() if key != "shards"
}
SHARDS = config["translation"].get("shards", 1)
TABLE_FORMS = {"csv": "csv", "markdown": "md", "latex": "tex", "page": "html"}
FIGURE_FORMS = ("pdf", "png", "csv")


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


def base_model_files():
    """The base model, its configuration first: the user's own, or what a download is turned into."""
    base_model = EXPERIMENT.base_model
    if "source" in base_model:
        return [
            f"{DATA}/base_models/{base_model['source']}/{name}"
            for name in CONVERTED_FILES
        ]
    if "hub" in base_model:
        return [f"{DATA}/hub/{base_model['hub']}/{name}" for name in HUB_FILES]
    folder = EXPERIMENT.resolve(base_model["folder"])
    rest = (
        path
        for path in folder.iterdir()
        if path.is_file() and path.name != "config.json"
    )
    return [str(folder / "config.json"), *sorted(str(path) for path in rest)]


BASE_MODEL_FILES = base_model_files()


def corpus_input():
    """What the corpus is made of: the user's own files, or an extracted download."""
    source = config["corpus"].get("source")
    return [f"{DATA}/extracted/{source}"] if source else EXPERIMENT.corpus_files


def corpus_folder():
    """The folder that corpus_paths start from; None for the embedded corpus."""
    corpus = config["corpus"]
    if "embedded" in corpus:
        return None
    if "source" in corpus:
        return f"{DATA}/extracted/{corpus['source']}/{corpus['folder']}"
    return str(EXPERIMENT.resolve(corpus["folder"]))


def scoring_input():
    """The model of the flores101 tokenizer, if that is what scores are made with."""
    return (
        [f"{SACREBLEU}/models/{SCORING_MODEL}"]
        if config["scoring"]["tokenizer"] == "flores101"
        else []
    )


# Whether there is something to compare the results tables with.
COMPARED = config.get("compare_with_paper", False) or config.get("significance", 0) > 0


def table_files(name, prefix=""):
    """The files of a table but its HTML page, which is declared apart as a part of the report."""
    return {
        prefix + form: f"{RESULTS}/tables/{name}.{ending}"
        for form, ending in TABLE_FORMS.items()
        if form != "page"
    }


def paper_table(number):
    """The paper's own table as CSV, where it is to be compared with."""
    if not config.get("compare_with_paper", False):
        return None
    return Path(workflow.basedir) / "resources" / "paper" / f"table{number}.csv"


def figure_numbers():
    """The figures that are drawn."""
    numbers = config.get("figures", [1, 2, 3, 4, 5, 6])
    return [number for number in numbers if number != 3 or config.get("figure3")]


def corpus_files(split, languages=EXPERIMENT.codes):
    return [f"{CORPUS}/{split}/{language}.txt" for language in languages]


def recipe(kind, seed):
    """The training section of the configuration as the arguments of a Recipe. kind: `lslo` or `full`."""
    values = dict(config["training"])
    # How often a state is saved changes no result; scripts read it from the configuration.
    values.pop("checkpoint_minutes", None)
    return {**values, "learning_rate": values["learning_rate"][kind], "seed": int(seed)}


def setting_of(wildcards):
    """The setting of a path."""
    return Setting.from_slug(wildcards.setting)


def check_targets(arguments):
    """Refuse what is asked for on the command line and cannot be made: folders that are no setting or do not
    fit the languages, what a setting does not have, a base model without its section of the configuration.

    What an input function refuses later on, Snakemake shows with a traceback.
    """
    for target in map(os.path.normpath, arguments):
        folder, _, path = target.partition("settings/")
        if path and folder == f"{RESULTS}/":
            # setting, seed, file
            parts = [*Path(path).parts, "", ""]
            try:
                setting = Setting.from_slug(parts[0])
                EXPERIMENT.check_setting(setting)
            except SettingError as error:
                raise WorkflowError(f"error: {target}: {error}") from None
            name = parts[2]
            if setting.kind == "pretrain" and name not in (
                "hypotheses",
                "scores.csv",
                "statistics.npz",
                "records",
            ):
                raise WorkflowError(
                    f"error: {target}: the base model as it is has no such file, it is not trained"
                )
            if name.startswith("epoch") and str(setting) not in config.get(
                "figure3", []
            ):
                raise WorkflowError(
                    f"error: {target}: add {setting} to `figure3` in the configuration first"
                )
        if target == "base_model" and not (
            "pretraining" in config and "embedded" in config["corpus"]
        ):
            raise WorkflowError(
                "error: base_model: the configuration needs `pretraining` and `corpus.embedded` for it"
            )


def check_leftover_jobs():
    """Refuse to start beside SLURM jobs of an earlier run of this experiment, which write the same files."""
    # Why a result is stale, and what a run costs, is asked while it goes on; neither touches its results.
    if {"why", "plan"} & set(sys.argv[1:]):
        return
    marks = [f"{RESULTS}/", *map(str, workflow.configfiles)]
    jobs = leftover_jobs(Path.cwd(), marks)
    if jobs:
        raise WorkflowError(
            "error: jobs of another run are in SLURM's queue; if that run is alive, wait for it, else "
            f"`scancel {' '.join(jobs)}`, and start again once squeue shows none"
        )


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


def records():
    """The records of how each result came about, in the order in which results are made."""
    shards = [f"translate{shard}" for shard in range(SHARDS)]
    return [
        f"{CORPUS}/record.json",
        f"{RESULTS}/weight_learning/record.json",
        *(f"{RESULTS}/subspaces/{name}_record.json" for name in ("ise", "lsp")),
        *(
            path
            for text in EXPERIMENT.settings
            for stage in [
                *(["finetune"] if text != "Pretrain" else []),
                *shards,
                "score",
            ]
            for path in paths_of([text], f"records/{stage}.json")[text]
        ),
        *(
            path
            for text in config.get("figure3", [])
            for stage in ["translate_epochs", "score_epochs"]
            for path in paths_of([text], f"records/{stage}.json")[text]
        ),
        *(f"{RESULTS}/tables/{name}_record.json" for name in config["tables"]),
        *(
            f"{RESULTS}/figures/figure{number}_record.json"
            for number in figure_numbers()
        ),
        *([f"{RESULTS}/claims_record.json"] if "claims" in config else []),
    ]


def schedules():
    """Rows of Table 3: the Gradual Pruning Schedule of ISE, LSP and the settings."""
    ratios = sorted(
        {
            float(ratio)
            for ratio in (Setting.parse(text).gps_ratio for text in EXPERIMENT.settings)
            if ratio is not None
        }
    )
    analysed = [config["subspaces"]["ratio"]]
    rows = {"ISE": analysed, "LSP": analysed, "LSLo": ratios}
    return [
        {
            "experiment": name,
            "schedules": [{"ratio": ratio, **config["pruning"]} for ratio in row],
            "epochs": config["training"]["epochs"],
        }
        for name, row in rows.items()
        if row
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
        return flat(paths_of(config["figure3"], "epoch_scores.csv"))
    if wildcards.number == "1":
        return rules.learn_weights.output.weights
    return rules.estimate_subspaces.output.scores.format(
        analysis="ise" if wildcards.number in "25" else "lsp"
    )


RECORDS = records()
check_targets(sys.argv[1:])
