"""The file `adapter.json`, which tells what an adapter is and which base model it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lslo.adapters.index_strategy import IndexStrategy
from lslo.experiment.languages import FOREIGN_CODE
from lslo.experiment.setting_notation import MODULE_SETS

DESCRIPTION = "adapter.json"


@dataclass(frozen=True)
class AdapterDescription:
    """The description of an adapter.

    Attributes:
        setting: The name of the setting, such as `2;2;8+WL`. It is kept for people; nothing reads it again.
        ranks: The rank of each language, in the order of the router's languages.
        strategy: The language, source or target, that each layer's modules follow.
        modules: The weight matrices that have modules, `all` or `fc`.
        base_model_sha256: The fingerprint of the base model that the adapter was trained on
            (`base_model_fingerprint`). The adapter cannot be put on another one.
        codes: The base model's code of each language. On writing, a language without one keeps its own code.
            Read from a file that has no codes, it is empty.
    """

    setting: str
    ranks: Mapping[str, int]
    strategy: IndexStrategy
    modules: str
    base_model_sha256: str
    codes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, adapter: Path) -> AdapterDescription:
        """Reads and checks `adapter.json` of an adapter folder.

        Raises:
            FileNotFoundError: The folder has no such file.
            ValueError: Names the file and what is wrong in it.
        """
        file = adapter / DESCRIPTION
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            ranks, modules = _checked_ranks(content["ranks"]), content["modules"]
            codes = checked_codes(content["codes"]) if "codes" in content else {}
            if codes and set(codes) != set(ranks):
                raise ValueError("'codes' must name the languages of 'ranks'")
            if modules not in MODULE_SETS:
                raise ValueError(f"'modules' must be one of {', '.join(MODULE_SETS)}")
            strategy = IndexStrategy.of(content["index_strategy"])
            setting = str(content.get("setting", ""))
            return cls(setting, ranks, strategy, modules, content["base_model_sha256"], codes)
        except FileNotFoundError:
            raise FileNotFoundError(f"{file}: not there, so {adapter} is not an adapter folder") from None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{file}: not an adapter's description ({error})") from None

    def write(self, adapter: Path) -> None:
        """Writes `adapter.json` into an adapter folder."""
        content = {
            "setting": self.setting,
            "ranks": dict(self.ranks),
            "codes": {language: self.codes.get(language, language) for language in self.ranks},
            "index_strategy": asdict(self.strategy),
            "modules": self.modules,
            "base_model_sha256": self.base_model_sha256,
        }
        (adapter / DESCRIPTION).write_text(json.dumps(content, indent=1) + "\n")


def checked_codes(codes: Any) -> dict[str, str]:
    """Returns a value parsed from JSON if it gives the base model's code of each language.

    Raises:
        ValueError: The value is not a mapping from languages to codes, or is empty.
    """
    if not isinstance(codes, dict) or not codes:
        raise ValueError("'codes' must name languages and the base model's codes of them")
    for language, code in codes.items():
        if not isinstance(code, str) or not FOREIGN_CODE.fullmatch(code):
            raise ValueError(
                f"the code of {language!r} must be letters, digits, '_' and '-', 100 characters at most"
            )
    return codes


def _checked_ranks(ranks: Any) -> dict[str, int]:
    """Returns a value parsed from JSON if it gives the rank of each language.

    Raises:
        ValueError: The value is not a mapping from languages to ranks, or no language has a rank above 0.
    """
    if not isinstance(ranks, dict) or not any(ranks.values()):
        raise ValueError("'ranks' must name languages and their ranks")
    for language, rank in ranks.items():
        if type(rank) is not int or not 0 <= rank < 100_000:
            raise ValueError(f"the rank of {language!r} must be a whole number, at most 99999")
    return ranks
