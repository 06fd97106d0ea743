"""The table of languages agrees with the paper's, and faults in a user's table are named by file and line."""

import csv
import dataclasses
import json
from pathlib import Path

import pytest

from lslo.experiment.languages import (
    RESOURCE_CLASSES,
    Language,
    all_directions,
    codes_elsewhere,
    read_languages,
    select_languages,
)

PROJECT = Path(__file__).parents[3]
TABLE = PROJECT / "config/languages.tsv"
HEADER = "code\tname\tresource_class\tfamily\tbitext\tflores101\tm2m"
ENGLISH = "en\tEnglish\tH\tGermanic\t-\teng\ten"


@pytest.mark.parametrize(
    ("table", "sizes"),
    [
        ("table4_lang12", {"H": 4, "M": 4, "V": 4}),
        ("table5_lang30", {"H": 7, "M": 9, "L": 8, "V": 6}),
    ],
)
def test_languages_are_those_of_the_papers_tables(table, sizes):
    languages = read_languages(TABLE)
    with (PROJECT / f"resources/paper/{table}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(sizes.values())
    found = dict.fromkeys(sizes, 0)
    for row in rows:
        language = languages[row["code"]]
        assert language.name == row["language"]
        assert RESOURCE_CLASSES[language.resource_class] == row["resource_type"]
        assert language.family == row["family"]
        assert language.bitext == (row["bitext_with_en"] or "-")
        assert language.m2m == row["code"]
        found[language.resource_class] += 1
    assert found == sizes


def test_flores_codes():
    flores = {code: language.flores101 for code, language in read_languages(TABLE).items()}
    assert flores["zh"] == "zho_simpl"
    assert {code: flores[code] for code in ("no", "ff", "or", "ar", "sd", "wo", "oc")} == {
        "no": "nob",
        "ff": "ful",
        "or": "ory",
        "ar": "ara",
        "sd": "snd",
        "wo": "wol",
        "oc": "oci",
    }
    assert len(set(flores.values())) == 30


def test_an_experiments_languages_are_in_the_order_asked_for():
    languages = read_languages(TABLE)
    selected = select_languages(languages, ["wo", "en", "zh"], TABLE)
    assert [language.code for language in selected] == ["wo", "en", "zh"]


def test_an_unknown_code_is_named_with_the_table():
    with pytest.raises(ValueError, match=r"'xx'") as error:
        select_languages(read_languages(TABLE), ["en", "xx"], TABLE)
    assert str(TABLE) in str(error.value)


def test_directions_are_all_ordered_pairs():
    directions = all_directions(["en", "de", "or"])
    assert sorted(directions) == sorted(
        [("en", "de"), ("en", "or"), ("de", "en"), ("de", "or"), ("or", "en"), ("or", "de")]
    )
    codes = list(read_languages(TABLE))
    assert len(set(all_directions(codes))) == 870
    assert len(all_directions(codes[:12])) == 132


def test_a_users_own_row_is_read(tmp_path):
    path = tmp_path / "languages.tsv"
    path.write_text(f'{HEADER}\n{ENGLISH}\nami\tSowal "no" Pangcah\tV\tAustronesian\t9K\tami_latn\tami\n')
    languages = read_languages(path)
    assert list(languages) == ["en", "ami"]
    assert languages["ami"].name == 'Sowal "no" Pangcah'
    assert languages["ami"].flores101 == "ami_latn"


def test_columns_of_ones_own_give_codes(tmp_path):
    path = tmp_path / "languages.tsv"
    path.write_text(f"{HEADER}\tnllb\tnotes\n{ENGLISH}\teng_Latn\tlots of it\n")
    english = read_languages(path)["en"]
    assert english.further == {"nllb": "eng_Latn", "notes": "lots of it"}
    assert codes_elsewhere([english], "nllb") == {"en": "eng_Latn"}
    assert codes_elsewhere([english], "flores101") == {"en": "eng"}
    assert codes_elsewhere([english], {"en": "x", "de": "y"}) == {"en": "x"}
    with pytest.raises(ValueError, match=r"no column 'nlb'; its columns are code, .* m2m, nllb, notes$"):
        codes_elsewhere([english], "nlb")
    with pytest.raises(ValueError, match="the code 'lots of it' of the language 'en'"):
        codes_elsewhere([english], "notes")
    with pytest.raises(ValueError, match="no code for the language 'en'"):
        codes_elsewhere([english], {"de": "y"})
    # As it is handed to a script and made again there.
    assert Language(**json.loads(json.dumps(dataclasses.asdict(english)))) == english


@pytest.mark.parametrize(
    ("content", "line", "fault"),
    [
        ("", 1, "columns must be code name resource_class"),
        (f"{HEADER[:-4]}\n", 1, "columns must be"),
        (f"nllb\t{HEADER}\n", 1, "columns must be"),
        (f"{HEADER}\tm2m\n", 1, "'m2m' is not a name of its own"),
        (f"{HEADER}\tnllb\tnllb\n", 1, "'nllb' is not a name of its own"),
        (f"{HEADER}\t\n", 1, "'' is not a name"),
        (f"{HEADER}\tmy codes\n", 1, "'my codes' is not a name"),
        (f"{HEADER}\tnllb\n{ENGLISH}\n", 2, "7 columns instead of 8"),
        (HEADER.replace("\t", ",") + "\n", 1, "columns must be"),
        (f"{HEADER}\n{ENGLISH}\nde\tGerman\tH\n", 3, "3 columns instead of 7"),
        (f"{HEADER}\n{ENGLISH}\tx\n", 2, "8 columns instead of 7"),
        (f"{HEADER}\n\n{ENGLISH}\n", 2, "columns instead of 7"),
        (f"{HEADER}\n{ENGLISH.replace('H', 'X')}\n", 2, "resource_class 'X' is not one of H, M, L, V"),
        (f"{HEADER}\n{ENGLISH.replace('H', 'High')}\n", 2, "resource_class 'High'"),
        (f"{HEADER}\n{ENGLISH}\n{ENGLISH}\n", 3, "'en' stands twice"),
        (f"{HEADER}\n../{ENGLISH}\n", 2, "code '../en'"),
        (f"{HEADER}\nde-AT\tAustrian\tH\tGermanic\t-\tdeu\tde\n", 2, "code 'de-AT'"),
        (f"{HEADER}\n{ENGLISH.replace('eng', 'a b')}\n", 2, "flores101 'a b'"),
        (f"{HEADER}\n{ENGLISH.removesuffix('en')}\n", 2, "m2m ''"),
    ],
)
def test_a_fault_is_named_by_file_and_line(tmp_path, content, line, fault):
    path = tmp_path / "my_languages.tsv"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"line {line}: ") as error:
        read_languages(path)
    assert str(path) in str(error.value)
    assert fault in str(error.value)


def test_a_file_that_is_not_utf_8_is_named(tmp_path):
    path = tmp_path / "my_languages.tsv"
    path.write_bytes(f"{HEADER}\n{ENGLISH}\n".encode("utf-16"))
    with pytest.raises(ValueError, match="not UTF-8") as error:
        read_languages(path)
    assert str(path) in str(error.value)
