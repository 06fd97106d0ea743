"""Adapters, base models and tokenizers are whole and finite, or refused by file; no code of theirs is run."""

import json
import shutil

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from hostile_input import accepted, bounded, flipped
from lslo.adapters.adapter_description import AdapterDescription
from lslo.adapters.adapter_folder import load_codes, load_with_adapter, save_adapter
from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.placement import add_lslo
from lslo.base_model.loading import base_model_fingerprint, load_base_model
from lslo.base_model.tokenizer import Tokenizer
from lslo.experiment.hyperparameters import Decoding
from lslo.translation.beam_search import beam_search

RANKS = {"en": 1, "or": 2}
STRATEGY = IndexStrategy(("src", "tgt"), ("tgt", "src", "tgt"))


@pytest.fixture(scope="module")
def base_folder(small_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    small_model().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def sound_adapter(base_folder, tmp_path_factory, randomised):
    """An adapter folder that is as it should be: its description, and its tensors."""
    folder = tmp_path_factory.mktemp("adapter")
    _, placed = add_lslo(load_base_model(base_folder), RANKS, STRATEGY, modules="fc")
    randomised([module.lslo for module in placed.values()])
    save_adapter(
        folder,
        placed,
        AdapterDescription(
            setting="1;1;2+WL@fc",
            ranks=RANKS,
            strategy=STRATEGY,
            modules="fc",
            base_model_sha256=base_model_fingerprint(base_folder),
        ),
    )
    return json.loads((folder / "adapter.json").read_text()), load_file(folder / "adapter.safetensors")


VALUES = st.sampled_from(
    (
        *(None, True, 0, -1, 1.5, 10**6, 10**30, "x", "fc", "all", [], {}, ["src"], {"en": 1}),
        *({"or": 2, "en": 1}, {"en": True, "or": 2}, {"en": "1"}, {"a\nb": 1, "../x": 2}, {"en": 0, "or": 0}),
        *(
            {"en": 99999, "or": 2},
            {"encoder": ["src"], "decoder": ["tgt"]},
            {"encoder": "src", "decoder": "tgt"},
        ),
        {"encoder": ["src", []], "decoder": ["tgt"]},
        {"encoder": ["src", "tgt"], "decoder": ["tgt"] * 3, "x": 1},
    )
)


@bounded(60)
@given(
    st.dictionaries(
        st.sampled_from(["ranks", "codes", "index_strategy", "modules", "setting", "x"]), VALUES, min_size=1
    )
)
def test_a_description_fits_the_adapter_or_is_refused(tmp_path, base_folder, sound_adapter, changes):
    description, tensors = sound_adapter
    (tmp_path / "adapter.json").write_text(json.dumps(description | changes))
    save_file(tensors, tmp_path / "adapter.safetensors")
    found = accepted([tmp_path, "adapter."], load_with_adapter, base_folder, tmp_path)
    if found is not None:
        router = found[1]
        assert set(router.languages) == set(RANKS)


@pytest.mark.parametrize(
    "codes",
    [
        *(None, [], {}, "en", 1, {"en": "en"}, {"en": "en", "or": "or", "de": "de"}, {"en": "en", "or": 1}),
        *({"en": "en", "or": None}, {"en": "en", "or": ["or"]}, {"en": "en", "or": ""}),
        *({"en": "en", "or": piece} for piece in ("../or", "o r", "or\n", "\ud800", "__or__", "x" * 101)),
        {"en": "en", "or\n": "or"},
    ],
)
def test_codes_that_are_none_are_refused_by_file(tmp_path, base_folder, sound_adapter, codes):
    description, tensors = sound_adapter
    (tmp_path / "adapter.json").write_text(json.dumps(description | {"codes": codes}))
    save_file(tensors, tmp_path / "adapter.safetensors")
    for refusing in (lambda: load_with_adapter(base_folder, tmp_path), lambda: load_codes(tmp_path)):
        with pytest.raises(ValueError, match=f"^{tmp_path / 'adapter.json'}: .*code") as error:
            refusing()
        assert str(error.value).isprintable()


@bounded(60)
@given(data=st.data())
@example(None)
def test_a_description_that_is_damaged_is_refused(tmp_path, base_folder, sound_adapter, data):
    description, tensors = sound_adapter
    content = b"[" * 5000 if data is None else data.draw(flipped(json.dumps(description).encode()))
    (tmp_path / "adapter.json").write_bytes(content)
    save_file(tensors, tmp_path / "adapter.safetensors")
    accepted([tmp_path, "adapter."], load_with_adapter, base_folder, tmp_path)


@bounded(60)
@given(data=st.data())
def test_weights_that_are_damaged_are_refused_or_finite(tmp_path, base_folder, sound_adapter, data):
    description, tensors = sound_adapter
    (tmp_path / "adapter.json").write_text(json.dumps(description))
    save_file(tensors, tmp_path / "adapter.safetensors")
    content = (tmp_path / "adapter.safetensors").read_bytes()
    if data.draw(st.booleans()):
        # The header, where names, types and shapes are.
        size = 8 + int.from_bytes(content[:8], "little")
        content = data.draw(flipped(content[:size])) + content[size:]
    else:
        content = data.draw(flipped(content))
    (tmp_path / "adapter.safetensors").write_bytes(content)
    found = accepted([tmp_path / "adapter.safetensors"], load_with_adapter, base_folder, tmp_path)
    if found is not None:
        assert all(parameter.isfinite().all() for parameter in found[0].parameters())


NAME = "decoder.layers.1.fc1.or.B"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda tensors: tensors[NAME][0].fill_(torch.nan), "no finite numbers"),
        (lambda tensors: tensors[NAME][0].fill_(-torch.inf), "no finite numbers"),
        (lambda tensors: tensors.update({NAME: tensors[NAME].int()}), "no finite numbers"),
        (lambda tensors: tensors.update({NAME: tensors[NAME].bool()}), "no finite numbers"),
        (lambda tensors: tensors.update({NAME: tensors[NAME].to(torch.complex64)}), "no finite numbers"),
        (lambda tensors: tensors.update({NAME: tensors[NAME].double() * 1e300}), "no finite numbers"),
        (lambda tensors: tensors.update({NAME: tensors[NAME].T.contiguous()}), "shape"),
        (lambda tensors: tensors.update({"a\nb": torch.zeros(1)}), r"'a\\nb' has no place"),
    ],
)
def test_weights_that_are_no_numbers_are_named(tmp_path, base_folder, sound_adapter, change, fault):
    description, tensors = sound_adapter
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    change(tensors)
    (tmp_path / "adapter.json").write_text(json.dumps(description))
    save_file(tensors, tmp_path / "adapter.safetensors")
    with pytest.raises(ValueError, match=rf"adapter\.safetensors: .*{fault}") as error:
        load_with_adapter(base_folder, tmp_path)
    assert str(error.value).isprintable()


@pytest.fixture
def base_copy(base_folder, tmp_path):
    return shutil.copytree(base_folder, tmp_path / "base")


def change_configuration(folder, **values):
    configuration = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(configuration | values))


@pytest.mark.parametrize(
    "values",
    [
        {"encoder_layers": 3},
        {"encoder_layers": "x"},
        {"encoder_attention_heads": 0},
        {"encoder_attention_heads": 3},
        {"d_model": 32},
        {"vocab_size": 41},
        {"activation_function": "x"},
    ],
)
def test_a_base_model_that_is_not_whole_is_refused(base_copy, values):
    change_configuration(base_copy, **values)
    assert accepted([base_copy], load_base_model, base_copy) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_base_models_damaged_file_is_refused(base_copy, name, content):
    (base_copy / name).write_bytes(content)
    assert accepted([base_copy], load_base_model, base_copy) is None


def test_a_base_model_without_a_tensor_is_not_filled_up_with_random_numbers(base_copy):
    tensors = load_file(base_copy / "model.safetensors")
    del tensors["model.decoder.layers.0.fc1.weight"]
    save_file(tensors, base_copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ValueError, match=r"model\.safetensors: has no tensor 'model\.decoder\.layers\.0\.fc1\.weight'"
    ):
        load_base_model(base_copy)


def test_a_base_model_that_is_not_finite_is_refused(base_copy):
    tensors = load_file(base_copy / "model.safetensors")
    tensors["model.decoder.layers.0.fc1.weight"][0, 0] = torch.nan
    save_file(tensors, base_copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ValueError, match=r"'model\.decoder\.layers\.0\.fc1\.weight' has values that are no finite"
    ):
        load_base_model(base_copy)


def test_a_beam_that_is_wider_than_the_vocabulary_is_refused(small_model):
    source = torch.tensor([[4, 11, 2]])
    with pytest.raises(ValueError, match="a beam of 21 is too wide for 40 pieces"):
        beam_search(small_model(), source, torch.tensor([5]), Decoding(beam=21))


@pytest.mark.parametrize("name", ["vocab.json", "sentencepiece.bpe.model", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"a": {"b": []}}', b"\xff", b"[" * 5000])
def test_a_tokenizers_damaged_file_is_refused(tmp_path, tokenizer_folder, name, content):
    folder = shutil.copytree(tokenizer_folder, tmp_path / "tokenizer")
    (folder / name).write_bytes(content)
    tokenizer = accepted([folder], Tokenizer, folder)
    # Options that transformers does not know do no harm.
    assert tokenizer is None or (name == "tokenizer_config.json" and tokenizer.language_token("en"))


@pytest.mark.parametrize("kind", ["m2m_100", "unheard_of"])
def test_code_that_lies_beside_a_model_is_not_run(monkeypatch, tmp_path, tokenizer_folder, kind):
    folder, marker = shutil.copytree(tokenizer_folder, tmp_path / "tokenizer"), tmp_path / "was_run"
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w')\nEvil = dict\n")
    automatic = {"AutoConfig": "evil.Evil", "AutoTokenizer": ["evil.Evil", "evil.Evil"]}
    (folder / "config.json").write_text(json.dumps({"model_type": kind, "auto_map": automatic}))
    configuration = json.loads((folder / "tokenizer_config.json").read_text())
    configuration |= {"auto_map": automatic, "tokenizer_class": "Evil"}
    (folder / "tokenizer_config.json").write_text(json.dumps(configuration))
    # transformers would ask.
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    accepted([folder], Tokenizer, folder)
    assert not marker.exists()
