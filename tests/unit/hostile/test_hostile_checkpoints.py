"""fairseq's checkpoints become whole models, or are refused by file; nothing that lies in them is run."""

import io
import os
import shutil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fairseq_archive import checkpoint_of
from hostile_input import accepted, bounded, flipped
from lslo.base_model.fairseq_checkpoint import read_checkpoint
from lslo.base_model.fairseq_conversion import _configuration, _rename, _tied_embeddings, convert_fairseq
from lslo.base_model.loading import load_base_model


class Evil:
    """Runs a command when it is unpickled in the ordinary way."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@bounded(30)
@given(
    st.lists(st.sampled_from(["args", "model", "x", "cfg", "optimizer_history"]), min_size=1, max_size=4),
    st.booleans(),
)
def test_a_pickle_anywhere_in_a_checkpoint_is_not_run(tmp_path, keys, zipped):
    marker = tmp_path / "was_run"
    state = inner = {"model": {}, "args": None}
    for key in keys:
        inner[key] = {}
        inner = inner[key]
    inner["evil"] = [Evil(marker)]
    torch.save(state, tmp_path / "model.pt", _use_new_zipfile_serialization=zipped)
    assert accepted([tmp_path / "model.pt", "system"], read_checkpoint, tmp_path / "model.pt") is None
    assert not marker.exists()


@pytest.fixture(scope="module")
def checkpoint(small_model):
    file = io.BytesIO()
    torch.save(checkpoint_of(small_model()), file)
    return file.getvalue()


@bounded(100)
@given(data=st.data())
def test_a_damaged_checkpoint_is_read_or_refused(tmp_path, checkpoint, data):
    (tmp_path / "model.pt").write_bytes(data.draw(flipped(checkpoint)))
    found = accepted([tmp_path / "model.pt"], read_checkpoint, tmp_path / "model.pt")
    assert found is None or all(isinstance(tensor, torch.Tensor) for tensor in found[1].values())


OPTIONS = ["encoder_layers", "decoder_layers", "encoder_ffn_embed_dim", "encoder_attention_heads", "dropout"]
OPTIONS += [
    "activation_fn",
    "encoder_langtok",
    "max_source_positions",
    "encoder_layerdrop",
    "layernorm_embedding",
]
STRANGE = [None, True, 0, -1, 2.5, 10**9, 10**30, float("nan"), float("inf"), "x", "3", "", [], ["src"], {}]
STRANGE += [torch.zeros(2), torch.tensor(3), b"x"]


@bounded(60)
@given(st.dictionaries(st.sampled_from(OPTIONS), st.sampled_from(STRANGE), min_size=1, max_size=2))
def test_options_describe_the_tensors_or_are_refused(tmp_path, small_model, options):
    path = tmp_path / "model.pt"
    torch.save(checkpoint_of(small_model(), **options), path)

    def convert():
        found, tensors = read_checkpoint(path)
        embeddings = _tied_embeddings(path, tensors)
        return _rename(path, tensors, embeddings, _configuration(path, found, embeddings))

    weights = accepted([path], convert)
    assert weights is None or weights["model.shared.weight"].shape == (40, 16)


FC1 = "encoder.layers.0.fc1.weight"


@pytest.mark.parametrize(
    ("tensor", "fault"),
    [
        (5, "is not a tensor"),
        ("x", "is not a tensor"),
        (torch.zeros(24, 16, dtype=torch.int32), "floating-point"),
        (torch.zeros(24, 16, dtype=torch.complex64), "floating-point"),
        (torch.zeros(24, 16).to_sparse(), "floating-point|cannot be read"),
        (torch.zeros(1).expand(10**7, 10**7), "shape"),
        (torch.zeros(()), "shape"),
    ],
)
def test_a_tensor_that_is_none_is_refused(tmp_path, small_model, tokenizer_folder, tensor, fault):
    state = checkpoint_of(small_model())
    state["model"][FC1] = tensor
    archive = archive_of(tmp_path, state, tokenizer_folder)
    with pytest.raises(ValueError, match=fault) as error:
        convert_fairseq(archive, tmp_path / "converted")
    assert str(archive / "model.pt") in str(error.value)
    assert not (tmp_path / "converted").exists()


def archive_of(tmp_path, state, tokenizer_folder):
    """An archive's folder whose dictionary fits the forty rows of the model."""
    archive = tmp_path / "archive"
    archive.mkdir()
    torch.save(state, archive / "model.pt")
    shutil.copy(tokenizer_folder / "sentencepiece.bpe.model", archive)
    symbols = [f"s{number}" for number in range(34)] + ["__en__", "__de__"]
    (archive / "dict.txt").write_text("".join(f"{symbol} 1\n" for symbol in symbols))
    (archive / "language_pairs.txt").write_text("en-de")
    return archive


def test_tensors_that_share_memory_are_converted_apart(tmp_path, small_model, tokenizer_folder):
    state = checkpoint_of(small_model())
    names = ["encoder.layers.0.fc1.weight", "encoder.layers.1.fc1.weight", "decoder.layers.0.fc1.weight"]
    state["model"][names[1]] = state["model"][names[0]]
    state["model"][names[2]] = torch.arange(2.0 * 24 * 16).view(48, 16)[24:]
    convert_fairseq(archive_of(tmp_path, state, tokenizer_folder), tmp_path / "converted")
    converted = load_base_model(tmp_path / "converted").state_dict()
    for name in names:
        assert torch.equal(converted[f"model.{name}"], state["model"][name])
