"""All of config/lang12.yaml, from downloads to the report, on real FLORES-101 text and a fairseq archive.

Everything is served from this machine. `dev` and `devtest` are made from the two halves of FLORES-101's
public `devtest`. The model is the tiny one of tests/data: scores are near zero, but every file is real.
`make rehearsal FLORES101_DEVTEST=…` names the archive of `{language}.devtest` files; ROWS is the number of
sentences in each half, EPOCHS the number of epochs of a training, RUN a folder in which the run is kept.
"""

import functools
import http.server
import io
import os
import shutil
import tarfile
import threading
from pathlib import Path

import pandas
import pytest
import yaml

from workflow_copy import Workflow, copy_workflow

REPOSITORY = Path(__file__).parents[2]
ARCHIVE = REPOSITORY / "tests/data/fairseq_m2m_tiny/flores101_mm100_tiny.tar.gz"
TEXT = Path(os.environ.get("FLORES101_DEVTEST") or REPOSITORY.parent / "shared/data/flores101_devtest.tar.xz")
ROWS = int(os.environ.get("ROWS") or 3)
EPOCHS = int(os.environ.get("EPOCHS") or 3)
# The tiny model knows eleven languages; the languages of lang12 that it lacks borrow the tokens of others.
BORROWED = {"nl": "af", "ja": "am", "ko": "zh"}

pytestmark = pytest.mark.rehearsal


def halves(source: Path, target: Path, rows: int) -> None:
    """Writes an archive in FLORES-101's layout from an archive of `{language}.devtest` files.

    Args:
        source: The archive to read.
        target: The archive to write, whose `dev` and `devtest` begin the two halves of each text.
        rows: The number of sentences in each split.
    """
    with tarfile.open(source) as text, tarfile.open(target, "w:gz") as archive:
        for member in text:
            if not member.name.endswith(".devtest"):
                continue
            lines = text.extractfile(member).read().decode().removesuffix("\n").split("\n")
            middle = len(lines) // 2
            for split, part in (("dev", lines[:middle]), ("devtest", lines[middle:])):
                content = "".join(f"{line}\n" for line in part[:rows]).encode()
                info = tarfile.TarInfo(f"flores101_dataset/{split}/{Path(member.name).stem}.{split}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server of the three downloads."""
    if not TEXT.is_file():
        pytest.skip(f"{TEXT} is not there; name FLORES-101's text in FLORES101_DEVTEST")
    folder = tmp_path_factory.mktemp("served")
    halves(TEXT, folder / "flores101_dataset.tar.gz", ROWS)
    shutil.copyfile(ARCHIVE, folder / "flores101_mm100_615M.tar.gz")
    with tarfile.open(ARCHIVE) as archive:
        pieces = archive.extractfile("flores101_mm100_615M/sentencepiece.bpe.model").read()
    (folder / "sacrebleu_tokenizer_spm.model").write_bytes(pieces)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_lang12_from_downloads_to_the_report(server, tmp_path):
    config = yaml.safe_load((REPOSITORY / "config/lang12.yaml").read_text())
    trained = {text for table in config["tables"].values() for text in table} - {"Pretrain"}
    config["mirrors"] = {
        "flores101": f"{server}/flores101_dataset.tar.gz",
        "m2m124_615M": f"{server}/flores101_mm100_615M.tar.gz",
        "flores101_spm": f"{server}/sacrebleu_tokenizer_spm.model",
    }
    config["gpus"] = 0
    config["base_model"]["codes"] = {code: code for code in config["languages"]} | BORROWED
    config["training"] |= {"epochs": EPOCHS, "precision": "float32"}
    config["pruning"] = {"start": 1, "duration": EPOCHS - 1}
    config["translation"] |= {"precision": "float32", "maximum_length": 40}
    folder = Path(os.environ["RUN"]) if os.environ.get("RUN") else tmp_path
    workflow = Workflow(copy_workflow(tmp_path / "workflow"), folder / "run")
    workflow.folder.mkdir(parents=True, exist_ok=True)
    result = workflow.run(config, timeout=24 * 3600)
    assert result.returncode == 0, result.stdout

    results = workflow.folder / "results/lang12"
    directions = len(config["languages"]) * (len(config["languages"]) - 1)
    settings = list((results / "settings").iterdir())
    assert len(settings) == len(trained) + 1
    for setting in settings:
        hypotheses = list((setting / "seed1/hypotheses").glob("*.txt"))
        assert len(hypotheses) == directions
        assert all(len(path.read_text().splitlines()) == ROWS for path in hypotheses)
        scores = pandas.read_csv(setting / "seed1/scores.csv")
        assert len(scores) == directions
        assert scores["spbleu"].between(0, 100).all()
    for number in (1, 6, 7):
        table = pandas.read_csv(results / f"tables/table{number}.csv")
        assert list(table["setting"]) == config["tables"][f"table{number}"]
        assert table["AVG"].notna().all()
        assert (results / f"tables/table{number}_comparison.html").stat().st_size > 1000
    for number in (3, 4):
        assert (results / f"tables/table{number}.tex").stat().st_size > 100
    for number in range(1, 7):
        assert (results / f"figures/figure{number}.pdf").stat().st_size > 5000
    assert (results / "claims.md").read_text().count("\n") > 12
    assert (results / "report.html").stat().st_size > 100_000
