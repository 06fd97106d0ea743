"""Weight learning: the table of layer weights, the strategy read off it, and that training moves them."""

import pandas as pd
import pytest
import torch

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.placement import add_weighted_lslo
from lslo.experiment.hyperparameters import Recipe
from lslo.experiment.languages import all_directions
from lslo.recipes.weight_learning import learned_strategy, weights_table
from lslo.training.batches import TrainingExamples
from lslo.training.trainer import Trainer


def test_table_has_a_row_a_layer_with_its_softmax(small_model):
    _, weights = add_weighted_lslo(small_model(), ["en", "de"], 1)
    with torch.no_grad():
        weights["encoder", 2].logits.copy_(torch.tensor([1.0, 0.0]))
        weights["decoder", 3].logits.copy_(torch.tensor([-2.0, 2.0]))
    table = weights_table(weights)
    assert list(table.columns) == ["side", "layer", "source_weight", "target_weight"]
    assert list(zip(table["side"], table["layer"], strict=True)) == list(weights)
    rows = table.set_index(["side", "layer"])
    assert rows.loc[("encoder", 1)].tolist() == [0.5, 0.5]
    assert rows.loc[("encoder", 2)].tolist() == pytest.approx([0.7310586, 0.2689414])
    assert rows.loc[("decoder", 3)].tolist() == pytest.approx([0.0179862, 0.9820138])


def table_of(encoder, decoder):
    rows = [
        {"side": side, "layer": layer, "source_weight": source, "target_weight": 1 - source}
        for side, weights in (("encoder", encoder), ("decoder", decoder))
        for layer, source in enumerate(weights, start=1)
    ]
    return pd.DataFrame(rows)


def test_each_layer_listens_to_the_side_of_the_larger_weight():
    table = table_of([0.9, 0.51, 0.49], [0.1, 0.8])
    assert learned_strategy(table) == IndexStrategy(("src", "src", "tgt"), ("tgt", "src"))


def test_equal_weights_mean_the_target():
    assert learned_strategy(table_of([0.5], [0.5])) == IndexStrategy(("tgt",), ("tgt",))


def test_layers_are_ordered_by_number_whatever_the_order_of_rows(tmp_path):
    encoder = [0.9, 0.1, 0.9, 0.1, 0.1, 0.9, 0.9, 0.1, 0.1, 0.9, 0.9, 0.1]
    table = table_of(encoder, [0.2] * 12)
    table.sample(frac=1, random_state=1).to_csv(tmp_path / "weights.csv", index=False)
    strategy = learned_strategy(pd.read_csv(tmp_path / "weights.csv"))
    assert strategy.encoder == tuple("src" if weight > 0.5 else "tgt" for weight in encoder)
    assert strategy.decoder == ("tgt",) * 12


def test_training_moves_every_layers_weights_and_not_the_base(small_model, toy_corpus):
    model = small_model()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    router, weights = add_weighted_lslo(model, toy_corpus.languages, 2, seed=3)
    examples = TrainingExamples.fixed(toy_corpus, toy_corpus.examples(all_directions(toy_corpus.languages)))
    recipe = Recipe(epochs=2, learning_rate=0.05, tokens_per_batch=300, tokens_per_update=300)
    Trainer(model, examples, recipe, router=router).run()
    table = weights_table(weights)
    assert (table["source_weight"] != 0.5).all()
    assert table["source_weight"].nunique() == 5
    assert (table["source_weight"] + table["target_weight"]).tolist() == pytest.approx([1.0] * 5)
    after = dict(model.named_parameters())
    for name, value in before.items():
        place, _, kind = name.rpartition(".")
        assert torch.equal(after.get(name, after.get(f"{place}.base.{kind}")), value)
