"""Writes a configuration of many languages, with its table of languages and text of FLORES-101's size.

    python bench/many_languages.py --languages 204 --output many
    snakemake --cores 2 --dry-run --configfile many/config.yaml
    snakemake --cores 2 plan --configfile many/config.yaml

The languages are made up (`x000`, `x001`, …). By default there are as many as in FLORES-200: 204 languages
have 41,412 directions. The text stands in for a copy of FLORES-200 on disk: the workflow builds all its jobs
from it, and a dry run downloads nothing. The text has FLORES-101's lengths but is no text to train on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

COLUMNS = ("code", "name", "resource_class", "family", "bitext", "flores101", "m2m")
# The resource classes of the languages, in turn, so that every class has some.
CLASSES = "HMMLLLVVVV"
SPLITS = ("dev", "devtest")
# The length of a sentence: FLORES-101's average.
CHARACTERS = 133


def codes(number: int) -> list[str]:
    """Returns the codes of a number of languages."""
    return [f"x{index:03d}" for index in range(number)]


def configuration(folder: Path, languages: int, shards: int) -> dict:
    """Returns lang30's configuration for many languages, with the settings of its table and of Figure 3.

    Args:
        folder: The folder that holds `languages.tsv` and `text/`.
        languages: The number of languages.
        shards: The number of translation jobs of a setting.
    """
    names = codes(languages)
    return {
        "experiment": f"lang{languages}",
        "languages": names,
        "languages_table": str(folder / "languages.tsv"),
        "corpus": {"folder": str(folder / "text")},
        "base_model": {"hub": "facebook/nllb-200-distilled-600M"},
        "gpus": 1,
        "training": {
            "epochs": 15,
            "learning_rate": {"lslo": 3.0e-3, "full": 1.0e-4},
            "warmup_updates": 1,
            "tokens_per_update": 16000,
            "tokens_per_batch": 4000,
            "label_smoothing": 0.2,
            "dropout": 0.1,
            "precision": "bfloat16",
        },
        "seeds": [1],
        "pruning": {"start": 2, "duration": 8},
        "weight_learning": {"rank": 8, "languages": names[:12]},
        "subspaces": {"rank": 8, "ratio": 0.7},
        "translation": {
            "beam": 5,
            "length_penalty": 1.0,
            "maximum_length": 200,
            "tokens_per_batch": 32000,
            "precision": "bfloat16",
            "shards": shards,
        },
        "scoring": {"tokenizer": "flores101"},
        "significance": 1000,
        "tables": {
            "table2": ["Pretrain", "Ft-all", "8;8;8;8+WL", "16;16;16;16+WL", "2;2;8;8+WL+GPS(0.9)"],
        },
        "figure3": ["Ft-all", "2;2;8;8+WL+GPS(0.9)"],
    }


def write(folder: Path, languages: int = 204, rows: int = 997, shards: int = 64) -> Path:
    """Writes `config.yaml`, `languages.tsv` and `text/{split}/{code}.txt`, and returns the first file's path.

    Args:
        folder: The folder to write to.
        languages: The number of languages.
        rows: The number of lines of each text.
        shards: The number of translation jobs of a setting.
    """
    folder = folder.resolve()
    names = codes(languages)
    for split in SPLITS:
        (folder / "text" / split).mkdir(parents=True, exist_ok=True)
        for code in names:
            words = (f"{split} {row} in {code} " for row in range(rows))
            lines = [(word * CHARACTERS)[:CHARACTERS].rstrip() + "\n" for word in words]
            (folder / "text" / split / f"{code}.txt").write_text("".join(lines))
    table = ["\t".join(COLUMNS)]
    for index, code in enumerate(names):
        table.append(
            "\t".join([code, f"Language {index}", CLASSES[index % len(CLASSES)], "-", "-", code, code])
        )
    (folder / "languages.tsv").write_text("\n".join(table) + "\n")
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(configuration(folder, languages, shards), sort_keys=False))
    return file


def main() -> None:
    """Writes what the command line asks for and prints the path of the configuration."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--languages", type=int, default=204)
    parser.add_argument("--rows", type=int, default=997, help="lines of each text")
    parser.add_argument("--shards", type=int, default=64, help="translation jobs of a setting")
    parser.add_argument("--output", type=Path, required=True, help="a folder")
    options = parser.parse_args()
    print(write(options.output, options.languages, options.rows, options.shards))


if __name__ == "__main__":
    main()
