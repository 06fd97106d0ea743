"""Inventories of entities: all of them, those that a language knows, those that `dev` shows."""

import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from lslo.corpus.cldr.entities import ENTITY_TYPES, CldrLocale, entity_type, load_locale
from lslo.corpus.cldr.phrases import Chooser
from lslo.files.checksums import text_sha256

# The most entities of a type. Those that most languages have come first.
LARGEST_INVENTORY = {"language": 200, "currency": 150}
# The share of each type in the focus inventory. Territories get the rest.
FOCUS_SHARES = {"language": 0.3, "currency": 0.08, "month": 0.1, "weekday": 0.06, "relative": 0.02}

# The entities of each type.
Inventory = Mapping[str, tuple[str, ...]]


def entity_inventory(languages: Sequence[str]) -> Inventory:
    """Returns all entities that phrases of these languages may name, sorted.

    At least two thirds of the languages have each entity. Languages and currencies are many: the inventory
    has those with a name in most languages, and among equals those with the shortest codes.
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
    """Returns the part of an inventory that all of the languages have."""
    locales = [load_locale(language) for language in languages]
    return {
        type_name: tuple(entity for entity in entities if all(locale.has(entity) for locale in locales))
        for type_name, entities in inventory.items()
    }


def known_part(inventory: Inventory, common: Inventory, fraction: float, seed: int) -> Inventory:
    """Returns the part of an inventory that languages of a class know. Parts of one seed are nested.

    The fraction is taken of the entities that all languages have and of the others alike. At least one entity
    is taken where there is any: otherwise a language with few currencies might know none by chance.

    Args:
        inventory: All entities.
        common: The entities that all languages have.
        fraction: The fraction (0 to 1) of each type that is known.
        seed: The seed of the choice.
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
    """Returns the entities that `dev` and `devtest` are about, of each type by `FOCUS_SHARES`.

    Args:
        common: The entities that all languages have.
        focus_entities: The most entities that the inventory may have.
        seed: The seed of the choice.
    """
    shuffled = {type_name: _shuffled(entities, f"{seed} focus") for type_name, entities in common.items()}
    focus = {
        type_name: shuffled[type_name][: round(share * focus_entities)]
        for type_name, share in FOCUS_SHARES.items()
    }
    focus["territory"] = shuffled["territory"][: focus_entities - sum(map(len, focus.values()))]
    return as_inventory(chain.from_iterable(focus.values()))


def _shuffled(entities: Sequence[str], salt: str) -> list[str]:
    """Returns the entities in the order of a hash: which of two comes first does not depend on the others."""
    return sorted(entities, key=lambda entity: text_sha256(f"{salt} {entity}"))


def as_inventory(entities: Iterable[str]) -> Inventory:
    """Returns the entities by type, each once, sorted."""
    unique = sorted(set(entities))
    return {name: tuple(entity for entity in unique if entity_type(entity) == name) for name in ENTITY_TYPES}


def random_chooser(inventory: Inventory, generator: random.Random) -> Chooser:
    """Returns a chooser that takes any entity of a type, each with the same chance."""

    def choose(wanted_type: str, excluded: tuple[str, ...]) -> str | None:
        entities = inventory[wanted_type]
        if all(entity in excluded for entity in entities):
            return None
        while (entity := generator.choice(entities)) in excluded:
            pass
        return entity

    return choose


def least_used_chooser(inventory: Inventory, uses: Mapping[str, int], generator: random.Random) -> Chooser:
    """Returns a chooser that prefers entities used least, so that a small split covers the inventory.

    Args:
        inventory: The entities.
        uses: The number of uses of each entity so far, which the caller counts.
        generator: The source of the choices between entities used equally.
    """

    def choose(wanted_type: str, excluded: tuple[str, ...]) -> str | None:
        free = [entity for entity in inventory[wanted_type] if entity not in excluded]
        fewest = min((uses.get(entity, 0) for entity in free), default=0)
        return generator.choice([e for e in free if uses.get(e, 0) == fewest]) if free else None

    return choose
