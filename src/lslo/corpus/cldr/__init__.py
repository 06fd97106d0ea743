"""A parallel corpus that needs no download, made of phrases of the Unicode CLDR."""
