"""The language tokens of fairseq's M2M models: which languages there are, and the id of each token."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lslo.base_model.fairseq_checkpoint import CHECKPOINT
from lslo.base_model.file_names import DICTIONARY

LANGUAGE_PAIRS = "language_pairs.txt"


def language_tokens(
    archive: Path, options: Mapping[str, Any], symbols: Sequence[str], rows: int
) -> dict[str, int]:
    """Returns the id of each language's token, by the language's code.

    As in fairseq, language tokens that the dictionary lacks are appended to it, in the order of `--langs`, or
    without it in that of the sorted codes of the language pairs.

    Args:
        archive: The archive's folder.
        options: The checkpoint's options.
        symbols: The symbols of the dictionary.
        rows: The number of embeddings, which must be that of symbols and appended tokens.

    Raises:
        ValueError: Names the file whose languages do not fit the others.
    """
    ids = {symbol: index for index, symbol in enumerate(symbols)}
    text = (archive / LANGUAGE_PAIRS).read_text(encoding="utf-8", errors="replace")
    pairs = text.replace(",", " ").split()
    for pair in pairs:
        if not re.fullmatch(r"[^-]+-[^-]+", pair):
            raise ValueError(
                f"{archive / LANGUAGE_PAIRS}: {pair[:40]!r} is not a pair of codes such as en-fr"
            )
    in_pairs = sorted({language for pair in pairs for language in pair.split("-")})
    declared = options.get("langs") or []
    if isinstance(declared, str):
        declared = declared.split(",")
    if not isinstance(declared, list | tuple) or not all(isinstance(code, str) for code in declared):
        raise ValueError(f"{archive / CHECKPOINT}: its option langs is not a list of codes")
    lacking = [code for code in dict.fromkeys(declared or in_pairs) if f"__{code}__" not in ids]
    if lacking and options.get("lang_dict") and not declared:
        raise ValueError(
            f"{archive / DICTIONARY}: has no token __{lacking[0]}__, and the file that gave the order of the "
            "missing ones (--lang-dict) is not in the archive; append the language tokens to the dictionary"
        )
    ids |= {f"__{code}__": len(symbols) + place for place, code in enumerate(lacking)}
    if len(ids) != rows:
        raise ValueError(
            f"{archive / DICTIONARY}: {len(symbols)} symbols and {len(lacking)} language tokens besides do "
            f"not fit the {rows} rows of the model's embeddings; take the dictionary of the same archive"
        )
    for code in in_pairs:
        if f"__{code}__" not in ids:
            raise ValueError(f"{archive / LANGUAGE_PAIRS}: the model has no token of its language {code!r}")
    found = (re.fullmatch(r"__([a-z]{2,3}(?:_[A-Za-z]+)?)__", symbol) for symbol in symbols)
    codes = {*declared, *in_pairs, *(match.group(1) for match in found if match)}
    return {code: ids[f"__{code}__"] for code in sorted(codes)}
