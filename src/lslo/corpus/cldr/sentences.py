"""Sentences: a drawn phrase, said in one language by the patterns of its locale.

Digits are Latin everywhere, as in Babel's own dates and numbers.
"""

import calendar
import re
from collections.abc import Mapping

from lslo.corpus.cldr.entities import CldrLocale, clean
from lslo.corpus.cldr.phrases import DatePart, DrawnPart, ListPart, PhrasePlan

# The mark between the two parts of a phrase, which belongs to no language.
PART_SEPARATOR = " – "

# A piece of a CLDR date pattern: quoted text, a run of one ASCII letter (a field), or anything else.
_PATTERN_PIECE = re.compile(
    r"'(?P<quoted>[^']*)'|(?P<field>(?P<letter>[a-zA-Z])(?P=letter)*)|(?P<other>[^a-zA-Z']+)"
)


def say(plan: PhrasePlan, locale: CldrLocale) -> str | None:
    """Returns the sentence of a plan in one language; None if the language lacks a piece of it."""
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
    """Returns a list as the locale joins it, such as 'a, b, and c'.

    Args:
        things: The words for each thing.
        style: 'standard' or 'or'.
        locale: The locale.

    Returns:
        The list, or None if the locale has no such style of its own.
    """
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
    """Returns an amount in words, such as '17 euros'.

    Args:
        currency: The currency, an entity.
        number: The number before it.
        locale: The locale.

    Returns:
        The amount, or None if the locale lacks the currency's name, the pattern of an amount, or a plural
        rule. Without the rule nobody knows which form of the name is right.
    """
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
        # Without a rule, 'other' is the plural form, which is wrong for 1.
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
    """Fills in a CLDR date or time pattern; returns None if a field is unknown here or has no value."""
    if pattern is None:
        return None
    pieces: list[str | None] = []
    for match in _PATTERN_PIECE.finditer(pattern):
        pieces.append(
            fields.get(match["field"]) if match["field"] else match["quoted"] or match["other"] or ""
        )
    return None if None in pieces else "".join(pieces)
