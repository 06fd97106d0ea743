"""Settings in the paper's notation: parsed, printed back, and slugged for use in a path.

    Pretrain | Ft-all | {ranks}+{index}[+GPS({ratio})][@{modules}]

`2;2;8+WL+GPS(0.9)` is the paper's headline: rank 2 for high- and medium-resource languages, 8 for
very-low-resource ones, index strategy from weight learning, 90 % of the high- and medium-resource
languages' parameters pruned by the Gradual Pruning Schedule. See Section 6.3 and Tables 1, 2, 6 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

PRETRAIN = "Pretrain"
FULL_FINE_TUNING = "Ft-all"
INDEX_STRATEGIES = ("WL", "SRC", "TGT")
MODULE_SETS = ("all", "fc")

# The resource classes that a list of three or four ranks stands for (Tables 1 and 2).
RANKED_CLASSES = MappingProxyType({3: ("H", "M", "V"), 4: ("H", "M", "L", "V")})

# GPS prunes the languages of these classes only (Section 6.3).
PRUNED_CLASSES = ("H", "M")

_GRAMMAR = "Pretrain | Ft-all | {ranks}+{index}[+GPS({ratio})][@{modules}]"
# More digits would make names of folders too long, and could be rounded to 0 or 1.
_RATIO = re.compile(r"0\.[0-9]{0,5}[1-9]")
_SLUG = re.compile(r"[0-9]+(?:-[0-9]+)*_(?:WL|SRC|TGT)(?:_GPS0\.[0-9]+)?(?:_fc)?")


class SettingError(ValueError):
    """An error in the notation of a setting; the message names the part at fault."""


@dataclass(frozen=True)
class Setting:
    """A setting: one row of the paper's result tables.

    Attributes:
        kind: `pretrain` (the base model as it is), `full` (every parameter is trained) or `lslo`.
        ranks: The LoRA rank of each resource class, in the order H;M;V or H;M;L;V; empty unless `lslo`.
        index: `WL`, `SRC` or `TGT`: which language each layer listens to; None unless `lslo`.
        gps_ratio: The final pruning ratio of high- and medium-resource languages, in (0, 1), or None.
        modules: `all` weight matrices, or `fc` for fc1 and fc2 only.
    """

    kind: str
    ranks: tuple[int, ...] = ()
    index: str | None = None
    gps_ratio: Decimal | None = None
    modules: str = "all"

    @classmethod
    def parse(cls, text: str) -> Setting:
        """Reads a setting such as `2;2;8+WL+GPS(0.9)@fc`.

        Raises:
            SettingError: The text does not follow the notation.
        """
        if text == PRETRAIN:
            return cls("pretrain")
        if text == FULL_FINE_TUNING:
            return cls("full")

        def refuse(part: str, reason: str) -> SettingError:
            return SettingError(f"setting {text!r}: {part!r} {reason} (the form is {_GRAMMAR})")

        for name in (PRETRAIN, FULL_FINE_TUNING):
            if text.lower() == name.lower():
                raise refuse(text, f"must be written {name}")
        body, at, modules = text.partition("@")
        if at and modules not in MODULE_SETS:
            raise refuse(f"@{modules}", f"is not one of {', '.join('@' + name for name in MODULE_SETS)}")
        parts = body.split("+")
        if len(parts) < 2:
            raise refuse(body, "has no index strategy: append +WL, +SRC or +TGT")
        if len(parts) > 3:
            raise refuse("+".join(parts[3:]), "is one part too many")

        ranks = []
        for rank in parts[0].split(";"):
            if not re.fullmatch(r"[1-9][0-9]{0,4}", rank):
                raise refuse(rank, "is not a rank: ranks are whole numbers from 1 to 99999 joined by ';'")
            ranks.append(int(rank))
        if len(ranks) not in RANKED_CLASSES:
            raise refuse(parts[0], "must give three ranks (H;M;V) or four (H;M;L;V)")

        if parts[1] not in INDEX_STRATEGIES:
            raise refuse(parts[1], f"is not an index strategy ({', '.join(INDEX_STRATEGIES)})")

        ratio = None
        if len(parts) == 3:
            match = re.fullmatch(r"GPS\((.*)\)", parts[2])
            if not match:
                raise refuse(parts[2], "is not GPS({ratio})")
            if not _RATIO.fullmatch(match[1]):
                raise refuse(
                    match[1],
                    "is not a pruning ratio: write a number between 0 and 1 such as 0.9, six digits at most, "
                    "no zeros at its end",
                )
            ratio = Decimal(match[1])
        return cls("lslo", tuple(ranks), parts[1], ratio, modules or "all")

    @classmethod
    def from_slug(cls, slug: str) -> Setting:
        """Returns the setting that a folder is named after.

        Raises:
            SettingError: `slug` is not the folder name of a setting.
        """
        for text in (PRETRAIN, FULL_FINE_TUNING):
            if slug == text:
                return cls.parse(text)
        if not _SLUG.fullmatch(slug):
            raise SettingError(f"{slug!r} is not the folder name of a setting (such as 2-2-8_WL_GPS0.9_fc)")
        ranks, index, *rest = slug.split("_")
        text = ranks.replace("-", ";") + "+" + index
        for part in rest:
            text += "@fc" if part == "fc" else f"+GPS({part.removeprefix('GPS')})"
        return cls.parse(text)

    def __str__(self) -> str:
        if self.kind == "pretrain":
            return PRETRAIN
        if self.kind == "full":
            return FULL_FINE_TUNING
        text = ";".join(map(str, self.ranks)) + f"+{self.index}"
        if self.gps_ratio is not None:
            text += f"+GPS({self.gps_ratio:f})"
        return text if self.modules == "all" else f"{text}@{self.modules}"

    @property
    def slug(self) -> str:
        """The setting as a folder name: digits, letters, `.`, `-` and `_` only; `from_slug` reads it back."""
        if self.kind != "lslo":
            return str(self)
        parts = ["-".join(map(str, self.ranks)), self.index]
        if self.gps_ratio is not None:
            parts.append(f"GPS{self.gps_ratio:f}")
        if self.modules != "all":
            parts.append(self.modules)
        return "_".join(parts)

    def rank_of_class(self, resource_classes: set[str]) -> dict[str, int]:
        """Returns the rank of each resource class that the ranks stand for.

        Args:
            resource_classes: The classes of the experiment's languages. The rank of a class that no language
                has is not used.

        Raises:
            SettingError: A class has no rank, or GPS has nothing to prune.
        """
        classes = RANKED_CLASSES[len(self.ranks)]
        have = ";".join(name for name in "HMLV" if name in resource_classes)
        if not resource_classes <= set(classes):
            raise SettingError(
                f"setting '{self}': '{';'.join(map(str, self.ranks))}' gives ranks for {';'.join(classes)}, "
                f"but the languages have the resource classes {have}"
            )
        if self.gps_ratio is not None and resource_classes.isdisjoint(PRUNED_CLASSES):
            raise SettingError(
                f"setting '{self}': GPS prunes languages of the classes {' and '.join(PRUNED_CLASSES)}, "
                f"but the languages have the resource classes {have}"
            )
        return dict(zip(classes, self.ranks, strict=True))

    def rank_of_language(self, resource_classes: Mapping[str, str]) -> dict[str, int]:
        """Returns the LoRA rank of each language, by the class of each; empty unless the setting is LSLo.

        Raises:
            SettingError: A class has no rank, or GPS has nothing to prune.
        """
        if self.kind != "lslo":
            return {}
        rank_of_class = self.rank_of_class(set(resource_classes.values()))
        return {language: rank_of_class[name] for language, name in resource_classes.items()}
