"""The fingerprint of a script follows what the script imports, and nothing else."""

from pathlib import Path

from lslo.fingerprint import code_fingerprint, files_fingerprint, imported_files

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


def names(script: str) -> set[str]:
    return {file.name for file in imported_files(SCRIPTS / f"{script}.py")}


def test_training_depends_on_the_layer_and_not_on_the_figures():
    assert {"lslo_layers.py", "training.py", "pruning.py", "batching.py", "__init__.py"} <= names("finetune")
    assert {"figures", "curves.py", "tables.py", "scoring.py"}.isdisjoint(names("finetune"))


def test_figures_depend_on_the_style_and_not_on_training():
    assert {"style.py", "heatmaps.py", "curves.py"} <= names("make_figure")
    assert {"training.py", "lslo_layers.py", "translation.py"}.isdisjoint(names("make_figure"))


def test_scripts_that_import_the_same_have_the_same_fingerprint(tmp_path):
    first, second, third = (tmp_path / f"{name}.py" for name in "abc")
    first.write_text("from lslo.pruning import GradualPruner\n")
    second.write_text("import os\n\nfrom lslo import pruning\n\nprint(os.name, pruning)\n")
    third.write_text("import lslo.settings\n")
    assert code_fingerprint(first) == code_fingerprint(second) != code_fingerprint(third)


def test_files_fingerprint_tells_content_name_and_order_apart(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text("x")
    b.write_text("x")
    assert files_fingerprint([a]) != files_fingerprint([b])
    assert files_fingerprint([a, b]) != files_fingerprint([b, a])
    before = files_fingerprint([a])
    a.write_text("y")
    assert files_fingerprint([a]) != before
