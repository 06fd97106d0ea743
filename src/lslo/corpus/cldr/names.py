"""Which of the names in a locale's file are names in its language, and not fillers from another."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

# Languages not written in Latin letters. The word is how Unicode names the letters of the script begin.
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "zh": ("CJK",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA"),
    "ko": ("HANGUL",),
    "or": ("ORIYA",),
    "sd": ("ARABIC",),
    "ru": ("CYRILLIC",),
    "ar": ("ARABIC",),
    "he": ("HEBREW",),
    "hi": ("DEVANAGARI",),
    "am": ("ETHIOPIC",),
    "hy": ("ARMENIAN",),
}

# A locale with more names like the English ones than this (0.89 of the Wolof currencies, at most 0.5 of
# the languages in Italian, where they are real) was filled in from English: no such name is believed.
COPIED_FROM_ENGLISH = 2 / 3

# Names that pass every rule and are still wrong, found by reading them.
WRONG_NAMES: Mapping[str, frozenset[str]] = {
    "sd": frozenset({"language:ba"}),  # 'Canada' for Bashkir
    "oc": frozenset({"territory:MF", "territory:AX"}),  # English 'St. Martin'; 'llas Åland' for 'Illas Åland'
    "wo": frozenset(
        {
            # French or English, where the other territories are written in Wolof
            *("territory:AC", "territory:CP", "territory:EA", "territory:IC", "territory:KR"),
            # 'Arabic' (the same file has 'Araab' for Modern Standard Arabic), 'Tibetan', 'Tongan'
            *("language:ar", "language:bo", "language:to"),
        }
    ),
}


def is_copied_from_english(own_names: Mapping[str, str], english_names: Mapping[str, str]) -> bool:
    """Whether so many of the locale's names are the English ones that they were filled in from there."""
    same = sum(name.casefold() == english_names.get(code, "").casefold() for code, name in own_names.items())
    return same > COPIED_FROM_ENGLISH * len(own_names)


def words(names: Any) -> frozenset[str]:
    """The words of `names` without case and plural s, to find 'Moroccan dirhams' in 'Moroccan Dirham'."""
    return frozenset(word.casefold().rstrip("s") for name in names for word in name.split())


def is_usable_name(language: str, code: str, name: str, english_words: frozenset[str] | None) -> bool:
    """Whether `name` is a name in the language, and plain enough to stand in a list or in brackets."""
    if re.search(r"[()\[\]（）0-9,;:、，،/]", name) or len(name) < 2:
        return False
    if code in name.split() or (name.isascii() and name.isupper()):
        return False
    if english_words is not None and words([name]) <= english_words:
        return False
    return is_in_script(language, name)


def is_in_script(language: str, text: str) -> bool:
    """Whether all letters of `text` are of the language's script (and there is at least one)."""
    prefixes = SCRIPTS.get(language, ("LATIN", "MODIFIER LETTER"))
    letters = [character for character in text if unicodedata.category(character) in ("Lu", "Ll", "Lo", "Lt")]
    # The long-vowel mark of katakana is a modifier letter, so it is not looked at.
    return bool(letters) and all(unicodedata.name(letter).startswith(prefixes) for letter in letters)
