"""Adapters on disk: what was saved is what is loaded, and what does not fit is refused by name."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from lslo.adapters.adapter_description import AdapterDescription
from lslo.adapters.adapter_folder import load_codes, load_with_adapter, save_adapter
from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.parameter_counts import count_adapter
from lslo.adapters.placement import add_lslo
from lslo.base_model.loading import base_model_fingerprint, load_base_model

RANKS = {"en": 1, "or": 3, "de": 2}
STRATEGY = IndexStrategy(("src", "tgt"), ("tgt", "src", "tgt"))
INPUTS = {
    "input_ids": torch.tensor([[4, 11, 12, 2], [6, 13, 2, 1]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]),
    "decoder_input_ids": torch.tensor([[2, 6, 20], [2, 5, 21]]),
}
DIRECTIONS = torch.tensor([0, 1]), torch.tensor([1, 2])


@pytest.fixture(scope="module")
def base_folder(small_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    small_model().save_pretrained(folder)
    return folder


def saved(base_folder, folder, randomised, modules="all"):
    """A model with a random adapter, its router and modules; the adapter is in `folder`."""
    model = load_base_model(base_folder)
    router, placed = add_lslo(model, RANKS, STRATEGY, modules=modules)
    randomised([module.lslo for module in placed.values()])
    save_adapter(
        folder,
        placed,
        AdapterDescription(
            setting="1;2;3+WL",
            ranks=RANKS,
            strategy=STRATEGY,
            modules=modules,
            base_model_sha256=base_model_fingerprint(base_folder),
        ),
    )
    return model, router, placed


@pytest.mark.parametrize("modules", ["all", "fc"])
def test_a_loaded_adapter_gives_the_same_bits(base_folder, tmp_path, randomised, modules):
    model, router, _ = saved(base_folder, tmp_path / "adapter", randomised, modules)
    loaded, loaded_router = load_with_adapter(base_folder, tmp_path / "adapter")
    with router.route(*DIRECTIONS):
        expected = model(**INPUTS).logits
    with loaded_router.route(*DIRECTIONS):
        got = loaded(**INPUTS).logits
    assert torch.equal(got, expected)
    assert not torch.equal(got, load_base_model(base_folder)(**INPUTS).logits)
    assert loaded_router.languages == tuple(RANKS)
    assert not loaded.training


def test_the_file_has_a_tensor_a_language_and_matrix_in_the_papers_shapes(base_folder, tmp_path, randomised):
    _, _, placed = saved(base_folder, tmp_path, randomised, "fc")
    tensors = load_file(tmp_path / "adapter.safetensors")
    assert len(tensors) == len(placed) * len(RANKS) * 2
    for language, rank in RANKS.items():
        assert tensors[f"encoder.layers.0.fc1.{language}.A"].shape == (rank, 16)
        assert tensors[f"encoder.layers.0.fc1.{language}.B"].shape == (24, rank)
        assert tensors[f"decoder.layers.2.fc2.{language}.A"].shape == (rank, 24)
        assert tensors[f"decoder.layers.2.fc2.{language}.B"].shape == (16, rank)
    # B_l A_l from the file is what the module adds.
    matrix, module = next(iter(placed.items()))
    B, A = (tensors[f"{matrix.path}.de.{name}"] for name in "BA")
    assert torch.equal(B @ A, module.lslo.B_of(2) @ module.lslo.A_of(2))


def test_the_description_says_what_the_adapter_is(base_folder, tmp_path, randomised):
    saved(base_folder, tmp_path, randomised)
    assert json.loads((tmp_path / "adapter.json").read_text()) == {
        "setting": "1;2;3+WL",
        "ranks": RANKS,
        "codes": {"en": "en", "or": "or", "de": "de"},
        "index_strategy": {"encoder": ["src", "tgt"], "decoder": ["tgt", "src", "tgt"]},
        "modules": "all",
        "base_model_sha256": base_model_fingerprint(base_folder),
    }


def test_the_description_keeps_codes_that_are_others(base_folder, tmp_path, randomised):
    _, _, placed = saved(base_folder, tmp_path / "one", randomised)
    save_adapter(
        tmp_path / "other",
        placed,
        AdapterDescription(
            setting="1;2;3+WL",
            ranks=RANKS,
            strategy=STRATEGY,
            modules="all",
            base_model_sha256=base_model_fingerprint(base_folder),
            codes={"en": "eng_Latn", "or": "ory_Orya", "xx": "of another experiment"},
        ),
    )
    assert load_codes(tmp_path / "other") == {"en": "eng_Latn", "or": "ory_Orya", "de": "de"}
    load_with_adapter(base_folder, tmp_path / "other")


def test_without_an_adapter_it_is_the_base_model(base_folder):
    model, router = load_with_adapter(base_folder, None)
    assert router is None
    assert torch.equal(model(**INPUTS).logits, load_base_model(base_folder)(**INPUTS).logits)


def test_a_fully_fine_tuned_folder_is_loaded_as_it_is(base_folder, small_model, tmp_path):
    tuned = small_model(seed=9)
    tuned.save_pretrained(tmp_path)
    model, router = load_with_adapter(base_folder, tmp_path)
    assert router is None
    assert torch.equal(model(**INPUTS).logits, tuned(**INPUTS).logits)


def test_fingerprint_sees_weights_and_configuration(base_folder, small_model, tmp_path):
    small_model().save_pretrained(tmp_path)
    assert base_model_fingerprint(tmp_path) == base_model_fingerprint(base_folder)
    configuration = tmp_path / "config.json"
    configuration.write_text(configuration.read_text() + "\n")
    assert base_model_fingerprint(tmp_path) != base_model_fingerprint(base_folder)
    small_model(seed=2).save_pretrained(tmp_path)
    assert base_model_fingerprint(tmp_path) != base_model_fingerprint(base_folder)


def test_an_adapter_of_another_base_model_is_refused(base_folder, small_model, tmp_path, randomised):
    saved(base_folder, tmp_path / "adapter", randomised)
    small_model(seed=2).save_pretrained(tmp_path / "other")
    with pytest.raises(ValueError, match=r"adapter\.json: .*another base model than .*other"):
        load_with_adapter(tmp_path / "other", tmp_path / "adapter")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_missing_file_of_the_base_model_is_named(small_model, tmp_path, missing):
    small_model().save_pretrained(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(FileNotFoundError, match=missing):
        load_base_model(tmp_path)


def remove_description(folder):
    (folder / "adapter.json").unlink()


def spoil_description(folder):
    (folder / "adapter.json").write_text("{")


def drop_key(folder):
    description = json.loads((folder / "adapter.json").read_text())
    del description["ranks"]
    (folder / "adapter.json").write_text(json.dumps(description))


def truncate_weights(folder):
    weights = folder / "adapter.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def remove_weights(folder):
    (folder / "adapter.safetensors").unlink()


def change_tensors(change):
    def spoil(folder):
        tensors = load_file(folder / "adapter.safetensors")
        change(tensors)
        save_file(tensors, folder / "adapter.safetensors")

    return spoil


NAME = "decoder.layers.1.encoder_attn.v_proj.or.B"


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (remove_description, FileNotFoundError, r"adapter\.json: not there"),
        (spoil_description, ValueError, r"adapter\.json: not an adapter's description"),
        (drop_key, ValueError, r"adapter\.json: .*'ranks'"),
        (truncate_weights, ValueError, r"adapter\.safetensors: cannot be read"),
        (remove_weights, ValueError, r"adapter\.safetensors: cannot be read"),
        (
            change_tensors(lambda tensors: tensors.pop(NAME)),
            ValueError,
            rf"'{NAME}' is missing or not of shape",
        ),
        (
            change_tensors(lambda tensors: tensors.update({NAME: torch.zeros(16, 2)})),
            ValueError,
            rf"'{NAME}' is missing or not of shape \[16, 3\]",
        ),
        (
            change_tensors(lambda tensors: tensors.update({"encoder.x.fr.A": torch.zeros(1)})),
            ValueError,
            r"'encoder\.x\.fr\.A' has no place",
        ),
    ],
)
def test_a_faulty_adapter_is_refused_naming_file_and_part(
    base_folder, tmp_path, randomised, spoil, error, message
):
    saved(base_folder, tmp_path, randomised)
    # One that was made by other hands has no hashes.
    (tmp_path / "SHA256SUMS").unlink()
    spoil(tmp_path)
    with pytest.raises(error, match=message) as raised:
        load_with_adapter(base_folder, tmp_path)
    assert str(tmp_path) in str(raised.value)


def test_counts_tell_true_nonzero_and_the_papers(base_folder, tmp_path, randomised):
    _, _, placed = saved(base_folder, tmp_path / "adapter", randomised, "fc")
    with torch.no_grad():
        next(iter(placed.values())).lslo.B[:2] = 0
    counts = count_adapter(placed, 16)
    assert counts.true == 10 * 6 * (16 + 24)
    assert counts.nonzero == counts.true - 2 * 24
    assert counts.paper == 10 * 6 * 2 * 16
    counts.write(tmp_path / "parameters.json")
    assert json.loads((tmp_path / "parameters.json").read_text()) == {
        "true": counts.true,
        "nonzero": counts.nonzero,
        "paper": counts.paper,
    }


@pytest.mark.parametrize("name", ["adapter.safetensors", "adapter.json"])
@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_adapter_is_found_by_its_hash(base_folder, tmp_path, randomised, name, damage):
    saved(base_folder, tmp_path, randomised)
    content = bytearray((tmp_path / name).read_bytes())
    # Within the last tensor, or a number of the description: all else would read well.
    content[-5] ^= 1
    (tmp_path / name).write_bytes(content if damage == "flipped" else content[:-1])
    with pytest.raises(ValueError, match=rf"^{tmp_path / name}: damaged, its SHA-256 is not that of"):
        load_with_adapter(base_folder, tmp_path)
