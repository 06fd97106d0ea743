"""A user's mistake is reported in one line that names it, and leaves no file under a final name."""

import pytest


def error_of(result) -> str:
    """Returns the single error line of a failed run."""
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    errors = {line.strip() for line in result.stdout.splitlines() if line.strip().startswith("error: ")}
    assert len(errors) == 1, result.stdout
    return errors.pop()


CONFIG_ERRORS = {
    "unknown language": (
        lambda config: config.update(languages=["en", "fr", "nl", "oc", "xx"]),
        ["'languages'", "unknown language 'xx'", "languages.tsv"],
    ),
    "unparsable setting": (
        lambda config: config["tables"].update(table1=["2;2;8+XL"]),
        ["tables.table1", "2;2;8+XL", "'XL' is not an index strategy"],
    ),
    "a resource class without a rank": (
        lambda config: config.update(languages=[*config["languages"], "af"]),
        ["tables.table1", "'2;2;2+WL'", "gives ranks for H;M;V", "classes H;M;L;V"],
    ),
    "key that does not exist": (
        lambda config: config["training"].update(epochz=3),
        ["'training.epochz' does not exist", "did you mean 'epochs'"],
    ),
    "missing base model": (
        lambda config: config.update(base_model="/nowhere"),
        ["'base_model'", "/nowhere", "config.json"],
    ),
}


@pytest.mark.parametrize("name", CONFIG_ERRORS)
def test_a_bad_configuration_is_refused_when_the_workflow_starts(workflow, name):
    change, parts = CONFIG_ERRORS[name]
    config = workflow.config()
    change(config)
    message = error_of(workflow.run(config))
    for part in parts:
        assert part in message
    assert not (workflow.folder / "results").exists()


def test_a_folder_that_is_no_setting_is_refused(workflow):
    message = error_of(workflow.run(None, "results/tiny/settings/2-2-x_WL/seed1/scores.csv"))
    assert "2-2-x_WL" in message


@pytest.fixture
def own_text(workflow):
    """A configuration with the user's own corpus folder, and that folder."""
    config = workflow.config()
    folder = workflow.folder / "mine"
    for split in ("dev", "devtest"):
        (folder / split).mkdir(parents=True)
        for language in config["languages"]:
            (folder / split / f"{language}.txt").write_text(f"first in {language}\nsecond in {language}\n")
    config["corpus"] = {"folder": "mine"}
    return config, folder


def test_text_of_ones_own_becomes_the_corpus(workflow, own_text):
    config, _ = own_text
    result = workflow.run(config, "corpus")
    assert result.returncode == 0, result.stdout
    corpus = workflow.folder / "results/tiny/corpus/devtest/oc.txt"
    assert corpus.read_text() == "first in oc\nsecond in oc\n"


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"only one line\n", ["nl.txt", "1 lines", "en.txt", "2"]),
        (b"first\n\n", ["nl.txt, line 2", "empty"]),
        (b"first\nsecond \xff\n", ["nl.txt, line 2", "not UTF-8"]),
        (b"", ["nl.txt", "the file is empty"]),
        (None, ["'corpus.folder'", "devtest/nl.txt", "there is no file"]),
    ],
)
def test_bad_text_is_refused_by_file_and_line(workflow, own_text, content, parts):
    config, folder = own_text
    file = folder / "devtest/nl.txt"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    message = error_of(workflow.run(config, "corpus"))
    for part in parts:
        assert part in message
    assert not list((workflow.folder / "results/tiny/corpus").rglob("*.txt"))


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("results/tiny/settings/Pretrain/seed1/adapter", "not trained"),
        ("./results/tiny/settings/2-2-x_WL/seed1/scores.csv", "2-2-x_WL"),
        ("results/tiny/settings/2-2-2_SRC/seed1/epoch_scores.csv", "`figure3`"),
        ("base_model", "`pretraining`"),
    ],
)
def test_what_cannot_be_made_is_refused_when_the_workflow_starts(workflow, target, part):
    assert part in error_of(workflow.run(None, target))


def test_a_configuration_stands_alone_beside_the_default_one(workflow):
    """Snakemake alone would merge the named configuration into the default one, where it finds that."""
    workflow.folder = workflow.source
    jobs = workflow.planned()
    assert jobs["finetune"] == 5
    assert "claims" in jobs
