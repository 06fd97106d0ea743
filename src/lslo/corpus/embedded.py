"""The embedded corpus: an n-way parallel corpus that needs no download.

Its sentences are phrases of CLDR data, see `cldr_phrases`. Its design gives very-low-resource languages
something to learn in fine-tuning: in `pretrain` they know only a part of the entities; `dev` shows them a
small *focus* inventory; `devtest` asks for the entities of `dev` in new combinations.
"""

import csv
import hashlib
import json
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from lslo.corpus.cldr_entities import ENTITY_TYPES, CldrLocale, entity_type, load_locale
from lslo.corpus.cldr_phrases import PHRASE_KINDS, Chooser, PhrasePlan, draw_plan, say

# Entities of one type, at most: those that most languages have come first.
LARGEST_INVENTORY = {"language": 200, "currency": 150}
# Which part of the focus inventory each type gets; territories also get what the others cannot fill.
FOCUS_SHARES = {"language": 0.3, "currency": 0.08, "month": 0.1, "weekday": 0.06, "relative": 0.02}
# Draws without a new phrase after which a split is given up as impossible.
PATIENCE = 20_000

Inventory = Mapping[str, tuple[str, ...]]


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
class EmbeddedCorpus:
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


def build_embedded_corpus(
    resource_classes: Mapping[str, str],
    *,
    seed: int,
    sizes: Mapping[str, int],
    known_entities: Mapping[str, float],
    focus_entities: int = 90,
) -> EmbeddedCorpus:
    """Build the corpus; the same arguments give the same corpus on every machine.

    Args:
        resource_classes: language -> 'H', 'M', 'L' or 'V'; its order is the order of the languages.
        seed: of all random choices.
        sizes: rows of 'pretrain', 'dev', and 'devtest'.
        known_entities: resource class -> fraction (0 to 1) of the entities of each type that languages of
            the class know in `pretrain`. What a smaller fraction knows, a larger one knows too.
        focus_entities: entities that `dev` and `devtest` are about.

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
    shown = _as_inventory(entity for phrase in dev for entity in phrase.entities)
    devtest = _draw_held_out(shown, locales, sizes["devtest"], random.Random(f"{seed} devtest"), taken)
    fractions = {language: known_entities[resource_classes[language]] for language in languages}
    known = {
        fraction: known_part(inventory, common, fraction, seed)
        for fraction in sorted(set(fractions.values()))
    }
    pretrain = _draw_pretrain(
        {language: known[fraction] for language, fraction in fractions.items()},
        [part for fraction, part in known.items() if fraction > 0],
        locales,
        sizes["pretrain"],
        random.Random(f"{seed} pretrain"),
        taken,
    )
    return EmbeddedCorpus(languages, pretrain, dev, devtest)


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


def entity_inventory(languages: Sequence[str]) -> Inventory:
    """All entities that phrases of these languages may name: entity type -> entities, sorted.

    An entity is in it when at least two thirds of the languages have it. Of the many languages and
    currencies only those that most languages have are kept, then those with the shortest codes.
    """
    locales = [load_locale(language) for language in languages]
    candidates = sorted({entity for locale in locales for entity in _entities_of(locale)})
    inventory = {}
    for type_name in ENTITY_TYPES:
        counts = {
            entity: sum(locale.has(entity) for locale in locales)
            for entity in candidates
            if entity_type(entity) == type_name
        }
        usable = [entity for entity, count in counts.items() if 3 * count >= 2 * len(locales)]
        usable.sort(key=lambda entity: (-counts[entity], len(entity), entity))
        inventory[type_name] = tuple(sorted(usable[: LARGEST_INVENTORY.get(type_name)]))
    return inventory


def _entities_of(locale: CldrLocale) -> set[str]:
    return set(locale.names) | {entity for entity, _ in locale.relative_patterns}


def common_inventory(inventory: Inventory, languages: Sequence[str]) -> Inventory:
    """Those entities of an inventory that all of the languages have."""
    locales = [load_locale(language) for language in languages]
    return {
        type_name: tuple(entity for entity in entities if all(locale.has(entity) for locale in locales))
        for type_name, entities in inventory.items()
    }


def known_part(inventory: Inventory, common: Inventory, fraction: float, seed: int) -> Inventory:
    """The part that languages of a class know, `fraction` of each type; parts of one seed are nested.

    The same fraction is taken of the entities that all languages have (`common`) and of the others, but
    one at least where there is any: else a language with few currencies would by chance know none.
    """
    known = {}
    for type_name, entities in inventory.items():
        groups = common[type_name], [entity for entity in entities if entity not in common[type_name]]
        known[type_name] = tuple(
            sorted(
                entity
                for group in groups
                for entity in _shuffled(group, f"{seed} known")[: _known_count(len(group), fraction)]
            )
        )
    return known


def _known_count(entities: int, fraction: float) -> int:
    return max(1, round(fraction * entities)) if fraction > 0 else 0


def focus_inventory(common: Inventory, focus_entities: int, seed: int) -> Inventory:
    """At most `focus_entities` entities of those that all languages have, by `FOCUS_SHARES` of the types."""
    shuffled = {type_name: _shuffled(entities, f"{seed} focus") for type_name, entities in common.items()}
    focus = {
        type_name: shuffled[type_name][: round(share * focus_entities)]
        for type_name, share in FOCUS_SHARES.items()
    }
    focus["territory"] = shuffled["territory"][: focus_entities - sum(map(len, focus.values()))]
    return _as_inventory(chain.from_iterable(focus.values()))


def _shuffled(entities: Sequence[str], salt: str) -> list[str]:
    """In the order of a hash: an entity's place against another's does not depend on the rest."""
    return sorted(entities, key=lambda entity: hashlib.sha256(f"{salt} {entity}".encode()).digest())


def _as_inventory(entities: Iterable[str]) -> Inventory:
    unique = sorted(set(entities))
    return {name: tuple(entity for entity in unique if entity_type(entity) == name) for name in ENTITY_TYPES}


def _random_chooser(inventory: Inventory, generator: random.Random) -> Chooser:
    def choose(wanted_type: str, excluded: tuple[str, ...]) -> str | None:
        entities = inventory[wanted_type]
        if all(entity in excluded for entity in entities):
            return None
        while (entity := generator.choice(entities)) in excluded:
            pass
        return entity

    return choose


def _least_used_chooser(inventory: Inventory, uses: Mapping[str, int], generator: random.Random) -> Chooser:
    """Prefers what was used least, so that a small split covers the whole inventory."""

    def choose(wanted_type: str, excluded: tuple[str, ...]) -> str | None:
        free = [entity for entity in inventory[wanted_type] if entity not in excluded]
        fewest = min((uses.get(entity, 0) for entity in free), default=0)
        return generator.choice([e for e in free if uses.get(e, 0) == fewest]) if free else None

    return choose


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
    chooser = _least_used_chooser(inventory, uses, generator)
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
    """Draw rows, each from a randomly chosen pool, and say them in the languages that know all entities."""
    known_sets = {language: frozenset(chain.from_iterable(part.values())) for language, part in known.items()}
    choosers = [_random_chooser(pool, generator) for pool in pools]
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


def tokenizer_alphabet(corpus: EmbeddedCorpus) -> str:
    """All characters of `pretrain` and `dev` but the space, sorted: what the tokenizer must not lack.

    Languages that know a part of the entities lack some letters in `pretrain` (Wolof `À` of `Àlarba`); a
    tokenizer trained on it alone could never write them. `devtest` names no entity that is not in `dev`.
    """
    sentences = (s for phrase in corpus.pretrain + corpus.dev for s in phrase.sentences.values())
    return "".join(sorted(set(chain.from_iterable(sentences)) - {" "}))


def corpus_fingerprint(corpus: EmbeddedCorpus) -> str:
    """SHA-256, as hexadecimal digits, over the languages and all rows of all splits."""
    splits = {
        split: [
            [phrase.kind, phrase.entities, list(phrase.sentences.items())]
            for phrase in getattr(corpus, split)
        ]
        for split in ("pretrain", "dev", "devtest")
    }
    content = json.dumps([corpus.languages, splits], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
