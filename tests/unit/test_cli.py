"""The command `lslo`, on a small model with random weights."""

import io
import shutil

import pytest
import torch

import lslo.translation.translate
from lslo.adapters.adapter_description import AdapterDescription
from lslo.adapters.adapter_folder import save_adapter
from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.placement import add_lslo
from lslo.base_model.loading import base_model_fingerprint, load_base_model
from lslo.cli import _device, main


@pytest.fixture(scope="module")
def base_model(tmp_path_factory, tokenizer_folder, small_model):
    """A base model's folder: random weights and the tokenizer of the other tests."""
    folder = tmp_path_factory.mktemp("model")
    # Room for the pieces and for the hundred language tokens behind them.
    small_model(vocabulary=240).save_pretrained(folder)
    for file in tokenizer_folder.iterdir():
        shutil.copy(file, folder / file.name)
    return folder


def translate(monkeypatch, capsys, text, *arguments):
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    status = main(["translate", *map(str, arguments)])
    return status, capsys.readouterr()


def test_every_line_is_translated_and_empty_ones_stay(monkeypatch, capsys, base_model):
    arguments = ("--base-model", base_model, "--source", "en", "--target", "fr", "--beam", "1")
    status, output = translate(monkeypatch, capsys, "a house\n\nthe house\n", *arguments)
    assert status == 0
    lines = output.out.split("\n")
    assert len(lines) == 4
    assert lines[1] == lines[3] == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "en", "--target", "xx"], "no language token for 'xx'"),
        (["--source", "en", "--target", "fr", "--adapter", "/nowhere"], "/nowhere/adapter.json: not there"),
        (["--source", "en", "--target", "fr", "--device", "cuda:99"], "--device cuda:99: PyTorch cannot"),
        (["--source", "en", "--target", "fr", "--device", "x\ny"], "--device x y: PyTorch cannot"),
        (["--source", "en", "--target", "fr", "--device", "meta"], "--device meta: PyTorch cannot"),
        (["--source", "en", "--target", "fr", "--beam", "10000"], "a beam of 10000 is too wide"),
    ],
)
def test_a_users_error_is_one_line(monkeypatch, capsys, base_model, arguments, message):
    status, output = translate(monkeypatch, capsys, "a house\n", "--base-model", base_model, *arguments)
    assert status == 1
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert message in output.err
    assert output.err.count("\n") == 1


def test_a_language_that_the_adapter_lacks_is_refused(monkeypatch, capsys, base_model, tmp_path):
    model = load_base_model(base_model)
    strategy = IndexStrategy.fixed("SRC", model.config.encoder_layers, model.config.decoder_layers)
    ranks = {"en": 1, "fr": 1}
    _, placed = add_lslo(model, ranks, strategy)
    save_adapter(
        tmp_path,
        placed,
        AdapterDescription(
            setting="1;1;1+SRC",
            ranks=ranks,
            strategy=strategy,
            modules="all",
            base_model_sha256=base_model_fingerprint(base_model),
        ),
    )
    arguments = ("--base-model", base_model, "--adapter", tmp_path, "--source", "en", "--target", "de")
    status, output = translate(monkeypatch, capsys, "a house\n", *arguments)
    assert status == 1
    assert "the adapter has no language 'de', only en, fr" in output.err


def test_a_base_model_that_is_no_folder_is_told_apart_from_one_of_the_hub(monkeypatch, capsys, tmp_path):
    arguments = ("--base-model", "facebook/m2m100_418M", "--source", "en", "--target", "de")
    status, output = translate(monkeypatch, capsys, "a house\n", *arguments)
    assert status == 1
    assert output.err.startswith("error: --base-model facebook/m2m100_418M: there is no such folder; a model")
    assert output.err.count("\n") == 1
    # No key of the configuration is spoken of: the command has none.
    status, output = translate(monkeypatch, capsys, "a house\n", "--base-model", tmp_path, *arguments[2:])
    assert status == 1
    assert f"{tmp_path}/config.json: the base model has no such file" in output.err
    assert "`" not in output.err


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_device_and_precision_are_those_asked_for(monkeypatch, capsys, base_model, precision):
    seen, original = [], lslo.translation.translate.translate

    def watched(model, *arguments, **named):
        seen.append((model.device.type, {parameter.dtype for parameter in model.parameters()}))
        return original(model, *arguments, **named)

    monkeypatch.setattr("lslo.translation.translate.translate", watched)
    arguments = ("--base-model", base_model, "--source", "en", "--target", "fr", "--beam", "1")
    chosen = ("--device", "cpu", "--precision", precision)
    status, output = translate(monkeypatch, capsys, "a house\n", *arguments, *chosen)
    assert status == 0, output.err
    assert seen == [("cpu", {getattr(torch, precision)})]


def test_a_gpu_is_the_default_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert _device(None).type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert _device(None).type == "cpu"


def test_a_precision_that_does_not_exist_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["translate", "--base-model", "x", "--source", "a", "--target", "b", "--precision", "int8"])
    assert "float32" in capsys.readouterr().err


def test_a_device_whose_memory_is_full_is_told_in_one_line(monkeypatch, capsys, base_model):
    def full(*arguments, **named):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 TiB.\nGPU 0 has ...")

    monkeypatch.setattr("lslo.translation.translate.translate", full)
    arguments = ("--base-model", base_model, "--source", "en", "--target", "fr", "--device", "cpu")
    status, output = translate(monkeypatch, capsys, "a house\n", *arguments)
    assert status == 1
    assert output.err.startswith("error: --device cpu: its memory is full; give a lower --precision")
    assert output.err.count("\n") == 1
