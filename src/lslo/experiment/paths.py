"""The paths of an experiment: results, logs, benchmarks, and the downloads that experiments share.

The rules and `snakemake plan` ask this module, and no path is written anywhere else. The rules ask with
Snakemake's wildcards, which are the defaults of the arguments; `plan` and scripts ask with values.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lslo.base_model.file_names import (
    DICTIONARY,
    LANGUAGE_TOKENS,
    MODEL_CONFIG,
    MODEL_WEIGHTS,
    SENTENCEPIECE_MODEL,
)

# The files of a model that is converted from fairseq, and those of a model of the hub that are always there.
CONVERTED_FILES = (
    *(MODEL_CONFIG, "generation_config.json", MODEL_WEIGHTS),
    *(DICTIONARY, SENTENCEPIECE_MODEL, LANGUAGE_TOKENS),
)
HUB_FILES = (MODEL_CONFIG, MODEL_WEIGHTS)
# The name under which sacrebleu looks for the model of its flores101 tokenizer.
FLORES101_MODEL = "sacrebleu_tokenizer_spm.model"
# The name of a setting's job among those of a rule.
SETTING_JOB = "{setting}-seed{seed}"
# The endings of a table's and of a figure's files, by form.
TABLE_FORMS = {"csv": "csv", "markdown": "md", "latex": "tex", "page": "html"}
FIGURE_FORMS = ("pdf", "png", "csv")


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
    def corpus_record(self) -> Path:
        """The record of the parallel text."""
        return self.corpus / "record.json"

    @property
    def demo_model_metrics(self) -> Path:
        """The metrics of the pretraining of the demo's base model."""
        return self.results / "base_model_metrics.jsonl"

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

    def adapter(self, slug: str = "{setting}", seed: int | str = "{seed}") -> Path:
        """Returns the adapter folder of a setting; for Ft-all the folder of the whole model."""
        return self.setting("adapter", slug, seed)

    def parameters(self, slug: str = "{setting}", seed: int | str = "{seed}") -> Path:
        """Returns the counts of a setting's parameters."""
        return self.setting("parameters.json", slug, seed)

    def metrics(self, slug: str = "{setting}", seed: int | str = "{seed}") -> Path:
        """Returns the metrics of a setting's training, a JSON line for each update."""
        return self.setting("metrics.jsonl", slug, seed)

    def epochs(self, slug: str = "{setting}", seed: int | str = "{seed}") -> Path:
        """Returns the folder of the adapters after each epoch."""
        return self.setting("epochs", slug, seed)

    def shard(self, slug: str = "{setting}", seed: int | str = "{seed}", shard: str = "{shard}") -> Path:
        """Returns the folder of the translations of a shard of the directions."""
        return self.setting(f"shards/{shard}", slug, seed)

    def hypotheses(self, slug: str = "{setting}", seed: int | str = "{seed}") -> Path:
        """Returns the folder of a setting's translations."""
        return self.setting("hypotheses", slug, seed)

    def scores(self, slug: str = "{setting}", seed: int | str = "{seed}") -> Path:
        """Returns the scores of each direction."""
        return self.setting("scores.csv", slug, seed)

    def statistics(self, slug: str = "{setting}", seed: int | str = "{seed}") -> Path:
        """Returns what spBLEU counts in each sentence of each direction."""
        return self.setting("statistics.npz", slug, seed)

    def epoch_hypotheses(self, slug: str = "{setting}", seed: int | str = "{seed}") -> Path:
        """Returns the folder of the translations after each epoch."""
        return self.setting("epoch_hypotheses", slug, seed)

    def epoch_scores(self, slug: str = "{setting}", seed: int | str = "{seed}") -> Path:
        """Returns the scores of each direction after each epoch."""
        return self.setting("epoch_scores.csv", slug, seed)

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

    def claims(self, ending: str) -> Path:
        """Returns the checked claims of the paper, as `md` or `html`."""
        return self.results / f"claims.{ending}"

    @property
    def claims_record(self) -> Path:
        """The record of the claims."""
        return self.results / "claims_record.json"

    @property
    def run_page(self) -> Path:
        """The page with the configuration and the versions of a run."""
        return self.results / "run.html"

    @property
    def configuration(self) -> Path:
        """The configuration of a run."""
        return self.results / "config.yaml"

    @property
    def report(self) -> Path:
        """The report of a run: tables, figures, claims and configuration on one page."""
        return self.results / "report.html"

    def plan(self, ending: str) -> Path:
        """Returns what a run will cost, as `md` or `json`."""
        return self.results / f"plan.{ending}"


def _of_job(folder: Path, rule: str, name: str, ending: str) -> Path:
    return folder / rule / f"{name}.{ending}" if name else folder / f"{rule}.{ending}"
