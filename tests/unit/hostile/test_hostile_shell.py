"""No command, program or object is made of data: what would do so is not in the code."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
RULES = sorted((REPOSITORY / "rules").glob("*.smk"))
SOURCES = sorted([*(REPOSITORY / "src").rglob("*.py"), *(REPOSITORY / "workflow/scripts").glob("*.py")])
SHELL = re.compile(r"^    shell:\n((?:        .*\n)+)", re.MULTILINE)

# What runs or revives data, and the argument with which it does not.
DANGEROUS = {
    **dict.fromkeys(["eval", "exec", "compile", "__import__", "os.system", "os.popen"], None),
    **dict.fromkeys(["pickle.load", "pickle.loads", "yaml.load", "yaml.unsafe_load", "marshal.loads"], None),
    **dict.fromkeys(
        ["subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_output"], None
    ),
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "AutoTokenizer.from_pretrained": ("trust_remote_code", False),
}

# What is revived is a file of the package Babel; what runs is squeue and scontrol, with the user's name and
# numbers that squeue gave, and no shell.
ALLOWED = {("entities.py", "pickle.load"), ("slurm.py", "subprocess.run")}


def shell_commands():
    return {
        (file.name, command) for file in RULES for command in SHELL.findall(file.read_text(encoding="utf-8"))
    }


def test_every_value_in_a_shell_command_is_quoted():
    commands = shell_commands()
    assert len(commands) >= 3
    text = "".join(file.read_text(encoding="utf-8") for file in RULES)
    assert len(commands) == len(re.findall(r"^\s*shell\b", text, re.MULTILINE))
    for name, command in commands:
        literals = ast.parse(f"({command.strip()})", mode="eval").body
        assert isinstance(literals, ast.Constant), f"{name}: not plain text, but put together: {command}"
        for value in re.findall(r"\{([^{}]*)\}", literals.value):
            assert re.fullmatch(r"(input|output|params|log)(\.[a-z_]+)?:q", value), f"{name}: {{{value}}}"


def calls():
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield file, node, ast.unparse(node.func)


@pytest.mark.parametrize("name", DANGEROUS)
def test_nothing_runs_or_revives_data(name):
    for file, node, called in calls():
        if called == name and (file.name, name) not in ALLOWED:
            assert DANGEROUS[name] is not None, f"{file}, line {node.lineno}: {name}"
            key, value = DANGEROUS[name]
            found = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert found.get(key) == str(value), f"{file}, line {node.lineno}: {name} without {key}={value}"


def test_the_calls_that_are_looked_for_are_found():
    names = {called for _, _, called in calls()}
    assert {"torch.load", "np.load", "yaml.safe_dump", "AutoTokenizer.from_pretrained"} <= names
