"""Names in a locale's file: rules that tell names in its language from fillers of another language."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

# The languages that are not written in Latin letters, and how the Unicode names of their letters begin.
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

# A locale in which a larger fraction of the names equal the English ones was filled in from English: no such
# name is believed. The fraction is 0.89 for Wolof currencies; where names are real, it is at most 0.5 (for
# languages in Italian).
COPIED_FROM_ENGLISH = 2 / 3

# The names that pass every rule and are still wrong, found by reading.
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
    """Returns whether a locale's names were filled in from English, as most of them equal the English ones.

    Args:
        own_names: The locale's name of each code.
        english_names: The English name of each code.
    """
    same = sum(name.casefold() == english_names.get(code, "").casefold() for code, name in own_names.items())
    return same > COPIED_FROM_ENGLISH * len(own_names)


def words(names: Iterable[str]) -> frozenset[str]:
    """Returns the words of names without case and plural s, so that 'Dirhams' equals 'dirham'."""
    return frozenset(word.casefold().rstrip("s") for name in names for word in name.split())


def is_usable_name(language: str, code: str, name: str, english_words: frozenset[str] | None) -> bool:
    """Returns whether a name is one in the language, and plain enough to stand in a list or in brackets.

    Args:
        language: The language's code.
        code: The code of the thing that is named, which must not be in the name.
        name: The name.
        english_words: The words that no name may consist of; None to allow all.
    """
    if re.search(r"[()\[\]（）0-9,;:、，،/]", name) or len(name) < 2:
        return False
    if code in name.split() or (name.isascii() and name.isupper()):
        return False
    if english_words is not None and words([name]) <= english_words:
        return False
    return is_in_script(language, name)


def is_in_script(language: str, text: str) -> bool:
    """Returns whether a text has letters, and all of them are of the language's script."""
    prefixes = SCRIPTS.get(language, ("LATIN", "MODIFIER LETTER"))
    letters = [character for character in text if unicodedata.category(character) in ("Lu", "Ll", "Lo", "Lt")]
    # The long-vowel mark of katakana is a modifier letter (Lm), which is not checked.
    return bool(letters) and all(unicodedata.name(letter).startswith(prefixes) for letter in letters)
