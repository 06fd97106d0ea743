"""The fingerprint of a script follows what the script imports, and nothing else."""

from pathlib import Path

from lslo.experiment.code_fingerprint import PACKAGE, code_fingerprint, imported_files

SCRIPTS = Path(__file__).parents[3] / "workflow" / "scripts"


def names(script: str) -> set[str]:
    files = imported_files(SCRIPTS / f"{script}.py")
    return {file.relative_to(PACKAGE).as_posix() for file in files if PACKAGE in file.parents}


def test_training_depends_on_the_layer_and_not_on_the_figures():
    found = names("finetune")
    assert {"adapters/layers.py", "training/trainer.py", "training/pruning.py", "__init__.py"} <= found
    assert not [name for name in found if name.startswith(("reporting/", "planning/", "scoring/"))]


def test_figures_depend_on_the_style_and_not_on_training():
    found = names("make_figure")
    assert {f"reporting/figures/{name}.py" for name in ("style", "heatmaps", "curves")} <= found
    assert not [name for name in found if name.startswith(("training/", "translation/", "recipes/"))]


def test_a_fingerprint_changes_with_the_script_and_with_what_it_imports(tmp_path):
    script, helper = tmp_path / "script.py", tmp_path / "helper.py"
    helper.write_text("import lslo.experiment.setting_notation\n")
    script.write_text("from helper import main\n")
    files = {file.name for file in imported_files(script)}
    assert files == {"helper.py", "setting_notation.py", "__init__.py"}
    before = code_fingerprint(script)
    script.write_text("from helper import main\n\nmain()\n")
    assert code_fingerprint(script) != before
