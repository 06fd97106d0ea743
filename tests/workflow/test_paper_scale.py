"""A run from downloads to tables as at paper scale: FLORES-101's and fairseq's formats, served locally."""

import http.server
import io
import json
import tarfile
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pandas
import pytest
import sentencepiece
import torch
import yaml
from transformers import M2M100Config, M2M100ForConditionalGeneration

from fairseq_archive import OPTIONS, checkpoint_of
from lslo.corpus.cldr.corpus import build_cldr_corpus
from lslo.scoring.score_files import read_scores
from workflow_copy import Workflow, copy_workflow

REPOSITORY = Path(__file__).parents[2]
# FLORES-101's code of each language, and the resource classes.
LANGUAGES = {"en": "eng", "fr": "fra", "nl": "nld", "wo": "wol"}
CLASSES = {"en": "H", "fr": "H", "nl": "M", "wo": "V"}

pytestmark = pytest.mark.scale


def archive(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def saved(state) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server of the three downloads, which are made here."""
    folder = tmp_path_factory.mktemp("served")
    corpus = build_cldr_corpus(
        CLASSES,
        seed=3,
        sizes={"pretrain": 0, "dev": 6, "devtest": 4},
        known_entities={"H": 1.0, "M": 1.0, "V": 1.0},
        focus_entities=12,
    )
    text = {
        f"flores101_dataset/{split}/{flores}.{split}": "".join(
            f"{phrase.sentences[code]}\n" for phrase in getattr(corpus, split)
        ).encode()
        for split in ("dev", "devtest")
        for code, flores in LANGUAGES.items()
    }
    archive(folder / "flores101_dataset.tar.gz", text)

    sentences = [line for content in text.values() for line in content.decode().splitlines()]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, vocab_size=110, minloglevel=2
    )
    spm = model.getvalue()
    (folder / "sacrebleu_tokenizer_spm.model").write_bytes(spm)

    processor = sentencepiece.SentencePieceProcessor(model_proto=spm)
    symbols = [processor.id_to_piece(index) for index in range(3, processor.get_piece_size())]
    symbols += [f"__{code}__" for code in LANGUAGES]
    torch.manual_seed(1)
    base_model = M2M100ForConditionalGeneration(
        M2M100Config(
            vocab_size=4 + len(symbols),
            d_model=16,
            encoder_layers=OPTIONS["encoder_layers"],
            decoder_layers=OPTIONS["decoder_layers"],
            encoder_ffn_dim=24,
            decoder_ffn_dim=24,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            init_std=0.2,
        )
    )
    archive(
        folder / "flores101_mm100_615M.tar.gz",
        {
            "flores101_mm100_615M/model.pt": saved(checkpoint_of(base_model.half(), "cfg of Namespaces")),
            "flores101_mm100_615M/dict.txt": "".join(f"{symbol} 1\n" for symbol in symbols).encode(),
            "flores101_mm100_615M/sentencepiece.bpe.model": spm,
            "flores101_mm100_615M/language_pairs.txt": b"en-fr,fr-en,en-nl,nl-en,en-wo,wo-en\n",
        },
    )
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    http.server.SimpleHTTPRequestHandler.log_message = lambda *arguments: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture(scope="module")
def paper_scale(server, tmp_path_factory):
    """A finished run of lang12's configuration, cut down to four languages and seconds."""
    folder = tmp_path_factory.mktemp("paper_scale")
    workflow = Workflow(copy_workflow(folder / "workflow"), folder / "run")
    workflow.folder.mkdir()
    rows = (REPOSITORY / "config/sources.tsv").read_text().splitlines()
    table = [rows[0]]
    for row in rows[1:]:
        name, url, sha256, size, licence = row.split("\t")
        table.append("\t".join([name, f"{server}/{url.rpartition('/')[2]}", sha256, size, licence]))
    (workflow.folder / "sources.tsv").write_text("\n".join(table) + "\n")
    config = yaml.safe_load((REPOSITORY / "config/lang12.yaml").read_text())
    config |= {
        "experiment": "cut",
        "languages": list(LANGUAGES),
        "sources_table": "sources.tsv",
        "gpus": 0,
        "significance": 50,
        "figures": [1, 2, 4, 5, 6],
        "tables": {
            "table1": ["Pretrain", "Ft-all", "2;2;8+WL+GPS(0.9)"],
            "table7": ["Pretrain", "Ft-all", "2;2;16+WL+GPS(0.9)@fc"],
        },
    }
    for key in ("figure3", "claims"):
        del config[key]
    config["training"] |= {
        "epochs": 3,
        "tokens_per_update": 800,
        "tokens_per_batch": 400,
        "precision": "bfloat16",
    }
    config["pruning"] = {"start": 1, "duration": 2}
    config["translation"] |= {"maximum_length": 12, "precision": "float32", "shards": 2}
    result = workflow.run(config)
    assert result.returncode == 0, result.stdout
    return workflow


def test_the_corpus_is_that_of_the_archive(paper_scale):
    corpus = paper_scale.folder / "results/cut/corpus"
    extracted = paper_scale.folder / "data/extracted/flores101/flores101_dataset"
    for split, rows in (("dev", 6), ("devtest", 4)):
        for code, flores in LANGUAGES.items():
            sentences = (corpus / split / f"{code}.txt").read_text()
            assert sentences == (extracted / split / f"{flores}.{split}").read_text()
            assert sentences.count("\n") == rows


def test_every_download_is_recorded_with_its_hash(paper_scale):
    sources = paper_scale.folder / "data/sources"
    records = sorted(path.name for path in sources.glob("*.sha256.json"))
    assert records == [
        "flores101_dataset.tar.gz.sha256.json",
        "flores101_mm100_615M.tar.gz.sha256.json",
        "sacrebleu_tokenizer_spm.model.sha256.json",
    ]


def test_both_shards_end_up_in_one_folder(paper_scale):
    folder = paper_scale.folder / "results/cut/settings/Ft-all/seed1"
    assert len(list((folder / "hypotheses").glob("*.txt"))) == 12
    assert not (folder / "shards").exists() or not any((folder / "shards").glob("*/*.txt"))


def test_scores_are_made_with_the_flores101_tokenizer(paper_scale):
    scores = read_scores(paper_scale.folder / "results/cut/settings/Pretrain/seed1/scores.csv")
    assert len(scores) == 12
    assert scores["spbleu_signature"].str.contains("tok:flores101").all()


def test_tables_compare_with_the_paper_and_with_full_fine_tuning(paper_scale):
    tables = paper_scale.folder / "results/cut/tables"
    table = pandas.read_csv(tables / "table1.csv").set_index("setting")
    assert table.loc["Ft-all", "AVG_paper"] == 15.43
    assert table.loc["2;2;8+WL+GPS(0.9)", "H2V_paper"] == 12.93
    difference = table.loc["2;2;8+WL+GPS(0.9)", "AVG"] - table.loc["Ft-all", "AVG"]
    assert table.loc["2;2;8+WL+GPS(0.9)", "AVG_minus_ft_all"] == pytest.approx(difference, abs=2e-3)
    assert table.loc["2;2;8+WL+GPS(0.9)", "AVG_p"] <= 1
    assert np.isnan(table.loc["Ft-all", "AVG_minus_ft_all"])
    for ending in ("csv", "md", "tex", "html"):
        assert "paper" in (tables / f"table7_comparison.{ending}").read_text()
    assert len((tables / "table3.md").read_text().splitlines()) > 4


def test_figures_and_report_are_there(paper_scale):
    results = paper_scale.folder / "results/cut"
    for number in (1, 2, 4, 5, 6):
        assert (results / f"figures/figure{number}.pdf").stat().st_size > 5000
    assert "table7_comparison.html" in (results / "report.html").read_text()
    strategy = json.loads((results / "weight_learning/index_strategy.json").read_text())
    assert len(strategy["encoder"]) == OPTIONS["encoder_layers"]


def test_the_plan_reads_what_was_downloaded(paper_scale):
    config = yaml.safe_load((paper_scale.folder / "config.yaml").read_text())
    result = paper_scale.run(config, "plan")
    assert result.returncode == 0, result.stdout
    content = json.loads((paper_scale.folder / "results/cut/plan.json").read_text())
    assert content["base_model"]["dimension"] == 16
    assert content["base_model"]["source"] == "read from data/base_models/m2m124_615M/config.json"
    assert content["rows"] == {"dev": 6, "devtest": 4}
    assert "counted with the base model's tokenizer" in content["estimates"][0]
    stages = content["finished"]
    assert stages["downloads"]["jobs_done"] == stages["downloads"]["jobs"] == 7
    assert stages["fine-tuning"]["target_tokens"] == stages["fine-tuning"]["planned"]["target_tokens"]
    assert stages["translation"]["jobs_done"] == 4 * (2 + 1)
