"""The code's house rules: sizes, docstrings, packages, and which modules may hash and lock.

A function that must be larger says why in a comment `# long: …` on its `def` line,
a module in its first comment.
"""

import ast
import io
import tokenize
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "src/lslo"
PACKAGES = sorted(file.parent for file in PACKAGE.glob("*/__init__.py"))
FILES = sorted(
    file for folder in ("src", "workflow/scripts", "bench") for file in (REPOSITORY / folder).rglob("*.py")
)

MOST_LINES_OF_A_MODULE = 300
MOST_LINES_OF_A_FUNCTION = 60
MOST_PARAMETERS = 8
EXCUSE = "# long: "
# A docstring that begins so cannot be read alone: its subject or its verb is missing.
BAD_BEGINNINGS = (
    *("Of", "What", "Those", "That", "Whether it", "How far it", "Where", "These", "Them", "It", "Its"),
    *("So many", "As"),
)
# Module -> the only file of the library that may import it.
RESERVED = {
    "hashlib": "files/checksums.py",
    "filelock": "files/locks.py",
    "fcntl": "files/locks.py",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """The text of a module, its syntax tree, and its comments by line number."""

    text: str
    tree: ast.Module
    comments: dict[int, str]

    @property
    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]


def parsed(text: str) -> Module:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    return Module(text, ast.parse(text), comments)


@cache
def module_of(file: Path) -> Module:
    return parsed(file.read_text(encoding="utf-8"))


def excused(module: Module, function: Function) -> bool:
    signature = range(function.lineno, function.body[0].lineno)
    return any(module.comments.get(line, "").startswith(EXCUSE) for line in signature)


def parameters(function: Function) -> int:
    named = function.args
    all_named = [*named.posonlyargs, *named.args, *named.kwonlyargs]
    return len(all_named) + (named.vararg is not None) + (named.kwarg is not None)


def too_large(module: Module) -> list[str]:
    """The module and its functions that are too large and do not say why."""
    found = []
    lines = len(module.text.splitlines())
    first_comment = next(iter(module.comments.values()), "")
    if lines > MOST_LINES_OF_A_MODULE and not first_comment.startswith(EXCUSE):
        found.append(f"the module has {lines} lines")
    for function in module.functions:
        lines = function.end_lineno - function.lineno + 1
        if lines > MOST_LINES_OF_A_FUNCTION and not excused(module, function):
            found.append(f"{function.name} has {lines} lines")
        if parameters(function) > MOST_PARAMETERS and not excused(module, function):
            found.append(f"{function.name} has {parameters(function)} parameters")
    return found


def public(node: ast.AST, name: str) -> list[tuple[str, ast.AST]]:
    """The node and the public classes, functions and methods in it, each with its name."""
    found = [(name, node)]
    if not isinstance(node, Function):
        for child in node.body:
            if isinstance(child, Function | ast.ClassDef) and not child.name.startswith("_"):
                found += public(child, f"{name}.{child.name}")
    return found


def bad_docstrings(module: Module) -> list[str]:
    """The public parts of a module whose docstring is missing or has a first line that cannot stand alone."""
    found = []
    for name, node in public(module.tree, "module"):
        first = (ast.get_docstring(node) or "").partition("\n")[0]
        words = first.replace(",", " ").replace(":", " ")
        if not first:
            found.append(f"{name} has no docstring")
        elif not first.endswith("."):
            found.append(f"{name}: no period at the end of {first!r}")
        elif any(f"{words} ".startswith(f"{beginning} ") for beginning in BAD_BEGINNINGS):
            found.append(f"{name}: cannot be read alone: {first!r}")
    return found


def imported(module: Module) -> set[str]:
    """The top-level names of the modules that a module imports."""
    found = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def each_file(test):
    return pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(REPOSITORY)) for file in FILES])(
        test
    )


@each_file
def test_modules_and_functions_are_small(file):
    assert too_large(module_of(file)) == []


@each_file
def test_docstrings_can_be_read_alone(file):
    assert bad_docstrings(module_of(file)) == []


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("__init__.py")), ids=lambda file: file.parent.name)
def test_a_package_holds_a_docstring_and_nothing_else(file):
    """code_fingerprint follows imports: those of a package would make every module stale at once."""
    tree = module_of(file).tree
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


def test_the_file_that_makes_a_folder_a_package_is_there():
    folders = {file.parent for file in PACKAGE.rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_unit_tests_mirror_the_packages(package):
    names = [file.name for file in (REPOSITORY / "tests/unit" / package.name).rglob("*.py")]
    assert names
    assert [name for name in names if not name.startswith("test_") and name != "conftest.py"] == []


@pytest.mark.parametrize(
    "file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE))
)
def test_only_one_module_hashes_and_one_locks(file):
    forbidden = {name for name, only in RESERVED.items() if file != PACKAGE / only}
    assert imported(module_of(file)) & forbidden == set()


def function_of(*, lines: int = 2, arguments: int = 1, comment: str = "") -> str:
    names = ", ".join(f"argument{number}" for number in range(arguments))
    return f"def function({names}):{comment}\n" + "    pass\n" * (lines - 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (function_of(lines=60, arguments=8), None),
        (function_of(lines=61), "function has 61 lines"),
        (function_of(arguments=9), "function has 9 parameters"),
        ("def function(a, b, /, c, *d, e, f, g, h, **i): pass\n", "function has 9 parameters"),
        (function_of(lines=61, arguments=9, comment="  # long: a table"), None),
        (function_of(lines=61, comment="  # a table"), "function has 61 lines"),
        ("class Class:\n    def method(self, a, b, c, d, e, f, g, h): pass\n", "method has 9 parameters"),
        ("pass\n" * 300, None),
        ("pass\n" * 301, "the module has 301 lines"),
        ("# long: a table\n" + "pass\n" * 300, None),
        ("# A table.\n# long: a table\n" + "pass\n" * 300, "the module has 302 lines"),
    ],
)
def test_sizes_are_seen(text, message):
    assert too_large(parsed(text)) == ([message] if message else [])


@pytest.mark.parametrize(
    ("docstring", "right"),
    [
        ("Returns the sum of two numbers.", True),
        ("Returns the sum.\n\n    Args:", True),
        ("Returns the sum", False),
        ("Its sum.", False),
        ("Italic letters.", True),
        ("Whether it rains.", False),
        ("Whether two numbers are equal.", True),
        ("Of two numbers: the sum.", False),
        ("", False),
    ],
)
def test_docstrings_are_seen(docstring, right):
    text = '"""A module."""\nclass Class:\n    """A class."""\n    def method(self):\n'
    text += f'        """{docstring}"""\n'
    assert (bad_docstrings(parsed(text)) == []) == right
    # Private parts need no docstring, nor do functions within functions.
    assert bad_docstrings(parsed(text.replace("method", "_method"))) == []
    assert bad_docstrings(parsed(text.replace("Class:", "_Class:"))) == []


def test_imports_are_seen():
    assert imported(parsed("import a.b\ndef f():\n    from c.d import e\nfrom . import g\n")) == {"a", "c"}
