import torch
from torch.nn import functional as F

from cliphaze_cli.prior.embedding import degradation_basis, without_degradation


def _differences(rank: int, count: int = 6, size: int = 32) -> torch.Tensor:
    torch.manual_seed(rank)
    return torch.randn(count, rank) @ torch.randn(rank, size)


def test_basis_is_orthonormal_and_spans_the_differences():
    differences = _differences(rank=3)
    basis = degradation_basis(differences)
    assert basis.shape == (3, 32)
    torch.testing.assert_close(basis @ basis.T, torch.eye(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(differences @ basis.T @ basis, differences, atol=1e-4, rtol=1e-4)


def test_a_faint_direction_is_left_out_and_a_stronger_one_kept():
    faint = torch.diag(torch.tensor([1.0, 0.5, 1e-3]))
    assert degradation_basis(faint).shape == (2, 3)
    assert degradation_basis(faint, tolerance=1e-4).shape == (3, 3)


def test_equal_texts_take_nothing_away():
    basis = degradation_basis(torch.zeros(4, 32))
    embedding = F.normalize(torch.randn(32), dim=-1)
    torch.testing.assert_close(without_degradation(embedding, basis), embedding)


def test_result_is_unit_orthogonal_and_blind_to_added_haze():
    differences = _differences(rank=4)
    basis = degradation_basis(differences)
    embedding = torch.randn(5, 32)
    result = without_degradation(embedding, basis)
    torch.testing.assert_close(result.norm(dim=-1), torch.ones(5))
    assert float((result @ F.normalize(differences, dim=-1).T).abs().max()) < 1e-5
    # Moving along a haze direction, by however much, does not change what the picture shows.
    torch.testing.assert_close(without_degradation(embedding + 3 * differences[0], basis), result, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(without_degradation(result, basis), result)


def test_nothing_but_degradation_becomes_zero():
    differences = _differences(rank=2)
    assert not without_degradation(differences[0], degradation_basis(differences)).any()
