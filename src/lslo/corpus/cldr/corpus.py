"""The embedded corpus: an n-way parallel corpus that needs no download.

Its sentences are phrases of CLDR data, see `cldr_phrases`. Its design gives very-low-resource languages
something to learn in fine-tuning: in `pretrain` they know only a part of the entities; `dev` shows them a
small *focus* inventory; `devtest` asks for the entities of `dev` in new combinations. About half of
`pretrain` is about the focus too, so that high-resource languages have little to learn from `dev`.
"""

import csv
import json
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from lslo.corpus.cldr.entities import CldrLocale, load_locale
from lslo.corpus.cldr.inventories import (
    Inventory,
    as_inventory,
    common_inventory,
    entity_inventory,
    focus_inventory,
    known_part,
    least_used_chooser,
    random_chooser,
)
from lslo.corpus.cldr.phrases import PHRASE_KINDS, Chooser, PhrasePlan, draw_plan, say
from lslo.files.checksums import text_sha256

# Draws without a new phrase after which a split is given up as impossible.
PATIENCE = 20_000


@dataclass(frozen=True)
class Phrase:
    """One row: the same phrase in several languages.

    Attributes:
        kind: a key of `cldr_phrases.PHRASE_KINDS`.
        entities: the entities it names, `type:key`, in the order of its structure.
        sentences: language -> sentence, only languages that have it, in the order of the corpus.
    """

    kind: str
    entities: tuple[str, ...]
    sentences: Mapping[str, str]


@dataclass(frozen=True)
class CldrCorpus:
    """The three splits; the rows of `dev` and `devtest` are complete in all `languages`."""

    languages: tuple[str, ...]
    pretrain: tuple[Phrase, ...]
    dev: tuple[Phrase, ...]
    devtest: tuple[Phrase, ...]


class _Taken:
    """What the held-out splits contain and no other row may: sentences (of any language), combinations."""

    def __init__(self) -> None:
        self.sentences: set[str] = set()
        self.combinations: set[tuple[object, ...]] = set()

    def has(self, plan: PhrasePlan, sentences: Collection[str]) -> bool:
        return plan.combination in self.combinations or not self.sentences.isdisjoint(sentences)

    def add(self, plan: PhrasePlan, sentences: Collection[str]) -> None:
        self.combinations.add(plan.combination)
        self.sentences.update(sentences)


def build_cldr_corpus(
    resource_classes: Mapping[str, str],
    *,
    seed: int,
    sizes: Mapping[str, int],
    known_entities: Mapping[str, float],
    focus_entities: int = 90,
) -> CldrCorpus:
    """Build the corpus; the same arguments give the same corpus on every machine.

    Args:
        resource_classes: language -> 'H', 'M', 'L' or 'V'; its order is the order of the languages.
        seed: of all random choices.
        sizes: rows of 'pretrain', 'dev', and 'devtest'.
        known_entities: resource class -> fraction (0 to 1) of the entities of each type that languages of
            the class know in `pretrain`. What a smaller fraction knows, a larger one knows too.
        focus_entities: entities that `dev` and `devtest` are about, and about half of `pretrain`.

    Raises:
        ValueError: for a language without CLDR data, a class without a fraction, a missing or negative
            size, or sizes that so few entities cannot give.
    """
    _check_arguments(resource_classes, sizes, known_entities, focus_entities)
    languages = tuple(resource_classes)
    locales = {language: load_locale(language) for language in languages}
    inventory = entity_inventory(languages)
    common = common_inventory(inventory, languages)
    focus = focus_inventory(common, focus_entities, seed)

    taken = _Taken()
    dev = _draw_held_out(focus, locales, sizes["dev"], random.Random(f"{seed} dev"), taken)
    shown = as_inventory(entity for phrase in dev for entity in phrase.entities)
    devtest = _draw_held_out(shown, locales, sizes["devtest"], random.Random(f"{seed} devtest"), taken)
    fractions = {language: known_entities[resource_classes[language]] for language in languages}
    known = {
        fraction: known_part(inventory, common, fraction, seed)
        for fraction in sorted(set(fractions.values()))
    }
    parts = [part for fraction, part in known.items() if fraction > 0]
    # Half of the draws are from the focus. Were it no more frequent than the rest, fine-tuning on `dev` would
    # lift even high-resource directions: it would teach what the test is about, not languages.
    pools = [*parts, *[focus] * len(parts)]
    pretrain = _draw_pretrain(
        {language: known[fraction] for language, fraction in fractions.items()},
        pools,
        locales,
        sizes["pretrain"],
        random.Random(f"{seed} pretrain"),
        taken,
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


def _draw_plans(
    generator: random.Random, choosers: Sequence[Chooser], weights: Mapping[str, float], shortest_list: int
) -> Iterator[PhrasePlan]:
    """Endless plans, of kinds by their weights, each by one of the choosers; stops when none can be drawn."""
    failures = 0
    while choosers and failures < PATIENCE:
        kind = generator.choices(list(weights), list(weights.values()))[0]
        plan = draw_plan(kind, generator.choice(choosers), generator, shortest_list=shortest_list)
        failures = failures + 1 if plan is None else 0
        if plan is not None:
            yield plan


def _draw_held_out(
    inventory: Inventory,
    locales: Mapping[str, CldrLocale],
    rows: int,
    generator: random.Random,
    taken: _Taken,
) -> tuple[Phrase, ...]:
    """Draw rows that are complete in all languages and have nothing of `taken`, and add theirs to it."""
    uses: dict[str, int] = {}
    chooser = least_used_chooser(inventory, uses, generator)
    weights = {kind: of_kind.held_out_weight for kind, of_kind in PHRASE_KINDS.items()}
    plans = _draw_plans(generator, [chooser], weights, shortest_list=2)

    def try_plan(plan: PhrasePlan) -> Phrase | None:
        sentences = {language: say(plan, locale) for language, locale in locales.items()}
        if None in sentences.values() or taken.has(plan, sentences.values()):
            return None
        taken.add(plan, sentences.values())
        for entity in plan.entities:
            uses[entity] = uses.get(entity, 0) + 1
        return Phrase(plan.kind, plan.entities, sentences)

    return _collect(plans, try_plan, rows)


def _draw_pretrain(
    known: Mapping[str, Inventory],
    pools: Sequence[Inventory],
    locales: Mapping[str, CldrLocale],
    rows: int,
    generator: random.Random,
    taken: _Taken,
) -> tuple[Phrase, ...]:
    """Draw rows and say them in the languages that know all of their entities.

    A row takes its entities from one of the `pools`, each with the same chance; one that is listed several
    times has as many chances.
    """
    known_sets = {language: frozenset(chain.from_iterable(part.values())) for language, part in known.items()}
    choosers = [random_chooser(pool, generator) for pool in pools]
    weights = {kind: of_kind.pretrain_weight for kind, of_kind in PHRASE_KINDS.items()}
    plans = _draw_plans(generator, choosers, weights, shortest_list=1)
    seen: set[PhrasePlan] = set()

    def try_plan(plan: PhrasePlan) -> Phrase | None:
        if plan in seen:
            return None
        sentences = {}
        for language, locale in locales.items():
            sentence = say(plan, locale) if known_sets[language].issuperset(plan.entities) else None
            if sentence is not None:
                sentences[language] = sentence
        if len(sentences) < 2 or taken.has(plan, sentences.values()):
            return None
        seen.add(plan)
        return Phrase(plan.kind, plan.entities, sentences)

    return _collect(plans, try_plan, rows)


def _collect(
    plans: Iterator[PhrasePlan], try_plan: Callable[[PhrasePlan], Phrase | None], rows: int
) -> tuple[Phrase, ...]:
    """The first `rows` phrases; a ValueError when many plans in a row, or all that exist, give none."""
    phrases: list[Phrase] = []
    misses = 0
    while len(phrases) < rows:
        plan = next(plans, None)
        if plan is None or misses > PATIENCE:
            raise ValueError(
                f"only {len(phrases)} different phrases of {rows} can be drawn from so few entities; "
                "ask for fewer rows or more focus_entities"
            )
        phrase = try_plan(plan)
        misses = misses + 1 if phrase is None else 0
        if phrase is not None:
            phrases.append(phrase)
    return tuple(phrases)


def write_split(phrases: Sequence[Phrase], languages: Sequence[str], folder: str | Path) -> None:
    """Write `{folder}/{language}.txt`, one sentence a line; line i of every file is row i.

    Raises:
        ValueError: for a row that lacks a language.
    """
    for row, phrase in enumerate(phrases):
        missing = [language for language in languages if language not in phrase.sentences]
        if missing:
            raise ValueError(f"row {row} ({phrase.kind}) has no sentence in {', '.join(missing)}")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for language in languages:
        text = "".join(f"{phrase.sentences[language]}\n" for phrase in phrases)
        (Path(folder) / f"{language}.txt").write_text(text, encoding="utf-8", newline="\n")


def write_pretraining_table(phrases: Sequence[Phrase], languages: Sequence[str], path: str | Path) -> None:
    """Write a TSV with a header: the kind, then a column a language; an empty cell where it is left out."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(["kind", *languages])
        table.writerows([p.kind, *(p.sentences.get(language, "") for language in languages)] for p in phrases)


def read_pretraining_table(path: str | Path) -> list[dict[str, str]]:
    """Read what `write_pretraining_table` wrote: language -> sentence of each row, without empty cells."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [{key: cell for key, cell in row.items() if key != "kind" and cell} for row in rows]


def tokenizer_alphabet(corpus: CldrCorpus) -> str:
    """All characters of `pretrain` and `dev` but the space, sorted: what the tokenizer must not lack.

    Languages that know a part of the entities lack some letters in `pretrain` (Wolof `À` of `Àlarba`); a
    tokenizer trained on it alone could never write them. `devtest` names no entity that is not in `dev`.
    """
    sentences = (s for phrase in corpus.pretrain + corpus.dev for s in phrase.sentences.values())
    return "".join(sorted(set(chain.from_iterable(sentences)) - {" "}))


def corpus_fingerprint(corpus: CldrCorpus) -> str:
    """SHA-256, as hexadecimal digits, over the languages and all rows of all splits."""
    splits = {
        split: [
            [phrase.kind, phrase.entities, list(phrase.sentences.items())]
            for phrase in getattr(corpus, split)
        ]
        for split in ("pretrain", "dev", "devtest")
    }
    return text_sha256(json.dumps([corpus.languages, splits], ensure_ascii=False, sort_keys=True))
