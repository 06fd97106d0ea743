"""Parallel text: plain files, their token ids, and phrases of the Unicode CLDR."""
