"""Names and patterns that a language has of its own in the CLDR data of Babel.

CLDR fills gaps in a locale from its parents, in the end from `root`, and Babel's `Locale` does not say which
values are fillers. A parallel corpus must not contain them (an English or a code-like string in a Wolof
sentence), so this module reads each locale's own file and refuses the rest.

An *entity* is a thing that has a name in every language. It is written `type:key`: `territory:FR`,
`language:fr`, `currency:EUR`, `month:3` (1 is January), `weekday:0` (0 is Monday), `relative:month:past`.
"""

import functools
import pickle
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel import localedata

from lslo.corpus.cldr.names import WRONG_NAMES, is_copied_from_english, is_in_script, is_usable_name, words

ENTITY_TYPES = ("territory", "language", "currency", "month", "weekday", "relative")

# The name of the locale's file in Babel for each language, by M2M-100's code.
CLDR_LOCALES: Mapping[str, str] = {
    **{code: code for code in ("en", "fr", "de", "it", "zh", "nl", "ja", "ko", "oc", "or", "sd", "wo")},
    **{code: code for code in ("pt", "ru", "es", "ar", "he", "hi", "mt", "no", "af", "am", "hy", "ha")},
    **{code: code for code in ("sn", "yo", "zu", "ff", "kam")},
}

# The codes that mean no particular thing: groupings, private use, pseudo-locales, 'unknown'.
NOT_TERRITORIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
NOT_LANGUAGES = frozenset({"mis", "mul", "root", "und", "zxx"})
NOT_CURRENCIES = frozenset({"XTS", "XXX"})

# No-break spaces, and the zero-width joiner and non-joiner, which Odia names use inconsistently.
_PLAIN_CHARACTERS = str.maketrans({"\u202f": " ", "\u00a0": " ", "\u200c": None, "\u200d": None})

RELATIVE_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
RELATIVE_DIRECTIONS = ("past", "future")


@dataclass(frozen=True)
class CldrLocale:
    """The names and patterns that one language has of its own; None or missing where it has none.

    Attributes:
        language: The language's code.
        names: The name of each territory, language and currency, and of each month and weekday as it stands
            alone, by entity.
        currency_plurals: The name of a currency in an amount, by (entity, plural category). A name that is
            missing is the one in `names`.
        relative_patterns: The pattern of a relative time with its number `{0}`, by (entity, plural category).
        list_patterns: The patterns '2', 'start', 'middle' and 'end' of each style, 'standard' and 'or'.
        amount_pattern: The pattern of number `{0}` and currency `{1}`.
        date_pattern: The CLDR pattern of a full date.
        time_pattern: The CLDR pattern of a short time.
        date_time_pattern: The pattern that joins date `{1}` and time `{0}`.
        date_names: The names of each pattern field ('EEEE', 'MMMM', 'MMM', 'LLLL'), by number.
        day_periods: The words for 'am' and 'pm'.
        plural_category: The plural category of a number; None where CLDR has no plural rule.
    """

    language: str
    names: Mapping[str, str]
    currency_plurals: Mapping[tuple[str, str], str]
    relative_patterns: Mapping[tuple[str, str], str]
    list_patterns: Mapping[str, Mapping[str, str]]
    amount_pattern: str | None
    date_pattern: str | None
    time_pattern: str | None
    date_time_pattern: str | None
    date_names: Mapping[str, Mapping[int, str]]
    day_periods: Mapping[str, str]
    plural_category: Callable[[int], str] | None

    def has(self, entity: str) -> bool:
        """Returns whether the language has a name, or for a relative time a pattern, of its own."""
        return entity in self.names or (entity, "other") in self.relative_patterns


def supported_languages() -> tuple[str, ...]:
    """Returns the codes of the languages that `load_locale` knows."""
    return tuple(CLDR_LOCALES)


def entity_type(entity: str) -> str:
    """Returns the type of an entity: 'territory' for 'territory:FR'."""
    return entity.partition(":")[0]


@functools.cache
def load_locale(language: str) -> CldrLocale:
    """Reads the names and patterns that a language has of its own.

    Raises:
        ValueError: The language has no locale here. The message names the supported languages.
    """
    if language not in CLDR_LOCALES:
        supported = ", ".join(supported_languages())
        raise ValueError(f"the CLDR corpus has no data for language {language!r}; it has: {supported}")
    own, root = _read_own_data(CLDR_LOCALES[language]), _read_own_data("root")
    names = _place_names(language, own) | _calendar_names(own)
    wrong = WRONG_NAMES.get(language, frozenset())
    return CldrLocale(
        language=language,
        names={entity: name for entity, name in names.items() if entity not in wrong},
        currency_plurals=_currency_plurals(language, own),
        relative_patterns=_relative_patterns(language, own, root),
        list_patterns=_list_patterns(own, root),
        amount_pattern=_own_or_wordless(own, root, "currency_unit_patterns", "other"),
        date_pattern=_pattern(own, "date_formats", "full"),
        time_pattern=_pattern(own, "time_formats", "short"),
        date_time_pattern=_pattern(own, "datetime_formats", "full"),
        date_names=_date_names(own),
        day_periods=_day_periods(own),
        plural_category=own.get("plural_form"),
    )


@functools.cache
def _read_own_data(locale_name: str) -> Mapping[str, Any]:
    """Returns the content of the locale's own file.

    `localedata.load(name, merge_inherited=False)` would store the unmerged data in the cache that all of
    Babel reads, and so break every later use of the locale in this process.
    """
    with Path(localedata.resolve_locale_filename(locale_name)).open("rb") as file:
        return pickle.load(file)


def _own(data: Any, *keys: str) -> Any:
    """Returns the value at `keys`, or None if the locale has none of its own or only an alias to another."""
    for key in keys:
        if not isinstance(data, Mapping):
            return None
        data = data.get(key)
    return None if isinstance(data, localedata.Alias) else data


def clean(text: str) -> str:
    """Returns a text in NFC, with plain spaces for no-break spaces and without zero-width (non-)joiners.

    SentencePiece's usual normalisation removes the same characters, so a hypothesis could never have them.
    """
    return unicodedata.normalize("NFC", text).translate(_PLAIN_CHARACTERS).strip()


def _place_names(language: str, own: Mapping[str, Any]) -> dict[str, str]:
    english = _read_own_data("en")
    names: dict[str, str] = {}
    for kind, table, is_code in (
        ("territory", "territories", lambda code: code.isalpha() and code not in NOT_TERRITORIES),
        ("language", "languages", lambda code: code.isalpha() and code not in NOT_LANGUAGES),
        ("currency", "currency_names", lambda code: code not in NOT_CURRENCIES),
    ):
        own_names = {code: clean(name) for code, name in own[table].items() if isinstance(name, str)}
        english_names = {code: clean(name) for code, name in english[table].items()}
        english_words = None
        if language != "en" and is_copied_from_english(own_names, english_names):
            english_words = words(english_names.values())
        for code, name in own_names.items():
            if is_code(code) and is_usable_name(language, code, name, english_words):
                names[f"{kind}:{code}"] = name
    return names


def _calendar_names(own: Mapping[str, Any]) -> dict[str, str]:
    """Returns the months and weekdays as they stand alone, or as in a date where that is the same."""
    names = {}
    for kind, table in (("month", "months"), ("weekday", "days")):
        wide = _own(own, table, "stand-alone", "wide") or _own(own, table, "format", "wide") or {}
        names |= {f"{kind}:{number}": clean(name) for number, name in sorted(wide.items())}
    return names


def _date_names(own: Mapping[str, Any]) -> dict[str, dict[int, str]]:
    tables = {
        "EEEE": _own(own, "days", "format", "wide"),
        "MMMM": _own(own, "months", "format", "wide"),
        "MMM": _own(own, "months", "format", "abbreviated"),
        "LLLL": _own(own, "months", "stand-alone", "wide") or _own(own, "months", "format", "wide"),
    }
    return {
        field: {number: clean(name) for number, name in (table or {}).items()}
        for field, table in tables.items()
    }


def _day_periods(own: Mapping[str, Any]) -> dict[str, str]:
    """Returns the locale's own words for am and pm: those in a time, or else those that stand alone."""
    for context in ("format", "stand-alone"):
        for width in ("abbreviated", "wide"):
            words = _own(own, "day_periods", context, width) or {}
            if all(isinstance(words.get(period), str) for period in ("am", "pm")):
                return {period: clean(words[period]) for period in ("am", "pm")}
    return {}


def _currency_plurals(language: str, own: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    english_words = None
    english = _read_own_data("en")
    if language != "en" and is_copied_from_english(own["currency_names"], english["currency_names"]):
        plurals = english["currency_names_plural"].values()
        english_words = words(
            [*english["currency_names"].values(), *(p for ps in plurals for p in ps.values())]
        )
    return {
        (f"currency:{code}", category): clean(name)
        for code, plurals in own.get("currency_names_plural", {}).items()
        for category, name in plurals.items()
        if is_usable_name(language, code, clean(name), english_words)
    }


def _relative_patterns(
    language: str, own: Mapping[str, Any], root: Mapping[str, Any]
) -> dict[tuple[str, str], str]:
    """Returns patterns such as 'in {0} months', of each entity for all plural categories or for none."""
    found = {}
    for unit in RELATIVE_UNITS:
        for direction in RELATIVE_DIRECTIONS:
            patterns = _own(own, "date_fields", unit, direction) or {}
            root_patterns = _own(root, "date_fields", unit, direction) or {}
            # Only 'other' must show the number: Arabic has words for 'in one month' and 'in two months'.
            good = "{0}" in patterns.get("other", "") and all(
                pattern not in root_patterns.values() and is_in_script(language, pattern)
                for pattern in patterns.values()
            )
            if good:
                entity = f"relative:{unit}:{direction}"
                found |= {(entity, category): clean(pattern) for category, pattern in patterns.items()}
    return found


def _list_patterns(own: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Returns the patterns of each style whose parts are all the locale's own, or have no word in them.

    CLDR's files leave out values that equal the parent's. French has no `start` of its own: root's '{0}, {1}'
    is the French pattern. A pattern without words belongs to no language, unlike root's '{0} or {1}'.
    """
    styles = {}
    for style in ("standard", "or"):
        parts = {
            part: _own_or_wordless(own, root, "list_patterns", style, part)
            for part in ("2", "start", "middle", "end")
        }
        if None not in parts.values():
            styles[style] = parts
    return styles


def _own_or_wordless(own: Mapping[str, Any], root: Mapping[str, Any], *keys: str) -> str | None:
    pattern = _own(own, *keys)
    if isinstance(pattern, str):
        return pattern.replace("\u00a0", " ")
    inherited = _own(root, *keys)
    return inherited if isinstance(inherited, str) and not any(map(str.isalpha, inherited)) else None


def _pattern(own: Mapping[str, Any], table: str, width: str) -> str | None:
    """Returns a pattern of a date, of a time (objects in Babel), or of both joined (text in Babel)."""
    value = _own(own, table, width)
    return None if value is None else str(getattr(value, "pattern", value))
