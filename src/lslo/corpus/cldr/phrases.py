"""Phrases over CLDR entities: drawn once, then said in every language by the same structure.

A *kind* of phrase is one or two parts: a list of things, a date, or a relative time. `draw_plan` fills the
parts with entities and numbers; `say` turns the filled plan into one language's sentence, or into None
where the language lacks any piece of it. Digits are Latin everywhere, as in Babel's own dates and numbers.
"""

import calendar
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lslo.corpus.cldr.entities import CldrLocale, clean

# Chooses an entity of a type that is not among those excluded; None when there is none.
Chooser = Callable[[str, tuple[str, ...]], str | None]

# Joins the two parts of a phrase: a mark that no language has for its own.
PART_SEPARATOR = " – "
FIRST_YEAR, LAST_YEAR = 1900, 2099
LARGEST_AMOUNT = 999
LARGEST_RELATIVE = 30

# A piece of a CLDR date pattern: quoted text, a run of one ASCII letter (a field), or anything else.
_PATTERN_PIECE = re.compile(
    r"'(?P<quoted>[^']*)'|(?P<field>(?P<letter>[a-zA-Z])(?P=letter)*)|(?P<other>[^a-zA-Z']+)"
)


@dataclass(frozen=True)
class ListPart:
    """A list of things: `types` of one thing ('language', 'territory': 'French (Mali)'), and how joined."""

    types: tuple[str, ...]
    style: str = "standard"
    has_number: bool = False
    longest: int = 3


@dataclass(frozen=True)
class DatePart:
    """A full date, with or without the time of day."""

    has_time: bool = False


@dataclass(frozen=True)
class RelativePart:
    """A relative time, 'in 3 months'."""


Part = ListPart | DatePart | RelativePart


@dataclass(frozen=True)
class DrawnPart:
    """A part filled in.

    Attributes:
        part: what was filled in.
        items: entities, one tuple a thing; of a date: ((weekday, month),).
        numbers: a list: one amount a thing, or none; a date: year, month, day, hour, minute; a relative
            time: how many.
    """

    part: Part
    items: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class PhrasePlan:
    """A phrase before it is said in any language."""

    kind: str
    parts: tuple[DrawnPart, ...]

    @property
    def entities(self) -> tuple[str, ...]:
        """The entities, in the order of the plan."""
        return tuple(entity for part in self.parts for item in part.items for entity in item)

    @property
    def combination(self) -> tuple[str, tuple[str, ...], tuple[int, ...]]:
        """What is combined, without the order: 'Mali and Chad' is nothing new after 'Chad and Mali'."""
        numbers = tuple(number for part in self.parts for number in part.numbers)
        return self.kind, tuple(sorted(self.entities)), numbers


@dataclass(frozen=True)
class PhraseKind:
    """A kind of phrase and how often it is drawn, relative to the others.

    Held-out phrases have their own weights: few currencies have a name in every language, and phrases
    about these few would fill the split.
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
    """Fill in a phrase of a kind.

    Args:
        kind: a key of `PHRASE_KINDS`.
        choose: gives the entities.
        generator: gives lengths, amounts, and dates.
        shortest_list: fewest things in a phrase that is one list of names only.

    Returns:
        The plan, or None when `choose` ran out of entities or no such date exists.
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
    # 'or' needs two things; a lone name is a dictionary entry, worth having, but rarely.
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
    """A date whose month and weekday are chosen first, because they are entities."""
    weekday, month = choose("weekday", ()), choose("month", ())
    if weekday is None or month is None:
        return None
    year, month_number = generator.randint(FIRST_YEAR, LAST_YEAR), int(month.partition(":")[2])
    first_weekday, days = calendar.monthrange(year, month_number)
    first_day = 1 + (int(weekday.partition(":")[2]) - first_weekday) % 7
    day = generator.choice(range(first_day, days + 1, 7))
    time = (generator.randint(0, 23), generator.randint(0, 59)) if part.has_time else ()
    return DrawnPart(part, ((weekday, month),), (year, month_number, day, *time))


def say(plan: PhrasePlan, locale: CldrLocale) -> str | None:
    """The sentence of a plan in one language; None where the language lacks a piece of it."""
    said = [_say_part(part, locale) for part in plan.parts]
    return None if None in said else clean(PART_SEPARATOR.join(said))


def _say_part(drawn: DrawnPart, locale: CldrLocale) -> str | None:
    if isinstance(drawn.part, ListPart):
        return _say_list(drawn, locale)
    if isinstance(drawn.part, DatePart):
        return _say_date(drawn, locale)
    return _say_relative(drawn, locale)


def _say_list(drawn: DrawnPart, locale: CldrLocale) -> str | None:
    things = []
    for position, item in enumerate(drawn.items):
        if drawn.numbers:
            name = say_amount(item[0], drawn.numbers[position], locale)
        else:
            names = [locale.names.get(entity) for entity in item]
            name = None if None in names else names[0] if len(names) == 1 else f"{names[0]} ({names[1]})"
        if name is None:
            return None
        things.append(name)
    return join_list(things, drawn.part.style, locale)


def join_list(things: list[str], style: str, locale: CldrLocale) -> str | None:
    """Join as the locale does ('a, b, and c'); None where it has no such style of its own."""
    patterns = locale.list_patterns.get(style)
    if patterns is None:
        return None
    if len(things) == 1:
        return things[0]
    if len(things) == 2:
        return patterns["2"].format(*things)
    joined = patterns["start"].format(things[0], things[1])
    for thing in things[2:-1]:
        joined = patterns["middle"].format(joined, thing)
    return patterns["end"].format(joined, things[-1])


def say_amount(currency: str, number: int, locale: CldrLocale) -> str | None:
    """'17 euros'. None without a plural rule: nobody knows then which form of the name would be right."""
    name = locale.names.get(currency)
    if name is None or locale.plural_category is None or locale.amount_pattern is None:
        return None
    # In CLDR a form that equals the plain name is left out, so a missing form is the plain name.
    name = locale.currency_plurals.get((currency, locale.plural_category(number)), name)
    return locale.amount_pattern.format(number, name)


def _say_relative(drawn: DrawnPart, locale: CldrLocale) -> str | None:
    entity, number = drawn.items[0][0], drawn.numbers[0]
    patterns = locale.relative_patterns
    if locale.plural_category is None:
        # Without a rule the form called 'other' is the plural, which one is not.
        pattern = patterns.get((entity, "other")) if number > 1 else None
    else:
        pattern = patterns.get((entity, locale.plural_category(number)), patterns.get((entity, "other")))
    return None if pattern is None else pattern.format(number)


def _say_date(drawn: DrawnPart, locale: CldrLocale) -> str | None:
    date = _fill_pattern(locale.date_pattern, _date_fields(drawn.numbers, locale))
    if not drawn.part.has_time or date is None:
        return date
    time = _fill_pattern(locale.time_pattern, _time_fields(drawn.numbers, locale))
    if time is None or locale.date_time_pattern is None:
        return None
    return locale.date_time_pattern.replace("'", "").replace("{0}", time).replace("{1}", date)


def _date_fields(numbers: tuple[int, ...], locale: CldrLocale) -> dict[str, str | None]:
    year, month, day = numbers[:3]
    named = {field: locale.date_names[field].get(month) for field in ("MMMM", "MMM", "LLLL")}
    weekday = locale.date_names["EEEE"].get(calendar.weekday(year, month, day))
    numeric = {"y": str(year), "M": str(month), "MM": f"{month:02}", "d": str(day), "dd": f"{day:02}"}
    return {"EEEE": weekday, **named, **numeric}


def _time_fields(numbers: tuple[int, ...], locale: CldrLocale) -> dict[str, str | None]:
    hour, minute = numbers[3:]
    twelve = (hour - 1) % 12 + 1
    return {
        "H": str(hour),
        "HH": f"{hour:02}",
        "h": str(twelve),
        "hh": f"{twelve:02}",
        "mm": f"{minute:02}",
        "a": locale.day_periods.get("am" if hour < 12 else "pm"),
    }


def _fill_pattern(pattern: str | None, fields: Mapping[str, str | None]) -> str | None:
    """Fill in a CLDR date or time pattern; None for a field that is unknown here or has no value."""
    if pattern is None:
        return None
    pieces: list[str | None] = []
    for match in _PATTERN_PIECE.finditer(pattern):
        pieces.append(
            fields.get(match["field"]) if match["field"] else match["quoted"] or match["other"] or ""
        )
    return None if None in pieces else "".join(pieces)
