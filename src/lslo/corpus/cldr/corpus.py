"""The CLDR corpus: an n-way parallel corpus that needs no download.

Its sentences are phrases of CLDR data, see `phrases`. Its design gives very-low-resource languages something
to learn in fine-tuning: in `pretrain` they know only a part of the entities; `dev` shows them a small *focus*
inventory; `devtest` asks for the entities of `dev` in new combinations. About half of `pretrain` is about the
focus too, so that high-resource languages have little to learn from `dev`.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from lslo.corpus.cldr.drawing import HeldOut, Phrase, draw_held_out, draw_pretrain
from lslo.corpus.cldr.entities import load_locale
from lslo.corpus.cldr.inventories import (
    as_inventory,
    common_inventory,
    entity_inventory,
    focus_inventory,
    known_part,
)
from lslo.corpus.plain_text import SPLITS, write_sentences
from lslo.files.checksums import text_sha256


@dataclass(frozen=True)
class CldrCorpus:
    """The three splits of the corpus.

    Attributes:
        languages: The languages' codes.
        pretrain: The rows to pretrain on; each has sentences in some of the languages.
        dev: The rows to fine-tune on, complete in all languages.
        devtest: The rows to test on, complete in all languages.
    """

    languages: tuple[str, ...]
    pretrain: tuple[Phrase, ...]
    dev: tuple[Phrase, ...]
    devtest: tuple[Phrase, ...]


def build_cldr_corpus(
    resource_classes: Mapping[str, str],
    *,
    seed: int,
    sizes: Mapping[str, int],
    known_entities: Mapping[str, float],
    focus_entities: int = 90,
) -> CldrCorpus:
    """Builds the corpus; the same arguments give the same corpus on every machine.

    Args:
        resource_classes: The class of each language, 'H', 'M', 'L' or 'V', in the order of the languages.
        seed: The seed of all random choices.
        sizes: The rows of 'pretrain', 'dev' and 'devtest'.
        known_entities: The fraction (0 to 1) of the entities of each type that the languages of a resource
            class know in `pretrain`, by class. A larger fraction includes all entities of a smaller one.
        focus_entities: The number of entities that `dev` and `devtest` are about, and half of `pretrain`.

    Raises:
        ValueError: A language has no CLDR data, a class has no fraction, a size is missing or negative, or
            there are too few entities for the sizes.
    """
    _check_arguments(resource_classes, sizes, known_entities, focus_entities)
    languages = tuple(resource_classes)
    locales = {language: load_locale(language) for language in languages}
    inventory = entity_inventory(languages)
    common = common_inventory(inventory, languages)
    focus = focus_inventory(common, focus_entities, seed)

    held_out = HeldOut()
    dev = draw_held_out(focus, locales, sizes["dev"], random.Random(f"{seed} dev"), held_out)
    shown = as_inventory(entity for phrase in dev for entity in phrase.entities)
    devtest = draw_held_out(shown, locales, sizes["devtest"], random.Random(f"{seed} devtest"), held_out)
    fractions = {language: known_entities[resource_classes[language]] for language in languages}
    known = {
        fraction: known_part(inventory, common, fraction, seed)
        for fraction in sorted(set(fractions.values()))
    }
    parts = [part for fraction, part in known.items() if fraction > 0]
    pretrain = draw_pretrain(
        {language: known[fraction] for language, fraction in fractions.items()},
        # Half of the draws are from the focus. Were it no more frequent than the rest, fine-tuning on `dev`
        # would lift even high-resource directions: it would teach what the test is about, not languages.
        [*parts, *[focus] * len(parts)],
        locales,
        sizes["pretrain"],
        random.Random(f"{seed} pretrain"),
        held_out,
    )
    return CldrCorpus(languages, pretrain, dev, devtest)


def _check_arguments(
    resource_classes: Mapping[str, str],
    sizes: Mapping[str, int],
    known_entities: Mapping[str, float],
    focus_entities: int,
) -> None:
    if len(resource_classes) < 2:
        raise ValueError("a parallel corpus needs two languages or more")
    for language, resource_class in resource_classes.items():
        load_locale(language)
        if not 0 <= known_entities.get(resource_class, -1) <= 1:
            raise ValueError(
                f"known_entities needs a fraction from 0 to 1 for class {resource_class!r} of {language!r}, "
                f"not {known_entities.get(resource_class)!r}"
            )
    for split in ("pretrain", "dev", "devtest"):
        if not sizes.get(split, -1) >= 0:
            raise ValueError(f"sizes needs a number of rows for {split!r}, not {sizes.get(split)!r}")
    if focus_entities < 1:
        raise ValueError(f"focus_entities must be positive, not {focus_entities}")


def write_held_out(corpus: CldrCorpus, folder: Path) -> None:
    """Writes `dev` and `devtest` as plain text, `{folder}/{split}/{language}.txt`."""
    for split in SPLITS:
        write_split(getattr(corpus, split), corpus.languages, folder / split)


def write_split(phrases: Sequence[Phrase], languages: Sequence[str], folder: str | Path) -> None:
    """Writes `{folder}/{language}.txt`, one sentence per line; line i of every file is row i.

    Raises:
        ValueError: A row has no sentence in one of the languages.
    """
    for row, phrase in enumerate(phrases):
        missing = [language for language in languages if language not in phrase.sentences]
        if missing:
            raise ValueError(f"row {row} ({phrase.kind}) has no sentence in {', '.join(missing)}")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for language in languages:
        write_sentences(Path(folder) / f"{language}.txt", [phrase.sentences[language] for phrase in phrases])


def tokenizer_alphabet(corpus: CldrCorpus) -> str:
    """Returns all characters of `pretrain` and `dev` but the space, sorted: a tokenizer must have them.

    Languages that know a part of the entities lack some letters in `pretrain` (Wolof `À` of `Àlarba`). A
    tokenizer trained on `pretrain` alone could never write them. `devtest` names no entity that is not in
    `dev`.
    """
    sentences = (s for phrase in corpus.pretrain + corpus.dev for s in phrase.sentences.values())
    return "".join(sorted(set(chain.from_iterable(sentences)) - {" "}))


def corpus_fingerprint(corpus: CldrCorpus) -> str:
    """Returns the hexadecimal SHA-256 over the languages and all rows of all splits."""
    splits = {
        split: [
            [phrase.kind, phrase.entities, list(phrase.sentences.items())]
            for phrase in getattr(corpus, split)
        ]
        for split in ("pretrain", "dev", "devtest")
    }
    return text_sha256(json.dumps([corpus.languages, splits], ensure_ascii=False, sort_keys=True))
