"""The sections of a configuration that say what text and what model there are to begin with."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from lslo.experiment.config_types import (
    Count,
    Fraction,
    NotEmpty,
    OpenFraction,
    PathText,
    Positive,
    Seed,
    WholeNumber,
    check_codes,
    matching,
)
from lslo.experiment.hyperparameters import Recipe

HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
ResourceClass = Literal["H", "M", "L", "V"]
FractionOfClass = dict[ResourceClass, Fraction]


Codes = Annotated[Any, PlainValidator(check_codes)]


class Section(BaseModel):
    """A section of the configuration: its keys and no others, which cannot be changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CldrRows(Section):
    """The number of rows of each split of the CLDR corpus."""

    pretrain: Count = Field(description="rows that the demo's base model is pretrained on")
    dev: Count = Field(description="rows that settings are fine-tuned on")
    devtest: Count = Field(description="rows that settings are tested on")


class CldrPhrases(Section):
    """A corpus of phrases of the Unicode CLDR."""

    seed: Seed = Field(description="seed of all random choices")
    rows: CldrRows = Field(description="rows of each split")
    known_entities: FractionOfClass = Field(
        description="the share of the entities that languages of a resource class know in `pretrain`, by "
        "class"
    )
    focus_entities: Count = Field(description="the number of entities that `dev` and `devtest` are about")


class Corpus(Section):
    """The parallel text: phrases of the CLDR, or a folder of line-aligned files."""

    embedded: CldrPhrases | None = Field(
        None,
        description="phrases of the Unicode CLDR, which need no download "
        "([docs/embedded_corpus.md](../docs/embedded_corpus.md))",
    )
    folder: PathText | None = Field(
        None,
        description="instead of `embedded`: a folder of text, one sentence per line; line i is the "
        "same sentence in every language. `dev` trains, `devtest` tests. With `source`, a folder in that "
        "archive",
    )
    source: NotEmpty | None = Field(
        None, description="the archive of `sources.tsv` that `folder` is in; it is downloaded"
    )
    pattern: Annotated[
        str,
        matching(
            r"[^/\x00-\x1f\x7f\ud800-\udfff][^\x00-\x1f\x7f\ud800-\udfff]*",
            "a path below the folder whose only braces are {split} and {code}",
        ),
    ] = Field("{split}/{code}.txt", description="where the text of a language lies in that folder")
    codes: Codes = Field(
        "code",
        description="the codes of the languages in that folder: a column of the table of languages, or a "
        "mapping",
    )


class BaseModelSource(Section):
    """The base model: a folder, a fairseq archive to download, or a model of the Hugging Face hub."""

    folder: PathText | None = Field(
        None,
        description="the folder of an M2M100 or NLLB model in Hugging Face's form. `base_model: path` is "
        "short for `base_model: {folder: path}`",
    )
    source: NotEmpty | None = Field(
        None, description="instead of `folder`: a fairseq archive of `sources.tsv`"
    )
    hub: (
        Annotated[str, matching(HUB_ID.pattern, "the id of a model, such as facebook/m2m100_418M")] | None
    ) = Field(None, description="instead of `folder`: the id of a model on the Hugging Face hub")
    codes: Codes | None = Field(
        None,
        description="the model's codes of the languages: a column of the table of languages, or a mapping; "
        "unless given, `m2m` for a `source`, else `code`",
    )


class UpdateRecipe(Section):
    """The keys that pretraining and training share."""

    epochs: Count = Field(description="epochs of training")
    tokens_per_update: Count = Field(
        description="tokens of an update: the gradients of `tokens_per_update` / `tokens_per_batch` batches "
        "are summed"
    )
    tokens_per_batch: Count = Field(
        description="tokens of a batch; n pairs whose longest side has m tokens count n·m"
    )


class Pretraining(UpdateRecipe):
    """The recipe of the demo's base model (`snakemake base_model`); nothing else uses it."""

    warmup_updates: Count = Field(description="updates over which the learning rate rises to its peak")
    label_smoothing: OpenFraction = Field(description="fairseq's epsilon of the label-smoothed cross-entropy")
    dropout: OpenFraction = Field(description="dropout of hidden states and attention")
    pieces: Annotated[WholeNumber, Field(ge=100, le=1_000_000)] = Field(
        description="pieces of the SentencePiece model"
    )
    layers: Count = Field(description="layers of the encoder, and of the decoder")
    dimension: Annotated[WholeNumber, Field(ge=8, le=65_536, multiple_of=8)] = Field(
        description="d_model, a multiple of `heads`"
    )
    feed_forward: Annotated[WholeNumber, Field(ge=8, le=65_536)] = Field(description="width of fc1")
    heads: Count = Field(description="attention heads")
    language_weights: FractionOfClass = Field(
        description="how often a language is drawn, by resource class; a direction is drawn in proportion "
        "to the product of its two languages' weights"
    )
    pairs_per_epoch: Count = Field(description="sentence pairs of an epoch")
    learning_rate: Positive = Field(description="the peak of the inverse square root schedule")
    seed: Seed = Field(description="seed of weights, draws and batches")

    @property
    def recipe(self) -> Recipe:
        """The recipe of the updates."""
        return Recipe(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            tokens_per_batch=self.tokens_per_batch,
            tokens_per_update=self.tokens_per_update,
            warmup_updates=self.warmup_updates,
            label_smoothing=self.label_smoothing,
            dropout=self.dropout,
            seed=self.seed,
        )
