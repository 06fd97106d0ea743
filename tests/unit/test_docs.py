"""The documentation names only what exists: files that it links to, and paths and modules in its text."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGES = REPOSITORY / "src/lslo"
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "config/README.md",
    REPOSITORY / "tests/data/README.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Folders that stay at the top level, and those of tests/, which pages name without `tests/`.
TOP_FOLDERS = (
    "bench",
    "config",
    "docs",
    "envs",
    "profiles",
    "resources",
    "rules",
    "src",
    "tests",
    "workflow",
)
TEST_FOLDERS = ("faults", "slurm", "unit", "workflow")
FOLDERS = "|".join({*TOP_FOLDERS, *TEST_FOLDERS})
PATH = re.compile(rf"(?<![\w./<{{}}-])(?:{FOLDERS})/[\w./+-]*")
MODULE = re.compile(r"from (lslo[\w.]*) import (.+)")
# A line of the README's list of packages.
PACKAGE = re.compile(r"^    (\w+)/ +(.+)$", re.MULTILINE)


def links(text: str) -> list[str]:
    """The targets of links to files of the repository, without the heading that they lead to."""
    targets = [target.partition("#")[0] for target in LINK.findall(text)]
    return [target for target in targets if target and ":" not in target]


def paths(text: str) -> list[str]:
    """The paths below the repository's folders, in code and in prose."""
    return [path.rstrip(".") for path in PATH.findall(text)]


def exists(path: str) -> bool:
    return (REPOSITORY / path).exists() or (REPOSITORY / "tests" / path).exists()


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def page(request) -> Path:
    return request.param


def test_links_lead_to_files(page):
    assert [link for link in links(page.read_text()) if not (page.parent / link).exists()] == []


def test_paths_exist(page):
    assert [path for path in paths(page.read_text()) if not exists(path)] == []


def test_imported_modules_and_names_exist(page):
    for module, names in MODULE.findall(page.read_text()):
        file = REPOSITORY / "src" / f"{module.replace('.', '/')}.py"
        assert file.is_file()
        for name in names.split(", "):
            assert re.search(rf"^(?:def|class) {name}\b", file.read_text(), re.MULTILINE), (module, name)


def test_the_readme_lists_every_package_and_files_that_exist():
    listed = dict(PACKAGE.findall((REPOSITORY / "README.md").read_text()))
    assert set(listed) == {file.parent.name for file in PACKAGES.glob("*/__init__.py")}
    for package, line in listed.items():
        for file in re.findall(r"\w+\.py|\w+/", line):
            assert (PACKAGES / package / file).exists(), f"{package}/{file}"


def test_links_and_paths_are_seen():
    text = (
        "[a](docs/a.md#part) ![b](images/b.png) [c](https://example.org/docs/c.md) [d](#part)\n"
        "Run `python bench/run.py --only x`, see `unit/a/test_b.py`, rules/.\n"
        "Not results/docs/e or {x}/docs/f.\n"
    )
    assert links(text) == ["docs/a.md", "images/b.png"]
    assert paths(text) == ["docs/a.md", "bench/run.py", "unit/a/test_b.py", "rules/"]
