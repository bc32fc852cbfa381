"""The loss is zero for the true maps only."""

import math

import pytest
import torch

from training import losses
from training.batches import Batch
from training.losses import SMALL_ERROR, estimated_airlight, estimated_transmission, psnr
from training.recipe import LossWeights


@pytest.fixture
def batch() -> Batch:
    g = torch.Generator().manual_seed(0)
    clear, t = (
        torch.rand(2, 3, 32, 48, generator=g),
        0.3 + 0.6 * torch.rand(2, 1, 32, 48, generator=g).expand(-1, 3, -1, -1),
    )
    return Batch(clear * t + 0.8 * (1 - t), clear, t, torch.full((2, 3, 1, 1), 0.8), torch.full_like(t[:, :1], -1))


def true_maps(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    K = (1 / batch.transmission - 1).expand_as(batch.clear)
    return K, 0.8 * K


def dehazing_loss(K, B, batch, **weights):
    return losses.dehazing_loss(K, B, batch, LossWeights(**{"structure": 0.0, "airlight": 0.0, **weights}))


def test_true_maps_cost_nothing(batch):
    loss, estimate = dehazing_loss(*true_maps(batch), batch)
    assert loss < 1e-3
    torch.testing.assert_close(estimate, batch.clear, rtol=1e-4, atol=1e-5)


def test_every_error_costs(batch):
    K, B = true_maps(batch)
    perfect = dehazing_loss(K, B, batch)[0]
    offset = dehazing_loss(K, B + 0.1, batch)[0]
    # 0.1 in the image and, weighted by a half, 0.1 in its averages; on the logarithmic scale.
    assert offset == pytest.approx(math.log(0.15 / SMALL_ERROR + 1), abs=1e-3)
    noise = 0.1 * torch.sign(torch.randn_like(B))
    assert perfect < dehazing_loss(K, B + noise, batch)[0] < offset  # noise averages out, a wrong colour does not
    # The same image by wrong haze: J = K I - B + I is unchanged where B grows with K.
    assert dehazing_loss(K + 0.5, B + 0.5 * batch.hazy, batch)[0] > perfect + 0.005


def test_structure_costs_errors_only(batch):
    K, B = true_maps(batch)
    assert dehazing_loss(K, B, batch, structure=1.0)[0] < 1e-3
    noisy = B + 0.1 * torch.sign(torch.randn(B.shape, generator=torch.Generator().manual_seed(1)))
    assert dehazing_loss(K, noisy, batch, structure=1.0)[0] > dehazing_loss(K, noisy, batch)[0] + 0.05


def test_what_is_worse_than_the_hazy_photo_costs_more(batch):
    K, B = true_maps(batch)
    assert dehazing_loss(K, B, batch, harm=1.0)[0] == dehazing_loss(K, B, batch, harm=0.0)[0]
    untouched = torch.zeros_like(batch.hazy)
    same, without = (dehazing_loss(untouched, untouched, batch, harm=harm)[0] for harm in (1.0, 0.0))
    assert same == without  # no worse
    darker = dehazing_loss(untouched, untouched + 0.3, batch, harm=1.0)[0]
    assert darker > dehazing_loss(untouched, untouched + 0.3, batch, harm=0.0)[0] + 0.5


def test_each_colour_has_a_transmission_of_its_own(batch):
    blue_first = batch.transmission * torch.tensor([1.1, 1.0, 0.8]).view(1, 3, 1, 1)
    hazy = batch.clear * blue_first + 0.8 * (1 - blue_first)
    K = 1 / blue_first - 1
    smoke = Batch(hazy, batch.clear, blue_first, batch.airlight, batch.density)
    assert dehazing_loss(K, 0.8 * K, smoke)[0] < 1e-3
    grey = K.mean(1, keepdim=True).expand_as(K)
    assert dehazing_loss(grey, 0.8 * grey, smoke)[0] > 0.1


def test_transmission_of_maps():
    K = torch.tensor([0.0, 1, 3, -0.2, -5]).view(1, 1, 1, 5).expand(1, 3, 1, 5)
    expected = torch.tensor([1, 0.5, 0.25, 1.25, 2]).expand(1, 3, 1, 5)
    torch.testing.assert_close(estimated_transmission(K), expected)
    K = torch.full((1, 3, 1, 1), -7.0, requires_grad=True)
    assert estimated_transmission(K).isfinite().all()


def test_airlight_of_maps_is_the_whole_images(batch):
    K, B = true_maps(batch)
    torch.testing.assert_close(estimated_airlight(K, B), batch.airlight)
    uneven = K * (0.8 + 0.1 * torch.linspace(-1, 1, K.shape[-1]))
    assert (estimated_airlight(K, uneven) - 0.8).abs().max() < 0.02
    none = torch.zeros_like(K, requires_grad=True)
    estimated_airlight(none, none).sum().backward()
    assert none.grad is not None and none.grad.isfinite().all()


def test_airlight_counts_by_the_haze_that_shows_it(batch):
    K, B = true_maps(batch)
    wrong = Batch(**{**vars(batch), "airlight": batch.airlight + 0.1})
    expected = math.log(float(0.1 * (1 - batch.transmission.mean((1, 2, 3))).mean()) / SMALL_ERROR + 1)
    assert dehazing_loss(K, B, wrong, airlight=1.0)[0] == pytest.approx(expected, rel=0.02)


def test_psnr_of_a_constant_offset():
    truth = torch.full((1, 3, 4, 4), 0.5)
    assert psnr(truth + 0.1, truth) == pytest.approx(20, abs=1e-4)
    assert psnr(truth + 7, truth) == pytest.approx(6.0206, abs=1e-3)  # clipped to 1 first
