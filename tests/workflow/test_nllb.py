"""A run with an NLLB base model, text laid out as in FLORES-200, their own codes, and no class M."""

import os
import subprocess
import sys

import pandas
import pytest
import sentencepiece
import torch
from safetensors.torch import load_file
from transformers import M2M100Config, M2M100ForConditionalGeneration

from lslo.adapters.adapter_folder import load_codes
from lslo.corpus.cldr.corpus import build_cldr_corpus
from lslo.scoring.score_files import read_scores
from nllb_tokenizer import write_nllb_tokenizer
from workflow_copy import REPOSITORY, Workflow, copy_workflow

pytestmark = pytest.mark.scale

CODES = {"en": "eng_Latn", "fr": "fra_Latn", "oc": "oci_Latn"}
CLASSES = {"en": "H", "fr": "H", "oc": "V"}


@pytest.fixture(scope="module")
def base_model(tmp_path_factory):
    """A tiny model with random weights and the tokenizer of an NLLB model."""
    folder = tmp_path_factory.mktemp("models") / "nllb-200-tiny"
    folder.mkdir()
    pieces = sentencepiece.SentencePieceProcessor(
        model_file=str(REPOSITORY / "resources/embedded_base_model/sentencepiece.bpe.model")
    ).serialized_model_proto()
    rows = write_nllb_tokenizer(folder, pieces)
    torch.manual_seed(1)
    M2M100ForConditionalGeneration(
        M2M100Config(
            vocab_size=rows,
            d_model=16,
            encoder_layers=2,
            decoder_layers=2,
            encoder_ffn_dim=24,
            decoder_ffn_dim=24,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            max_position_embeddings=64,
            init_std=0.2,
        )
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory, base_model):
    """A finished run: the workflow and its configuration."""
    folder = tmp_path_factory.mktemp("nllb")
    workflow = Workflow(copy_workflow(folder / "workflow"), folder / "run")
    corpus = build_cldr_corpus(
        CLASSES,
        seed=3,
        sizes={"pretrain": 0, "dev": 6, "devtest": 4},
        known_entities={"H": 1.0, "V": 1.0},
        focus_entities=12,
    )
    for split in ("dev", "devtest"):
        (workflow.folder / "flores200_dataset" / split).mkdir(parents=True)
        for language, code in CODES.items():
            text = "".join(f"{phrase.sentences[language]}\n" for phrase in getattr(corpus, split))
            (workflow.folder / "flores200_dataset" / split / f"{code}.{split}").write_text(text)
    # The corpus's codes are a column of the user's own table; the base model's are given one by one.
    header, *rows = (REPOSITORY / "config/languages.tsv").read_text().splitlines()
    table = [f"{row}\t{CODES[row.partition(chr(9))[0]]}" for row in rows if row.partition("\t")[0] in CODES]
    (workflow.folder / "my_languages.tsv").write_text("\n".join([f"{header}\tnllb", *table]) + "\n")
    config = workflow.config() | {
        "experiment": "nllb",
        "languages": list(CODES),
        "languages_table": "my_languages.tsv",
        "corpus": {"folder": "flores200_dataset", "pattern": "{split}/{code}.{split}", "codes": "nllb"},
        "base_model": {"folder": str(base_model), "codes": CODES},
        "translation": {"beam": 2, "length_penalty": 1.0, "maximum_length": 200, "tokens_per_batch": 4000},
        "tables": {"table1": ["Pretrain", "1;1;2+SRC"]},
    }
    config["training"]["epochs"] = 3
    del config["figure3"], config["claims"]
    result = workflow.run(config, "tables")
    assert result.returncode == 0, result.stdout
    return workflow


def test_the_text_is_found_by_its_codes(finished):
    for split in ("dev", "devtest"):
        for language, code in CODES.items():
            given = finished.folder / f"flores200_dataset/{split}/{code}.{split}"
            made = finished.folder / f"results/nllb/corpus/{split}/{language}.txt"
            assert made.read_text() == given.read_text()


def test_the_adapter_keeps_the_models_codes(finished):
    adapter = finished.folder / "results/nllb/settings/1-1-2_SRC/seed1/adapter"
    assert load_codes(adapter) == CODES
    weights = load_file(adapter / "adapter.safetensors")
    assert any(tensor.abs().max() > 0 for name, tensor in weights.items() if name.endswith(".oc.B"))


def test_tables_are_made_with_the_models_pieces_and_the_classes_there_are(finished, base_model):
    table = pandas.read_csv(finished.folder / "results/nllb/tables/table1.csv").set_index("setting")
    assert [column for column in table.columns if "2" in column] == ["H2H", "H2V", "V2H", "V2V"]
    assert table["V2V"].isna().all()
    for setting, folder in (("Pretrain", "Pretrain"), ("1;1;2+SRC", "1-1-2_SRC")):
        scores = read_scores(finished.folder / f"results/nllb/settings/{folder}/seed1/scores.csv")
        assert len(scores) == 6
        assert scores["spbleu_signature"].str.contains(f"tok:spm:{base_model.name}-").all()
        assert table.loc[setting, "AVG"] == pytest.approx(scores["spbleu"].mean(), abs=1e-3)


def test_the_adapter_translates_outside_the_workflow_by_the_experiments_codes(finished, base_model):
    run = finished.folder / "results/nllb"
    adapter = run / "settings/1-1-2_SRC/seed1/adapter"

    def translated(source, target):
        # The workflow's own decoding, of at most 200 tokens.
        options = ["--base-model", base_model, "--adapter", adapter, "--source", source, "--target", target]
        options += ["--beam", "2", "--device", "cpu"]
        return subprocess.run(
            [sys.executable, "-c", "import sys, lslo.cli; sys.exit(lslo.cli.main())", "translate", *options],
            input=(run / f"corpus/devtest/{source}.txt").read_text() if source in CODES else "x\n",
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(finished.source / "src")},
            timeout=120,
        )

    result = translated("en", "oc")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (run / "settings/1-1-2_SRC/seed1/hypotheses/en-oc.txt").read_text()
    refused = translated("eng_Latn", "oc")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "the adapter has no language 'eng_Latn', only en, fr, oc" in refused.stderr
