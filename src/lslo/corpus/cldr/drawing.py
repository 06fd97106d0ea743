"""Rows of the corpus: phrases that are drawn at random and said in several languages."""

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from lslo.corpus.cldr.entities import CldrLocale
from lslo.corpus.cldr.inventories import Inventory, least_used_chooser, random_chooser
from lslo.corpus.cldr.phrases import PHRASE_KINDS, Chooser, PhrasePlan, draw_plan
from lslo.corpus.cldr.sentences import say

# Draws without a new phrase after which a split is given up as impossible.
PATIENCE = 20_000


@dataclass(frozen=True)
class Phrase:
    """One row of the corpus: the same phrase in several languages.

    Attributes:
        kind: The kind of the phrase, a key of `PHRASE_KINDS`.
        entities: The entities that the phrase names, `type:key`, in the order of its structure.
        sentences: The sentence of each language that has one, in the order of the corpus's languages.
    """

    kind: str
    entities: tuple[str, ...]
    sentences: Mapping[str, str]


class HeldOut:
    """The contents of `dev` and `devtest` that no other row may repeat.

    Attributes:
        sentences: The sentences, of all languages.
        combinations: The combinations of entities and numbers.
    """

    def __init__(self) -> None:
        self.sentences: set[str] = set()
        self.combinations: set[tuple[object, ...]] = set()

    def has(self, plan: PhrasePlan, sentences: Collection[str]) -> bool:
        """Returns whether a plan, or one of its sentences, is held out already."""
        return plan.combination in self.combinations or not self.sentences.isdisjoint(sentences)

    def add(self, plan: PhrasePlan, sentences: Collection[str]) -> None:
        """Holds a plan and its sentences out from now on."""
        self.combinations.add(plan.combination)
        self.sentences.update(sentences)


def draw_held_out(
    inventory: Inventory,
    locales: Mapping[str, CldrLocale],
    rows: int,
    generator: random.Random,
    held_out: HeldOut,
) -> tuple[Phrase, ...]:
    """Draws the rows of a held-out split, which are complete in all languages.

    Args:
        inventory: The entities to draw from.
        locales: The locale of each language.
        rows: The number of rows.
        generator: The source of all random choices.
        held_out: The held-out rows so far, which are not repeated. The new ones are added.

    Raises:
        ValueError: The entities are too few for `rows` different phrases.
    """
    uses: dict[str, int] = {}
    chooser = least_used_chooser(inventory, uses, generator)
    weights = {kind: of_kind.held_out_weight for kind, of_kind in PHRASE_KINDS.items()}
    plans = _draw_plans(generator, [chooser], weights, shortest_list=2)

    def try_plan(plan: PhrasePlan) -> Phrase | None:
        sentences = {language: say(plan, locale) for language, locale in locales.items()}
        if None in sentences.values() or held_out.has(plan, sentences.values()):
            return None
        held_out.add(plan, sentences.values())
        for entity in plan.entities:
            uses[entity] = uses.get(entity, 0) + 1
        return Phrase(plan.kind, plan.entities, sentences)

    return _collect(plans, try_plan, rows)


def draw_pretrain(
    known: Mapping[str, Inventory],
    pools: Sequence[Inventory],
    locales: Mapping[str, CldrLocale],
    rows: int,
    generator: random.Random,
    held_out: HeldOut,
) -> tuple[Phrase, ...]:
    """Draws the rows of `pretrain`, each with sentences in the languages that know all of its entities.

    Args:
        known: The entities that each language knows.
        pools: The inventories that rows are drawn from. Each row takes its entities from one of them, all
            with the same chance; a pool that is listed several times has as many chances.
        locales: The locale of each language.
        rows: The number of rows.
        generator: The source of all random choices.
        held_out: The held-out rows, which are not repeated.

    Raises:
        ValueError: The entities are too few for `rows` different phrases.
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
        if len(sentences) < 2 or held_out.has(plan, sentences.values()):
            return None
        seen.add(plan)
        return Phrase(plan.kind, plan.entities, sentences)

    return _collect(plans, try_plan, rows)


def _draw_plans(
    generator: random.Random, choosers: Sequence[Chooser], weights: Mapping[str, float], shortest_list: int
) -> Iterator[PhrasePlan]:
    """Yields plans, of kinds by their weights, each from one of the choosers, until none can be drawn."""
    failures = 0
    while choosers and failures < PATIENCE:
        kind = generator.choices(list(weights), list(weights.values()))[0]
        plan = draw_plan(kind, generator.choice(choosers), generator, shortest_list=shortest_list)
        failures = failures + 1 if plan is None else 0
        if plan is not None:
            yield plan


def _collect(
    plans: Iterator[PhrasePlan], try_plan: Callable[[PhrasePlan], Phrase | None], rows: int
) -> tuple[Phrase, ...]:
    """Returns the first `rows` phrases; raises ValueError if the plans end or many in a row give none."""
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
