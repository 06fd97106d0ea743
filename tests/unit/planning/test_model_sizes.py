"""The sizes of models and adapters, against real ones."""

import pytest

from lslo.adapters.adapter_description import AdapterDescription
from lslo.adapters.adapter_folder import save_adapter
from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.parameter_counts import count_adapter
from lslo.adapters.placement import add_lslo
from lslo.base_model.loading import base_model_fingerprint
from lslo.planning.model_sizes import KNOWN_MODELS, ModelSizes


@pytest.mark.parametrize("modules", ["all", "fc"])
def test_parameters_and_files(model, sizes, modules, tmp_path):
    assert sizes.parameters == sum(parameter.numel() for parameter in model.parameters())
    folder = tmp_path / "model"
    model.save_pretrained(folder)
    assert ModelSizes.read(folder / "config.json") == sizes
    assert sizes.model_bytes(4) == pytest.approx((folder / "model.safetensors").stat().st_size, rel=0.05)

    ranks = {"en": 1, "de": 3, "or": 8}
    strategy = IndexStrategy(("src",) * 2, ("tgt",) * 3)
    _, placed = add_lslo(model, ranks, strategy, modules=modules)
    assert sizes.adapter_parameters(ranks, modules) == count_adapter(placed, 16).true
    description = AdapterDescription(
        setting="1;3;8+SRC",
        ranks=ranks,
        strategy=strategy,
        modules=modules,
        base_model_sha256=base_model_fingerprint(folder),
    )
    save_adapter(tmp_path / "adapter", placed, description)
    size = (tmp_path / "adapter/adapter.safetensors").stat().st_size
    assert sizes.adapter_bytes(ranks, modules) == pytest.approx(size, rel=0.08)


def test_known_models_have_the_sizes_of_their_names():
    for name, millions in (
        ("m2m124_615M", 615),
        ("m2m124_175M", 175),
        ("facebook/m2m100_418M", 484),
        ("facebook/m2m100_1.2B", 1239),
        ("facebook/nllb-200-distilled-600M", 615),
        ("facebook/nllb-200-3.3B", 3345),
    ):
        assert KNOWN_MODELS[name].parameters == pytest.approx(millions * 1e6, rel=0.01)
    # `8;8;8` on lang12.
    assert KNOWN_MODELS["m2m124_615M"].adapter_parameters(dict.fromkeys(map(str, range(12)), 8)) == 44_826_624


def test_a_configuration_that_is_none_is_named(tmp_path):
    file = tmp_path / "config.json"
    file.write_text('{"d_model": 16}')
    with pytest.raises(ValueError, match=r"config\.json: not the configuration of an M2M100 model"):
        ModelSizes.read(file)
