"""The paths of an experiment: results, logs, benchmarks, and the downloads that experiments share.

The rules and `snakemake plan` ask this module, and no path is written anywhere else. The rules ask with
Snakemake's wildcards, which are the defaults of the arguments; `plan` and scripts ask with values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lslo.experiment.setting_notation import PRETRAIN, Setting

if TYPE_CHECKING:
    from lslo.experiment.experiment import Experiment

# The files of a model that is converted from fairseq, and those of a model of the hub that are always there.
CONVERTED_FILES = (
    *("config.json", "generation_config.json", "model.safetensors"),
    *("dict.txt", "sentencepiece.bpe.model", "language_tokens.json"),
)
HUB_FILES = ("config.json", "model.safetensors")
# The name under which sacrebleu looks for the model of its flores101 tokenizer.
FLORES101_MODEL = "sacrebleu_tokenizer_spm.model"
# The endings of a table's and of a figure's files, by form.
TABLE_FORMS = {"csv": "csv", "markdown": "md", "latex": "tex", "page": "html"}
FIGURE_FORMS = ("pdf", "png", "csv")
# What there is of the base model as it is, which is not trained.
PRETRAIN_RESULTS = ("hypotheses", "scores.csv", "statistics.npz", "records")


@dataclass(frozen=True)
class Paths:
    """The paths of an experiment.

    Attributes:
        experiment: Its name.
        root: The folder that Snakemake runs in.
    """

    experiment: str
    root: Path = Path()

    @property
    def results(self) -> Path:
        """The folder of all results."""
        return self.root / "results" / self.experiment

    @property
    def data(self) -> Path:
        """The folder of downloads and what is made of them; shared by experiments."""
        return self.root / "data"

    def log(self, rule: str, name: str = "") -> Path:
        """Returns the log of a rule's job, by the name of the job where the rule has several."""
        return _of_job(self.root / "logs" / self.experiment, rule, name, "log")

    def benchmark(self, rule: str, name: str = "") -> Path:
        """Returns the file in which Snakemake writes what a job took."""
        return _of_job(self.root / "benchmarks" / self.experiment, rule, name, "tsv")

    def shared_log(self, rule: str, name: str = "") -> Path:
        """Returns the log of a job that experiments share."""
        return _of_job(self.root / "logs", rule, name, "log")

    def shared_benchmark(self, rule: str, name: str = "") -> Path:
        """Returns the benchmark of a job that experiments share."""
        return _of_job(self.root / "benchmarks", rule, name, "tsv")

    # Downloads.

    def download(self, file: str = "{file}") -> Path:
        """Returns the place of a downloaded file."""
        return self.data / "sources" / file

    def extracted(self, source: str = "{source}") -> Path:
        """Returns the folder of what is in a downloaded archive."""
        return self.data / "extracted" / source

    def converted_model(self, source: str = "{source}") -> Path:
        """Returns the folder of a model that is converted from a fairseq archive."""
        return self.data / "base_models" / source

    def hub_model(self, name: str = "{owner}/{model}") -> Path:
        """Returns the folder of a model of the Hugging Face hub."""
        return self.data / "hub" / name

    @property
    def sacrebleu(self) -> Path:
        """The folder that the environment variable SACREBLEU points to."""
        return self.data / "sacrebleu"

    @property
    def flores101_model(self) -> Path:
        """The SentencePiece model of sacrebleu's flores101 tokenizer."""
        return self.sacrebleu / "models" / FLORES101_MODEL

    @property
    def gpu_locks(self) -> Path:
        """The folder of GPU locks, beside the downloads, so that the experiments of a machine share it."""
        return self.data / "gpu_locks"

    # Corpus and architecture.

    @property
    def corpus(self) -> Path:
        """The folder of the parallel text."""
        return self.results / "corpus"

    def text(self, split: str, language: str) -> Path:
        """Returns the text of a split and language."""
        return self.corpus / split / f"{language}.txt"

    @property
    def demo_model(self) -> Path:
        """The folder of the demo's base model where it is pretrained anew."""
        return self.results / "base_model"

    def weight_learning(self, file: str) -> Path:
        """Returns a file of weight learning."""
        return self.results / "weight_learning" / file

    def subspaces(self, ending: str, analysis: str = "{analysis}") -> Path:
        """Returns a file of ISE or LSP; `ending` is what follows the analysis, as in `ise_metrics.jsonl`."""
        return self.results / "subspaces" / f"{analysis}{ending}"

    def state(self, training: str) -> Path:
        """Returns the folder of a job's state, which Snakemake does not know of."""
        return self.results / "state" / training

    # Settings.

    def setting(self, file: str = "", slug: str = "{setting}", seed: int | str = "{seed}") -> Path:
        """Returns a file or folder of a setting's run, by the setting's slug."""
        return self.results / "settings" / slug / f"seed{seed}" / file

    def record(self, stage: str, slug: str = "{setting}", seed: int | str = "{seed}") -> Path:
        """Returns the record of how a result of a setting came about."""
        return self.setting(f"records/{stage}.json", slug, seed)

    # Tables, figures, report.

    def table(self, name: str, ending: str) -> Path:
        """Returns a file of a table."""
        return self.results / "tables" / f"{name}.{ending}"

    def table_files(self, name: str, prefix: str = "") -> dict[str, Path]:
        """Returns the files of a table by form, each form with a prefix; without the HTML page."""
        return {
            prefix + form: self.table(name, ending) for form, ending in TABLE_FORMS.items() if form != "page"
        }

    def table_record(self, name: str) -> Path:
        """Returns the record of a table."""
        return self.results / "tables" / f"{name}_record.json"

    def figure(self, ending: str, number: int | str = "{number}") -> Path:
        """Returns a file of a figure."""
        return self.results / "figures" / f"figure{number}.{ending}"

    def figure_record(self, number: int | str = "{number}") -> Path:
        """Returns the record of a figure."""
        return self.results / "figures" / f"figure{number}_record.json"


def _of_job(folder: Path, rule: str, name: str, ending: str) -> Path:
    return folder / rule / f"{name}.{ending}" if name else folder / f"{rule}.{ending}"


def setting_files(experiment: Experiment, settings: list[str], file: str) -> dict[str, list[str]]:
    """Returns the paths of a file of each seed's run, by setting; the base model as it is has one run."""
    return {
        text: [
            str(experiment.paths.setting(file, Setting.parse(text).slug, seed))
            for seed in experiment.seeds(text)
        ]
        for text in settings
    }


def parameter_files(experiment: Experiment, settings: list[str]) -> dict[str, str]:
    """Returns `parameters.json` of each trained setting.

    It is the same for every seed but for the few weights that happen to be zero, so the first seed's stands
    for all.
    """
    trained = [text for text in settings if text != PRETRAIN]
    return {text: files[0] for text, files in setting_files(experiment, trained, "parameters.json").items()}


def record_files(experiment: Experiment) -> Iterator[Path]:
    """Yields the records of how each result came about, in the order in which results are made."""
    config, paths = experiment.config, experiment.paths
    yield paths.corpus / "record.json"
    yield paths.weight_learning("record.json")
    yield from (paths.subspaces("_record.json", analysis) for analysis in ("ise", "lsp"))
    translations = [f"translate{shard}" for shard in range(config.translation.shards)]
    for text in experiment.settings:
        training = [] if text == PRETRAIN else ["finetune"]
        for stage in (*training, *translations, "score"):
            yield from map(Path, setting_files(experiment, [text], f"records/{stage}.json")[text])
    for text in config.figure3:
        for stage in ("translate_epochs", "score_epochs"):
            yield from map(Path, setting_files(experiment, [text], f"records/{stage}.json")[text])
    yield from (paths.table_record(name) for name in config.tables)
    yield from (paths.figure_record(number) for number in experiment.figures)
    if config.claims:
        yield paths.results / "claims_record.json"
