"""Both ways of multiplying rows by their own language's matrix equal the product row by row."""

import itertools

import pytest
import torch

from lslo.adapters.language_matmul import GatheredRows, GroupedRows, language_matmul

TIME = 3
ALL_RANKS = [(2, 2, 2, 2, 8, 8), (4, 4, 4, 4, 4), (8, 8), (0, 3, 5, 0, 1), (0, 0, 0, 0, 2), (64, 64, 64, 64)]
LAYOUTS = {
    "in order": [0, 0, 1, 1, 1],
    "mixed": [1, 0, 1, 0, 0],
    "all languages": list(range(6)) * 2,
    "all languages in order": sorted(list(range(6)) * 3),
    "one": [1, 1, 1],
}
WAYS = list(itertools.product([GatheredRows, GroupedRows], [torch.float32, torch.float64], [8, 6]))


def random_tensor(*shape, dtype, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def own(matrix, ranks, language):
    return matrix[sum(ranks[:language]) : sum(ranks[: language + 1])]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("ranks", ALL_RANKS, ids=str)
@pytest.mark.parametrize(("kind", "dtype", "columns"), WAYS)
def test_products_equal_those_row_by_row(kind, dtype, columns, ranks, layout):
    languages = [language % len(ranks) for language in LAYOUTS[layout]]
    if layout.endswith("in order"):
        languages.sort()
    narrow, wide = (random_tensor(sum(ranks), columns, dtype=dtype, seed=seed) for seed in (1, 2))
    x, y, z = (random_tensor(len(languages), TIME, columns, dtype=dtype, seed=seed) for seed in (3, 4, 5))
    matmul = kind(ranks, torch.tensor(languages))

    inner = matmul.narrow(x, narrow)
    widened = matmul.widen(y.clone(), inner, wide)
    gradient = matmul.gradient(inner, z, dtype)

    expected_gradient = torch.zeros_like(wide)
    for row, language in enumerate(languages):
        expected = x[row] @ own(narrow, ranks, language).T
        own(expected_gradient, ranks, language).add_(expected.T @ z[row])
        torch.testing.assert_close(
            widened[row], y[row] + expected @ own(wide, ranks, language), rtol=1e-4, atol=1e-4
        )
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-4, atol=1e-4)


def test_many_languages_in_float32_take_one_grouped_product(monkeypatch):
    """The fast way is really the one that the tests above compare."""
    called = []
    grouped = torch.nn.functional.grouped_mm
    monkeypatch.setattr(
        "lslo.adapters.language_matmul.F.grouped_mm", lambda *a, **b: called.append(1) or grouped(*a, **b)
    )
    x = random_tensor(6, 2, 8, dtype=torch.float32, seed=1)
    matrix = random_tensor(12, 8, dtype=torch.float32, seed=2)
    for languages, times in (([0, 1, 2, 3, 4, 5], 1), ([0, 0, 0, 3, 3, 3], 0)):
        called.clear()
        GroupedRows((2,) * 6, torch.tensor(languages)).narrow(x, matrix)
        assert len(called) == times


def test_the_rows_of_other_precision_are_multiplied_in_theirs():
    ranks, languages = (2, 4, 2, 8), torch.tensor([0, 1, 1, 2, 3])
    matrix = random_tensor(16, 8, dtype=torch.float32, seed=1)
    x = random_tensor(5, 2, 8, dtype=torch.bfloat16, seed=2)
    results = []
    for kind in (GatheredRows, GroupedRows):
        matmul = kind(ranks, languages)
        inner = matmul.narrow(x, matrix)
        y = matmul.widen(torch.zeros_like(x), inner, matrix)
        gradient = matmul.gradient(inner, x, torch.float32)
        assert (inner.dtype, y.dtype, gradient.dtype) == (torch.bfloat16, torch.bfloat16, torch.float32)
        results.append((y.float(), gradient))
    for gathered, grouped in zip(*results, strict=True):
        torch.testing.assert_close(gathered, grouped, rtol=0.05, atol=0.5)


def test_gather_and_scatter_are_transposes():
    ranks = (2, 0, 3)
    rows = GatheredRows(ranks, torch.tensor([2, 0, 1, 2, 2]))
    matrix = random_tensor(5, 4, dtype=torch.float64, seed=30)
    gathered = random_tensor(5, 3, 4, dtype=torch.float64, seed=31)
    torch.testing.assert_close(
        (rows.gather(matrix) * gathered).sum(), (matrix * rows.scatter(gathered)).sum()
    )


def test_a_cpu_groups_rows():
    assert isinstance(language_matmul((1, 2), torch.tensor([0])), GroupedRows)
