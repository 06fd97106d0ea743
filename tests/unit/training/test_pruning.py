"""The masks are PyTorch's, and pruned weights stay zero while training."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.training.pruning import GradualPruner, PrunedMatrix


def random_parameter(rows, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    return nn.Parameter(torch.randn(rows, columns, generator=generator))


def module_with(weight):
    module = nn.Module()
    module.weight = nn.Parameter(weight.detach().clone())
    return module


def pruned_ratio(pruner):
    matrices = [matrix for group in pruner.groups for matrix in group]
    return sum(map(pruner.pruned, matrices)) / sum(matrix.size for matrix in matrices)


def only(ratio):
    """A schedule that prunes to `ratio` in epoch 1."""
    return GradualPruningSchedule(ratio, 0, 1)


@pytest.mark.parametrize("ratio", [0.1, 0.3, 0.5, 0.7, 0.9, 0.123])
def test_mask_of_a_matrix_is_that_of_l1_unstructured(ratio):
    parameter = random_parameter(7, 11, seed=1)
    before = parameter.detach().clone()
    matrix = PrunedMatrix(parameter, slice(2, 6))
    pruner = GradualPruner([[matrix]], only(ratio))
    pruner.start_epoch(1)
    expected = prune.l1_unstructured(module_with(before[2:6]), "weight", amount=ratio)
    assert torch.equal(pruner.mask(matrix), expected.weight_mask)
    assert torch.equal(parameter[2:6], expected.weight)
    assert pruner.pruned(matrix) == round(ratio * 44)
    assert pruned_ratio(pruner) == pytest.approx(round(ratio * 44) / 44)
    # What else the parameter holds is nobody's to prune.
    assert torch.equal(parameter[:2], before[:2])
    assert torch.equal(parameter[6:], before[6:])


@pytest.mark.parametrize("ratio", [0.2, 0.7])
def test_masks_of_a_group_are_those_of_global_unstructured(ratio):
    first, second = random_parameter(8, 5, seed=2), random_parameter(4, 9, seed=3)
    with torch.no_grad():
        second.mul_(0.3)
    matrices = [
        PrunedMatrix(first, slice(0, 2)),
        PrunedMatrix(first, slice(4, 8)),
        PrunedMatrix(second, slice(1, 4)),
    ]
    modules = [module_with(matrix.values()) for matrix in matrices]
    pruner = GradualPruner([matrices], only(ratio))
    pruner.start_epoch(1)
    prune.global_unstructured([(m, "weight") for m in modules], prune.L1Unstructured, amount=ratio)
    for matrix, module in zip(matrices, modules, strict=True):
        assert torch.equal(pruner.mask(matrix), module.weight_mask)
    shares = [pruner.pruned(matrix) / matrix.size for matrix in matrices]
    assert shares[2] > max(shares[:2]) + 0.1


def test_groups_are_pruned_apart():
    large, small = random_parameter(4, 5, seed=4), random_parameter(4, 5, seed=5)
    with torch.no_grad():
        small.mul_(0.01)
    whole = slice(0, 4)
    groups = [[PrunedMatrix(large, whole)], [PrunedMatrix(small, whole)]]
    pruner = GradualPruner(groups, only(0.5))
    pruner.start_epoch(1)
    assert [pruner.pruned(group[0]) for group in groups] == [10, 10]


def test_growing_ratio_equals_pytorch_pruning_the_rest_again():
    """l1_unstructured applied again prunes of what is left; counted like that the masks are the same."""
    schedule = GradualPruningSchedule(0.9, 2, 8)
    parameter = random_parameter(10, 12, seed=6)
    matrix = PrunedMatrix(parameter, slice(0, 10))
    pruner = GradualPruner([[matrix]], schedule)
    module = nn.Linear(12, 10)
    module.weight = nn.Parameter(parameter.detach().clone())
    generator = torch.Generator().manual_seed(7)
    before = torch.ones_like(parameter)
    for epoch in range(1, 16):
        target = round(schedule.ratio_at(epoch) * 120)
        pruned_so_far = int(120 - before.sum())
        if target > pruned_so_far:
            prune.l1_unstructured(module, "weight", amount=target - pruned_so_far)
        pruner.start_epoch(epoch)
        mask = pruner.mask(matrix).clone()
        assert int(120 - mask.sum()) == target
        assert not (mask > before).any()
        if target:
            assert torch.equal(mask, module.weight_mask)
        before = mask
        # An epoch of training: the weights that are left move.
        step = torch.randn(10, 12, generator=generator)
        with torch.no_grad():
            parameter.add_(step)
            (module.weight_orig if target else module.weight).add_(step)
        module(torch.zeros(12))  # torch.nn.utils.prune masks the weights anew in the forward pass
        pruner.mask_weights()
    assert int(mask.sum()) == 12


@pytest.mark.parametrize("seed", range(3))
def test_a_pruned_weight_stays_pruned_among_others_that_are_zero(seed):
    """B starts at zero, and where a unit of the feed-forward layer is dead it stays there."""
    schedule = GradualPruningSchedule(0.7, 2, 8)
    generator = torch.Generator().manual_seed(seed)
    parameter = random_parameter(16, 64, seed=seed)
    alive = torch.rand(16, 64, generator=generator) < 0.2
    matrix = PrunedMatrix(parameter, slice(0, 16))
    pruner = GradualPruner([[matrix]], schedule)
    before = torch.ones_like(parameter)
    for epoch in range(1, 16):
        with torch.no_grad():
            parameter.copy_(torch.randn(16, 64, generator=generator) * alive)
        pruner.mask_weights()
        pruner.start_epoch(epoch)
        assert pruner.pruned(matrix) == round(schedule.ratio_at(epoch) * 1024)
        assert not (pruner.mask(matrix) > before).any()
        before = pruner.mask(matrix).clone()


def test_pruned_weights_stay_zero_under_adam_and_the_others_move():
    parameter = random_parameter(6, 8, seed=8)
    other = random_parameter(6, 8, seed=9)
    matrix = PrunedMatrix(parameter, slice(0, 4))
    pruner = GradualPruner([[matrix]], GradualPruningSchedule(0.5, 1, 2))
    optimizer = torch.optim.Adam([parameter, other], lr=0.05, betas=(0.9, 0.98), fused=True)
    generator = torch.Generator().manual_seed(10)
    for epoch in range(1, 6):
        pruner.start_epoch(epoch)
        mask = pruner.mask(matrix).clone()
        assert pruner.pruned(matrix) == {1: 0, 2: 14}.get(epoch, 16)
        for _ in range(4):
            last, last_other = parameter.detach().clone(), other.detach().clone()
            optimizer.zero_grad()
            (parameter * torch.randn(6, 8, generator=generator) + 1).square().sum().backward()
            (other * torch.randn(6, 8, generator=generator) + 1).square().sum().backward()
            gradient = parameter.grad.clone()
            pruner.mask_gradients()
            assert torch.equal(parameter.grad[:4], gradient[:4] * mask)
            assert torch.equal(parameter.grad[4:], gradient[4:])
            optimizer.step()
            pruner.mask_weights()
            assert (parameter[:4][mask == 0] == 0).all()
            assert (parameter != last)[:4][mask == 1].all()
            assert (parameter != last)[4:].all()
            assert (other != last_other).all()


def test_nothing_is_masked_before_the_first_pruned_epoch():
    parameter = random_parameter(3, 3, seed=11)
    before = copy.deepcopy(parameter)
    pruner = GradualPruner([[PrunedMatrix(parameter, slice(0, 3))]], GradualPruningSchedule(0.9, 2, 8))
    parameter.grad = torch.ones(3, 3)
    for epoch in (1, 2):
        pruner.start_epoch(epoch)
        pruner.mask_gradients()
        pruner.mask_weights()
    assert torch.equal(parameter, before)
    assert parameter.grad.sum() == 9
    assert pruned_ratio(pruner) == 0


def test_a_parameter_without_gradient_is_no_obstacle():
    pruner = GradualPruner([[PrunedMatrix(random_parameter(2, 2, seed=1), slice(0, 2))]], only(0.5))
    pruner.start_epoch(1)
    pruner.mask_gradients()


def test_masks_are_moved_and_nothing_else_is_lost():
    parameter = random_parameter(4, 3, seed=13)
    pruner = GradualPruner([[PrunedMatrix(parameter, slice(0, 4))]], only(0.5))
    pruner.start_epoch(1)
    (before,) = pruner.masks
    pruner.to(torch.device("cpu"))
    assert torch.equal(pruner.masks[0], before)
    pruner.to(torch.device("meta"))
    assert (pruner.masks[0].device.type, pruner.masks[0].shape) == ("meta", (4, 3))


def test_masks_are_shared_by_the_matrices_of_a_parameter():
    parameter = random_parameter(6, 4, seed=12)
    matrices = [PrunedMatrix(parameter, slice(0, 2)), PrunedMatrix(parameter, slice(2, 5))]
    pruner = GradualPruner([[matrix] for matrix in matrices], only(0.5))
    pruner.start_epoch(1)
    (mask,) = pruner.masks
    assert torch.equal(mask, torch.cat([*(pruner.mask(matrix) for matrix in matrices), torch.ones(1, 4)]))
    assert [pruner.pruned(matrix) for matrix in matrices] == [4, 6]
    assert torch.equal(parameter == 0, mask == 0)
