"""ISE and LSP: the groups they prune, Equation 5's score and its sum; which matrices GPS prunes."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.placement import add_lslo
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.recipes.pruning_groups import A_matrix, B_matrix, gps_groups
from lslo.recipes.subspaces import SubspaceAnalysis
from lslo.training.pruning import GradualPruner

LANGUAGES = ("en", "de", "or")
STRATEGY = IndexStrategy(("src", "tgt"), ("tgt", "src", "tgt"))
SCHEDULE = GradualPruningSchedule(0.7, 2, 8)
GROUPS = {"ise": ["side", "layer"], "lsp": ["language"]}


@pytest.fixture
def placed(small_model, randomised):
    """LSLo modules of rank 4 with random B, larger for or and in the decoder's feed-forward layers."""
    _, placed = add_lslo(small_model(), dict.fromkeys(LANGUAGES, 4), STRATEGY)
    randomised([module.lslo for module in placed.values()])
    with torch.no_grad():
        for matrix, module in placed.items():
            module.lslo.B_of(2).mul_(2.0)
            if (matrix.side, matrix.module) == ("decoder", "fc1"):
                module.lslo.B.mul_(1.5)
    return placed


def train_a_little(placed, pruner, generator):
    with torch.no_grad():
        for module in placed.values():
            module.lslo.B.add_(0.05 * torch.randn(module.lslo.B.shape, generator=generator))
    pruner.mask_weights()


@pytest.mark.parametrize("analysis", ["ise", "lsp"])
def test_scores_of_every_group_sum_to_zero_but_for_rounding(placed, analysis):
    estimation = SubspaceAnalysis(analysis, placed, LANGUAGES, SCHEDULE)
    generator = torch.Generator().manual_seed(1)
    for epoch in range(1, 16):
        estimation.pruner.start_epoch(epoch)
        train_a_little(placed, estimation.pruner, generator)
    table = estimation.scores()
    assert list(table.columns) == ["side", "layer", "module", "language", "size", "pruned", "score"]
    assert len(table) == len(placed) * len(LANGUAGES)
    assert (table["score"] == table["pruned"] - 0.7 * table["size"]).all()
    sums = table.groupby(GROUPS[analysis])[["score", "size", "pruned"]].sum()
    assert len(sums) == {"ise": 5, "lsp": 3}[analysis]
    assert (sums["score"].abs() <= 0.5 + 1e-6).all()
    assert (sums["pruned"] == (0.7 * sums["size"]).round()).all()
    assert table["score"].abs().max() > 5
    by_language = table.groupby("language")["score"].sum()
    if analysis == "ise":
        # Where weights are larger less is pruned: that language's demand (the negated score) is higher.
        assert by_language["or"] < -50
        assert min(by_language["en"], by_language["de"]) > 20
    else:
        decoder = table[table["side"] == "decoder"].groupby("module")["score"].sum()
        assert decoder.idxmin() == "fc1"


@pytest.mark.parametrize("analysis", ["ise", "lsp"])
def test_masks_are_those_of_global_unstructured_on_each_group(placed, analysis):
    estimation = SubspaceAnalysis(analysis, placed, LANGUAGES, GradualPruningSchedule(0.7, 0, 1))
    copies = {}
    for matrix, module in placed.items():
        for index, language in enumerate(LANGUAGES):
            copies[matrix, language] = nn.Module()
            copies[matrix, language].B = nn.Parameter(module.lslo.B_of(index).detach().contiguous())
    keys = {
        "ise": lambda matrix, language: (matrix.side, matrix.layer),
        "lsp": lambda matrix, language: language,
    }
    groups = {}
    for key, module in copies.items():
        groups.setdefault(keys[analysis](*key), []).append((module, "B"))
    for group in groups.values():
        prune.global_unstructured(group, prune.L1Unstructured, amount=0.7)
    estimation.pruner.start_epoch(1)
    for row in estimation.scores().itertuples():
        matrix = next(m for m in placed if (m.side, m.layer, m.module) == (row.side, row.layer, row.module))
        mask = copies[matrix, row.language].B_mask
        assert row.pruned == int((mask == 0).sum())
        assert row.size == mask.numel()
        B = B_matrix(placed[matrix], LANGUAGES.index(row.language))
        assert torch.equal(estimation.pruner.mask(B), mask.t())


@pytest.mark.parametrize("analysis", ["ise", "lsp"])
def test_only_B_is_pruned(placed, analysis):  # noqa: N802 - B is the paper's name
    before = [module.lslo.A.detach().clone() for module in placed.values()]
    estimation = SubspaceAnalysis(analysis, placed, LANGUAGES, SCHEDULE)
    estimation.pruner.start_epoch(15)
    assert all(torch.equal(module.lslo.A, A) for module, A in zip(placed.values(), before, strict=True))
    table = estimation.scores()
    assert table["pruned"].sum() / table["size"].sum() == pytest.approx(0.7, abs=1e-3)


def test_matrices_are_views_of_the_languages_own_rows(placed):
    module = next(iter(placed.values()))
    for language in range(3):
        assert torch.equal(A_matrix(module, language).values(), module.lslo.A_of(language))
        assert torch.equal(B_matrix(module, language).values(), module.lslo.B_of(language).t())
    B_matrix(module, 1).values().zero_()
    assert module.lslo.B_of(1).count_nonzero() == 0
    assert module.lslo.B_of(0).count_nonzero() > 0


def test_gps_prunes_each_A_and_B_of_its_languages_on_its_own(small_model, randomised):  # noqa: N802
    _, placed = add_lslo(small_model(), {"en": 2, "de": 1, "or": 5}, STRATEGY)
    randomised([module.lslo for module in placed.values()])
    with torch.no_grad():
        for module in placed.values():
            module.lslo.A_of(0).mul_(100.0)
    pruner = GradualPruner(gps_groups(placed, [0, 1]), GradualPruningSchedule(0.9, 2, 8))
    assert [len(group) for group in pruner.groups] == [1] * (len(placed) * 2 * 2)
    pruner.start_epoch(10)
    for module in placed.values():
        for language in (0, 1):
            for matrix in (module.lslo.A_of(language), module.lslo.B_of(language)):
                assert int((matrix == 0).sum()) == round(0.9 * matrix.numel())
        assert (module.lslo.A_of(2) != 0).all()
        assert (module.lslo.B_of(2) != 0).all()


def test_gps_leaves_out_languages_of_rank_zero(small_model):
    _, placed = add_lslo(small_model(), {"en": 0, "de": 1}, STRATEGY, modules="fc")
    pruner = GradualPruner(gps_groups(placed, [0, 1]), GradualPruningSchedule(0.5, 0, 1))
    assert len(pruner.groups) == len(placed) * 2
    pruner.start_epoch(1)
