"""Values that are not finite are noticed, and the same photo gives the same result wherever and whenever it is done."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from cliphaze_cli import Dehazer
from cliphaze_cli.network import checkpoint
from cliphaze_cli.system.devices import autocast
from cliphaze_cli.system.errors import CliphazeError
from tests.conftest import small_network
from tests.training.scenes import hazy, landscape

SCALE_FP16 = 3e5  # of the stem's weights: its output exceeds 65504, and float32 does not mind
SCALE_FP32 = 1e20  # squares of bright photos' features exceed 3e38, those of middle grey do not
GREY, WHITE = (np.full((30, 44, 3), level, np.uint8) for level in (127, 255))
Pixels = NDArray[np.uint8]


def scaled(folder: Path, scale: float) -> Path:
    """A checkpoint whose weights are finite, and whose features are `scale` times larger than they should be."""
    network = small_network()
    network.stem.weight.mul_(scale)
    checkpoint.save(network, folder / "scaled.safetensors", name="scaled")
    return folder / "scaled.safetensors"


def test_a_real_overflow_in_low_precision_is_repeated_in_float32(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (30, 44, 3), np.uint8)
    dehazer = Dehazer.from_pretrained(weights=scaled(tmp_path, SCALE_FP16), device="cpu")
    expected = dehazer.dehaze(photo)
    dehazer.precision = torch.float16  # which a CPU is not offered, being too slow there
    with torch.inference_mode(), autocast(dehazer.device, dehazer.precision):
        overflown = dehazer.network.stem(torch.rand(1, 12, 8, 8))
    assert overflown.dtype == torch.float16 and not overflown.isfinite().all()
    result = dehazer.dehaze(photo)
    assert np.array_equal(result.image, expected.image) and np.array_equal(result.K, expected.K)


def test_an_infinity_that_the_maps_hide_is_noticed(tmp_path: Path) -> None:
    """At an infinite optical depth the clamp makes K finite; only the head's own output shows it."""
    network = small_network()
    assert network.head.bias is not None
    network.head.bias[:12].fill_(3e38)
    network.head.weight[:12].fill_(3e38)
    checkpoint.save(network, tmp_path / "w.safetensors", name="w")
    with pytest.raises(CliphazeError, match="not finite"):
        Dehazer.from_pretrained(weights=tmp_path / "w.safetensors", device="cpu").dehaze(WHITE)


def test_an_overflow_costs_that_photo_only(tmp_path: Path) -> None:
    from cliphaze_cli.batch import dehazing
    from cliphaze_cli.batch.job import Job
    from cliphaze_cli.batch.options import WorkOptions
    from cliphaze_cli.batch.work import work
    from cliphaze_cli.imaging.limits import Limits
    from cliphaze_cli.report.settings import Settings

    for name, pixels in (("a", GREY), ("b", WHITE), ("c", GREY)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    tool = dehazing.Dehazing(Dehazer.from_pretrained(weights=scaled(tmp_path, SCALE_FP32), device="cpu"))
    options = WorkOptions(dehazing.load, Settings(), "cpu", Limits())
    results = [work(Job(tmp_path / f"{name}.png", tmp_path / f"{name}_out.png"), tool, options) for name in "abc"]
    assert [result.status for result in results] == ["done", "failed", "done"]
    assert "not finite" in (results[1].reason or "")
    assert not (tmp_path / "b_out.png").exists()


@pytest.fixture(scope="module")
def dehazer() -> Dehazer:
    return Dehazer.from_pretrained("tiny", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def photos() -> list[Pixels]:
    """Three hazy scenes of different sizes, one of them larger than the working resolution."""
    scenes = [hazy(landscape(*size, seed), beta) for seed, (size, beta) in enumerate(SCENES)]
    return [np.round(255 * scene).astype(np.uint8) for scene in scenes]


SCENES = (((120, 160), 0.8), ((96, 96), 1.5), ((90, 600), 1.0))


@pytest.fixture(scope="module")
def alone(dehazer: Dehazer, photos: list[Pixels]) -> list[Pixels]:
    return [dehazer.dehaze(photo).image for photo in photos]


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def difference(first: Pixels, second: Pixels) -> int:
    """In 1/255."""
    return int(np.abs(first.astype(int) - second).max())


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0, 1, 2), (0, 0, 0)])
def test_neither_order_nor_company_matters(
    dehazer: Dehazer, photos: list[Pixels], alone: list[Pixels], order: tuple[int, ...]
) -> None:
    for index in order:
        assert difference(dehazer.dehaze(photos[index]).image, alone[index]) <= 1


def test_neither_does_the_position_in_a_batch(dehazer: Dehazer, photos: list[Pixels], alone: list[Pixels]) -> None:
    tensors = [torch.from_numpy(photo[:90, :90]).permute(2, 0, 1) for photo in photos]
    first, second, third = dehazer(torch.stack(tensors))
    turned = dehazer(torch.stack(tensors[::-1]))
    for one, other in ((first, turned[2]), (second, turned[1]), (third, turned[0])):
        assert difference(one.numpy(), other.numpy()) <= 1


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_nor_does_the_number_of_threads(
    dehazer: Dehazer, photos: list[Pixels], alone: list[Pixels], threads: None, count: int
) -> None:
    torch.set_num_threads(count)
    for photo, expected in zip(photos, alone, strict=True):
        assert difference(dehazer.dehaze(photo).image, expected) <= 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_cuda_agree_in_float32(photos: list[Pixels], alone: list[Pixels]) -> None:
    cuda = Dehazer.from_pretrained("tiny", device="cuda", precision="fp32")
    for photo, expected in zip(photos, alone, strict=True):
        assert difference(cuda.dehaze(photo).image, expected) <= 2


def test_float32_on_cuda_is_not_rounded_to_tf32() -> None:
    before = torch.backends.cudnn.allow_tf32
    with autocast(torch.device("cuda"), torch.float32):
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before
