"""The keys of a configuration, section by section: types, bounds, defaults and descriptions.

Keys and defaults are defined here and, for the text and the models to begin with, in `config_text_and_model`.
Where a default is that of the library too, such as the beam, it is taken from `hyperparameters`.
`config/README.md` has all keys as a table, which `reporting.config_reference` makes of the fields. What one
key asks of another is in `config_checks`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from lslo.experiment.config_text_and_model import BaseModelSource, Corpus, Pretraining, Section, UpdateRecipe
from lslo.experiment.config_types import (
    Count,
    NonNegative,
    NotEmpty,
    OpenFraction,
    PathText,
    Positive,
    Rank,
    Seed,
    Share,
    Truth,
    Unique,
    WholeNumber,
    matching,
)
from lslo.experiment.hyperparameters import PRECISIONS, Decoding, Recipe
from lslo.experiment.pruning_schedule import GradualPruningSchedule

LANGUAGES_TABLE = "config/languages.tsv"
SOURCES_TABLE = "config/sources.tsv"

Precision = Literal[PRECISIONS]
ResultsTable = Literal["table1", "table2", "table6", "table7"]
Device = Literal[
    *("CPU", "V100", "T4", "A10", "A30", "A40", "A100-40GB", "A100-80GB", "L4", "L40S"),
    *("RTX-3090", "RTX-4090", "H100-PCIe", "H100-SXM", "H200"),
]
Settings = Annotated[Unique[NotEmpty], Field(min_length=1)]


class LearningRates(Section):
    """The peak of the inverse square root schedule, by what is trained."""

    lslo: Positive = Field(
        description="the peak learning rate of LSLo settings, weight learning, ISE and LSP"
    )
    full: Positive = Field(description="the peak learning rate of Ft-all")


class Training(UpdateRecipe):
    """The recipe of weight learning, ISE, LSP and fine-tuning (Section 5)."""

    learning_rate: LearningRates = Field(description="peaks of the inverse square root schedule")
    warmup_updates: Count = Field(
        Recipe.warmup_updates, description="updates over which the learning rate rises to its peak"
    )
    label_smoothing: OpenFraction = Field(
        Recipe.label_smoothing, description="fairseq's epsilon of the label-smoothed cross-entropy"
    )
    dropout: OpenFraction = Field(Recipe.dropout, description="dropout of hidden states and attention")
    precision: Precision = Field(
        Recipe.precision,
        description="the precision of the frozen base model's weights and products: float32, bfloat16 or "
        "float16 (with loss scaling)",
    )
    checkpoint_minutes: NonNegative = Field(
        Recipe.checkpoint_minutes,
        description="minutes between two saved states of a training; no result depends on it",
    )


class Pruning(Section):
    """The Gradual Pruning Schedule (Equation 6, Table 3), in epochs; P is part of a setting's name."""

    # B is zero before the first epoch: there would be nothing to tell its weights apart by.
    start: Count = Field(2, description="E of Equation 6, the last epoch without pruning")
    duration: Count = Field(8, description="k of Equation 6, the epochs over which the ratio grows to P")

    def schedule(self, ratio: float) -> GradualPruningSchedule:
        """Returns the schedule that grows to `ratio`."""
        return GradualPruningSchedule(ratio, self.start, self.duration)


class WeightLearning(Section):
    """Weight learning (Section 4.1), which finds the index strategy `WL`."""

    rank: Rank = Field(8, description="rank of the source- and target-indexed modules")
    languages: Annotated[Unique[NotEmpty], Field(min_length=2)] | None = Field(
        None,
        description="the languages that the index strategy is learned on, all unless given (lang30 uses "
        "lang12's, as in the paper)",
    )


class Subspaces(Section):
    """Intrinsic subspace estimation and language-specific pruning (Sections 4.2 and 7.2)."""

    rank: Rank = Field(8, description="rank of all modules in ISE and LSP")
    ratio: Annotated[Positive, Field(lt=1)] = Field(
        0.7, description="P, the final pruning ratio of ISE and LSP"
    )


class Translation(Section):
    """Beam search over `devtest`."""

    beam: Count = Field(Decoding.beam, description="hypotheses that the search keeps")
    length_penalty: Annotated[NonNegative, Field(le=10)] = Field(
        Decoding.length_penalty, description="exponent of the length by which a hypothesis's score is divided"
    )
    maximum_length: Count = Field(
        Decoding.maximum_length, description="the most tokens of a hypothesis before its end"
    )
    tokens_per_batch: Count = Field(
        Decoding.tokens_per_batch,
        description="tokens of a batch: sentences × `beam` × the longest source; changes results by "
        "rounding only",
    )
    precision: Precision = Field(Decoding.precision, description="the precision of weights and products")
    shards: Count = Field(1, description="the number of jobs that share the directions of a setting")

    @property
    def decoding(self) -> Decoding:
        """The hyperparameters of the search."""
        return Decoding(**self.model_dump(exclude={"shards"}))


class Scoring(Section):
    """The scores of translations."""

    tokenizer: Literal["base_model", "flores101"] = Field(
        description="whose pieces spBLEU counts: `base_model` (its `sentencepiece.bpe.model`) or `flores101`"
    )


class Claims(Section):
    """The settings that play the parts of the paper's claims (`claims.md`)."""

    uniform: Settings = Field((), description="the same rank for all languages, in ascending order")
    reduced: NotEmpty | None = Field(None, description="fewer ranks for high- and medium-resource languages")
    reduced_reference: NotEmpty | None = Field(None, description="the uniform counterpart of `reduced`")
    pruned: NotEmpty | None = Field(None, description="the headline, with GPS")
    pruned_reference: NotEmpty | None = Field(None, description="the ranks of `pruned`, not pruned")
    source_index: NotEmpty | None = Field(None, description="`pruned` with a source-indexed encoder")
    target_index: NotEmpty | None = Field(None, description="`pruned` with a target-indexed encoder")
    fc_only: NotEmpty | None = Field(None, description="LSLo on fc1 and fc2 only")
    fc_reference: NotEmpty | None = Field(
        None, description="LSLo on all matrices, with about as many parameters as `fc_only`"
    )


class TokensPerSecond(Section):
    """The measured speed of trainings."""

    lslo: Positive | None = Field(None, description="target tokens per second of an LSLo training")
    full: Positive | None = Field(None, description="target tokens per second of Ft-all")


class Measured(Section):
    """Speeds that were measured on the device."""

    tokens_per_second: TokensPerSecond = Field(TokensPerSecond(), description="speed of trainings")
    sentences_per_second: Positive | None = Field(None, description="sentences translated per second")


class Planning(Section):
    """The assumptions of `snakemake plan`; no result depends on them."""

    device: Device | None = Field(
        None, description="a GPU, or a core of a CPU; unless given, `A100-80GB` with `gpus`, else `CPU`"
    )
    training_share: Share = Field(0.2, description="the share of the GPU's peak that training reaches")
    translation_share: Share = Field(0.05, description="the share of the GPU's peak that translation reaches")
    measured: Measured = Field(
        Measured(),
        description="instead of the shares, the speeds that `python bench/paper_scale.py` or a run showed",
    )


class Config(Section):
    """A whole configuration."""

    experiment: Annotated[
        str, matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "letters, digits, '.', '_' and '-', 100 at most")
    ] = Field(description="name of the folder below `results/`")
    languages: Annotated[Unique[NotEmpty], Field(min_length=2)] = Field(
        description="codes of `languages.tsv`, in the order of tables and figures"
    )
    languages_table: PathText = Field(
        LANGUAGES_TABLE,
        description="another table of languages, with the columns of `languages.tsv` and any of your own "
        "behind them",
    )
    sources_table: PathText = Field(SOURCES_TABLE, description="another table of downloads")
    mirrors: dict[str, NotEmpty] = Field(
        {}, description="for a source, the URL or local file that replaces its URL"
    )
    corpus: Corpus = Field(description="the parallel text: give exactly one of `embedded` and `folder`")
    base_model: Annotated[
        BaseModelSource, BeforeValidator(lambda value: {"folder": value} if isinstance(value, str) else value)
    ] = Field(description="the model to adapt: give exactly one of `folder`, `source` and `hub`")
    gpus: Annotated[WholeNumber, Field(ge=0, le=1024)] = Field(
        0, description="GPUs of a fine-tuning job; 0 computes on the CPU"
    )
    pretraining: Pretraining | None = Field(
        None, description="how the demo's base model comes about; only `snakemake base_model` uses it"
    )
    training: Training = Field(description="the recipe of all trainings")
    seeds: Annotated[Unique[Seed], Field(min_length=1)] = Field(
        description="seeds; each setting runs once with each of them, and tables show the mean. Weight "
        "learning, ISE and LSP use the first"
    )
    pruning: Pruning = Field(Pruning(), description="the Gradual Pruning Schedule; the paper's unless given")
    weight_learning: WeightLearning = Field(
        WeightLearning(), description="weight learning; the paper's unless given"
    )
    subspaces: Subspaces = Field(Subspaces(), description="ISE and LSP; the paper's unless given")
    translation: Translation = Field(Translation(), description="beam search")
    scoring: Scoring = Field(description="scores")
    tables: Annotated[dict[ResultsTable, Settings], Field(min_length=1)] = Field(
        description="settings of the tables `table1`, `table2`, `table6` and `table7`, in the order of "
        "their rows; each setting named here is trained once for each seed"
    )
    compare_with_paper: Truth = Field(
        False, description="whether tables show the paper's scores and the differences"
    )
    significance: Annotated[WholeNumber, Field(ge=0, le=1_000_000)] = Field(
        0, description="resamples of a paired bootstrap against Ft-all in the tables; 0 leaves it out"
    )
    figures: Unique[Annotated[WholeNumber, Field(ge=1, le=6)]] = Field(
        (1, 2, 3, 4, 5, 6), description="numbers of the figures to draw"
    )
    figure3: Settings = Field((), description="settings that Figure 3 follows epoch by epoch")
    claims: Claims | None = Field(
        None,
        description="which setting plays which part in the paper's claims; unless given, none are checked",
    )
    plan: Planning = Field(Planning(), description="what `snakemake plan` assumes")
