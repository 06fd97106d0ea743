"""Phrases about CLDR entities: drawn once, then said in every language by the same structure.

A *kind* of phrase is one or two parts: a list of things, a date, or a relative time. `draw_plan` fills the
parts with entities and numbers; `sentences.say` turns the filled plan into the sentence of one language.
"""

import calendar
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# A function of an entity type and of excluded entities: it chooses another entity of the type, or None if
# there is none.
Chooser = Callable[[str, tuple[str, ...]], str | None]

FIRST_YEAR, LAST_YEAR = 1900, 2099
LARGEST_AMOUNT = 999
LARGEST_RELATIVE = 30


@dataclass(frozen=True)
class ListPart:
    """A list of things.

    Attributes:
        types: The entity types of one thing. ('language', 'territory') gives 'French (Mali)'.
        style: The list pattern that joins the things, 'standard' or 'or'.
        has_number: Whether each thing is an amount.
        longest: The most things.
    """

    types: tuple[str, ...]
    style: str = "standard"
    has_number: bool = False
    longest: int = 3


@dataclass(frozen=True)
class DatePart:
    """A full date.

    Attributes:
        has_time: Whether the time of day follows.
    """

    has_time: bool = False


@dataclass(frozen=True)
class RelativePart:
    """A relative time, such as 'in 3 months'."""


Part = ListPart | DatePart | RelativePart


@dataclass(frozen=True)
class DrawnPart:
    """A part of a phrase, filled in.

    Attributes:
        part: The part.
        items: The entities, one tuple for each thing; ((weekday, month),) for a date.
        numbers: The numbers of the part. A list has one amount for each thing, or none; a date the year,
            month and day, perhaps with hour and minute; a relative time the number of its units.
    """

    part: Part
    items: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class PhrasePlan:
    """A phrase before it is said in any language.

    Attributes:
        kind: The kind of the phrase, a key of `PHRASE_KINDS`.
        parts: The parts of the phrase, filled in.
    """

    kind: str
    parts: tuple[DrawnPart, ...]

    @property
    def entities(self) -> tuple[str, ...]:
        """The entities, in the order of the plan."""
        return tuple(entity for part in self.parts for item in part.items for entity in item)

    @property
    def combination(self) -> tuple[str, tuple[str, ...], tuple[int, ...]]:
        """The content without its order: 'Mali and Chad' is nothing new after 'Chad and Mali'."""
        numbers = tuple(number for part in self.parts for number in part.numbers)
        return self.kind, tuple(sorted(self.entities)), numbers


@dataclass(frozen=True)
class PhraseKind:
    """A kind of phrase, and its frequency relative to the other kinds.

    Attributes:
        parts: The parts of the phrase.
        pretrain_weight: The frequency in `pretrain`.
        held_out_weight: The frequency in `dev` and `devtest`. Few currencies have a name in every language,
            and phrases about these few would fill the split.
    """

    parts: tuple[Part, ...]
    pretrain_weight: float
    held_out_weight: float


_TERRITORIES = ListPart(("territory",), longest=2)
_LANGUAGES = ListPart(("language",), longest=2)
_AMOUNT = ListPart(("currency",), has_number=True, longest=1)

PHRASE_KINDS: Mapping[str, PhraseKind] = {
    "territories": PhraseKind((ListPart(("territory",)),), 4, 4),
    "territories_or": PhraseKind((ListPart(("territory",), style="or"),), 1, 1),
    "languages": PhraseKind((ListPart(("language",)),), 4, 4),
    "languages_or": PhraseKind((ListPart(("language",), style="or"),), 1, 1),
    "currencies": PhraseKind((ListPart(("currency",)),), 2, 0.5),
    "languages_in_territories": PhraseKind((ListPart(("language", "territory"), longest=2),), 3, 3),
    "currencies_in_territories": PhraseKind((ListPart(("currency", "territory"), longest=2),), 2, 1),
    "amounts": PhraseKind((ListPart(("currency",), has_number=True),), 1.5, 0.5),
    "territories_and_amount": PhraseKind((_TERRITORIES, _AMOUNT), 1, 0.5),
    "weekdays": PhraseKind((ListPart(("weekday",)),), 0.7, 0.3),
    # Not held out: 'Mars' of a Wolof list is 'Mar' in a date, so a date in dev would not teach the list.
    "months": PhraseKind((ListPart(("month",)),), 0.8, 0),
    "date": PhraseKind((DatePart(),), 1.5, 1.5),
    "date_and_time": PhraseKind((DatePart(has_time=True),), 1.5, 1.5),
    "territories_and_date": PhraseKind((_TERRITORIES, DatePart()), 2, 2),
    "territories_and_relative": PhraseKind((_TERRITORIES, RelativePart()), 1, 1),
    "languages_and_relative": PhraseKind((_LANGUAGES, RelativePart()), 1, 1),
}


def draw_plan(
    kind: str, choose: Chooser, generator: random.Random, *, shortest_list: int = 1
) -> PhrasePlan | None:
    """Fills in a phrase of a kind.

    Args:
        kind: A key of `PHRASE_KINDS`.
        choose: The function that chooses the entities.
        generator: The source of lengths, amounts and dates.
        shortest_list: The fewest things in a phrase that is one list of names only.

    Returns:
        The plan, or None if `choose` has no entity left.
    """
    parts = PHRASE_KINDS[kind].parts
    drawn = []
    for part in parts:
        if isinstance(part, ListPart):
            shortest = (
                shortest_list if len(parts) == 1 and len(part.types) == 1 and not part.has_number else 1
            )
            filled = _draw_list(part, choose, generator, min(shortest, part.longest))
        elif isinstance(part, DatePart):
            filled = _draw_date(part, choose, generator)
        else:
            entity = choose("relative", ())
            count = generator.randint(1, LARGEST_RELATIVE)
            filled = entity and DrawnPart(part, ((entity,),), (count,))
        if not filled:
            return None
        drawn.append(filled)
    return PhrasePlan(kind, tuple(drawn))


def _draw_list(part: ListPart, choose: Chooser, generator: random.Random, shortest: int) -> DrawnPart | None:
    # 'or' needs two things. A lone name is an entry of a dictionary: worth having, but rarely.
    lengths = range(max(shortest, 2 if part.style == "or" else 1), part.longest + 1)
    length = generator.choices(lengths, [1 if length == 1 else 4 for length in lengths])[0]
    items: list[tuple[str, ...]] = []
    for _ in range(length):
        used = tuple(entity for item in items for entity in item)
        item = tuple(choose(entity_type, used) for entity_type in part.types)
        if None in item:
            return None
        items.append(item)
    numbers = tuple(generator.randint(1, LARGEST_AMOUNT) for _ in items) if part.has_number else ()
    return DrawnPart(part, tuple(items), numbers)


def _draw_date(part: DatePart, choose: Chooser, generator: random.Random) -> DrawnPart | None:
    """Draws a date. Month and weekday are chosen first, because they are entities."""
    weekday, month = choose("weekday", ()), choose("month", ())
    if weekday is None or month is None:
        return None
    year, month_number = generator.randint(FIRST_YEAR, LAST_YEAR), int(month.partition(":")[2])
    first_weekday, days = calendar.monthrange(year, month_number)
    first_day = 1 + (int(weekday.partition(":")[2]) - first_weekday) % 7
    day = generator.choice(range(first_day, days + 1, 7))
    time = (generator.randint(0, 23), generator.randint(0, 59)) if part.has_time else ()
    return DrawnPart(part, ((weekday, month),), (year, month_number, day, *time))
