"""The affine maps on full-resolution pixels."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from cliphaze_cli.restoration import apply, guided_filter, rows, upsample, wiener
from cliphaze_cli.restoration.apply import dehaze_pixels
from cliphaze_cli.restoration.guided_filter import fit
from cliphaze_cli.restoration.pixels import luma, rows_as_tensor, shrink

DTYPES = [np.uint8, np.uint16, np.float32]
SCALE = {np.uint8: 255, np.uint16: 65535, np.float32: 1}


def photo(height: int, width: int, dtype=np.uint8, seed: int = 0) -> np.ndarray:
    """Blocks of random colour under fine wiener."""
    rng = np.random.default_rng(seed)
    blocks = rng.random((height // 16 + 1, width // 16 + 1, 3)).repeat(16, 0).repeat(16, 1)[:height, :width]
    values = (0.8 * blocks + 0.2 * rng.random((height, width, 3))) * SCALE[dtype]
    return (values if dtype == np.float32 else values.round()).astype(dtype)


def maps(K: float, B: float, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((1, 3, height, width), K), torch.full((1, 3, height, width), B)


def small(pixels: np.ndarray, height: int, width: int) -> torch.Tensor:
    return rows_as_tensor(shrink(pixels, height, width))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_formula(dtype, monkeypatch):
    monkeypatch.setattr(wiener, "NOISE", 1e-6)  # so that all detail counts
    pixels = photo(30, 41, dtype)
    K, B = maps(0.8, 0.5, 30, 41)
    clear = dehaze_pixels(pixels, rows_as_tensor(pixels), K, B)
    expected = np.clip(1.8 * (pixels / SCALE[dtype]) - 0.5, 0, 1)
    assert clear.dtype == dtype and clear.shape == pixels.shape
    np.testing.assert_allclose(clear / SCALE[dtype], expected, atol=0.51 / 255 if dtype == np.uint8 else 1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_maps_carried_up_do_what_maps_applied_directly_do(dtype):
    pixels = photo(120, 90, dtype)
    direct = dehaze_pixels(pixels, rows_as_tensor(pixels), *maps(0.7, 0.4, 120, 90))
    carried = dehaze_pixels(pixels, small(pixels, 40, 30), *maps(0.7, 0.4, 40, 30))
    assert np.abs(carried / SCALE[dtype] - direct / SCALE[dtype]).max() <= 1.01 / 255


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(48, 64), (24, 32)])
def test_strength_zero_returns_the_photo_exactly(dtype, size):
    pixels = photo(48, 64, dtype)
    K, B = torch.rand(2, 1, 3, *size).unbind()
    clear = dehaze_pixels(pixels, small(pixels, *size), K, B, strength=0.0)
    assert np.array_equal(clear, pixels) and clear is not pixels


def test_strength_blends():
    pixels = photo(30, 40, np.float32)
    K, B = maps(0.3, 0.1, 30, 40)
    full = dehaze_pixels(pixels, rows_as_tensor(pixels), K, B)
    half = dehaze_pixels(pixels, rows_as_tensor(pixels), K, B, strength=0.5)
    unclipped = (full > 0) & (full < 1)
    assert unclipped.mean() > 0.5
    np.testing.assert_allclose(half[unclipped], ((pixels + full) / 2)[unclipped], atol=1e-6)


@pytest.mark.parametrize("size", [(70, 50), (35, 25)])
def test_the_size_of_the_bands_changes_nothing(monkeypatch, size):
    pixels = photo(70, 50)
    K, B = torch.rand(2, 1, 3, *size).unbind()
    whole = dehaze_pixels(pixels, small(pixels, *size), K, B)
    monkeypatch.setattr(guided_filter, "BAND_PIXELS", 170)
    monkeypatch.setattr(upsample, "BAND_PIXELS", 170)
    banded = dehaze_pixels(pixels, small(pixels, *size), K, B)
    assert np.abs(banded.astype(int) - whole).max() <= 1  # at most another rounding


def test_the_number_of_cores_changes_nothing(monkeypatch):
    monkeypatch.setattr(rows, "SMALLEST_STRIP", 1)
    pixels = photo(71, 50)
    K, B = torch.rand(2, 1, 3, 35, 25).unbind()
    results = []
    for cores in (1, 3):
        monkeypatch.setattr(rows, "pytorch_threads", lambda cores=cores: cores)
        results.append(dehaze_pixels(pixels, small(pixels, 35, 25), K, B))
    assert np.array_equal(results[0], results[1])


def test_haze_ends_where_the_photos_object_ends():
    # A dark object before bright haze: the maps are known at an eighth of the resolution only.
    far = np.zeros((160, 160, 1), np.float32)
    far[:, 83:] = 1
    clear = 0.2 + 0.3 * far.repeat(3, 2)
    t = 1 - 0.6 * far
    hazy = clear * t + 0.9 * (1 - t)
    K = torch.from_numpy(1 / t - 1).permute(2, 0, 1)[None].expand(1, 3, 160, 160)
    coarse = torch.nn.functional.adaptive_avg_pool2d(K, 20)
    found = dehaze_pixels(hazy, small(hazy, 20, 20), coarse, 0.9 * coarse)
    blurred = torch.nn.functional.interpolate(coarse, (160, 160), mode="bilinear")[0].permute(1, 2, 0).numpy()
    assert np.abs(found - clear).mean() < 0.5 * np.abs(hazy + blurred * (hazy - 0.9) - clear).mean()


def test_no_halo_where_trees_stand_before_the_sky():
    # Textured dark trees in thin haze left of column 259, a smooth sky in dense haze right of it: the largest step
    # that a photo has, and maps known at an eighth of the resolution.
    rng = np.random.default_rng(0)
    sky = np.arange(512)[None, :, None] >= 259
    clear = np.where(sky, np.array([0.55, 0.7, 0.9]), 0.12 + 0.1 * rng.random((512, 512, 1)))
    t = np.where(sky, 0.25, 0.85) * np.ones((512, 512, 1))
    hazy = (clear * t + 0.92 * (1 - t)).astype(np.float32)
    K = torch.from_numpy((1 / t - 1).astype(np.float32)).permute(2, 0, 1)[None].expand(1, 3, 512, 512)
    coarse = torch.nn.functional.adaptive_avg_pool2d(K, 64)
    error = np.abs(dehaze_pixels(hazy, small(hazy, 64, 64), coarse, 0.92 * coarse) - clear).mean((0, 2))
    assert error[261:].max() < 2 / 255  # in the sky nothing is seen, at no distance
    bilinear = torch.nn.functional.interpolate(coarse, (512, 512), mode="bilinear")[0].permute(1, 2, 0).numpy()
    plain = np.abs(hazy + bilinear * (hazy - 0.92) - clear).mean((0, 2))
    assert plain[261:].max() > 10 * error[261:].max()
    assert plain[:257].max() > 5 * error[:257].max()  # nor do the trees become dark beside it


@pytest.fixture(params=["", "numba is not installed"], ids=["compiled", "by bands"])
def fast_path(request, monkeypatch):
    """Each of the ways in which a CPU carries maps up."""
    if not request.param and apply.KERNEL.unavailable_because():
        pytest.skip(apply.KERNEL.unavailable_because())
    monkeypatch.setattr(apply.KERNEL, "failures", [request.param] if request.param else [])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.usefixtures("fast_path")
def test_the_fast_paths_of_a_cpu_do_what_other_devices_do(dtype):
    pixels = photo(301, 203, dtype)
    working = small(pixels, 60, 40)
    generator = torch.Generator().manual_seed(1)
    fitted = fit(luma(working), torch.rand(1, 6, 60, 40, generator=generator))
    fast, plain = np.empty_like(pixels), np.empty_like(pixels)
    apply.carry_up_on_cpu(pixels, fast, fitted)
    apply._carry_up(pixels, plain, fitted)
    difference = np.abs(fast.astype(np.float64) - plain)
    assert difference.max() <= {np.uint8: 1, np.uint16: 8, np.float32: 1e-4}[dtype]
    assert np.mean(difference > (0 if dtype == np.uint8 else difference.max() / 2)) < 0.01  # a rounding here and there


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.usefixtures("fast_path")
def test_floats_in_the_unit_of_the_result_are_taken(dtype):
    pixels = photo(120, 90, dtype)
    fitted = fit(luma(small(pixels, 60, 40)), torch.cat(maps(0.7, 0.4, 60, 40), 1))
    expected, found = np.empty_like(pixels), np.empty_like(pixels)
    apply.carry_up_on_cpu(pixels, expected, fitted)
    apply.carry_up_on_cpu(pixels.astype(np.float32), found, fitted)
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_read_only_and_reversed_pixels_are_taken():
    pixels = photo(120, 90)
    pixels.setflags(write=False)
    turned = pixels[::-1, ::-1]
    K, B = maps(0.7, 0.4, 40, 30)
    expected = dehaze_pixels(np.ascontiguousarray(turned), small(pixels, 40, 30), K, B)
    assert np.array_equal(dehaze_pixels(turned, small(pixels, 40, 30), K, B), expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1)])
def test_extreme_shapes(size):
    pixels = photo(*size)
    height, width = (max(1, n // 10) for n in size)
    clear = dehaze_pixels(pixels, small(pixels, height, width), *maps(0.5, 0.2, height, width))
    expected = np.clip(1.5 * pixels - 0.2 * 255, 0, 255)
    assert clear.shape == pixels.shape and np.abs(clear - expected).max() <= 1


MEMORY = """
import resource, sys
import numpy as np, torch
from cliphaze_cli.restoration.apply import dehaze_pixels
from cliphaze_cli.system.allocator import tune_allocator

def peak():  # MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

tune_allocator()
working, K = torch.rand(1, 3, 96, 128), torch.rand(1, 3, 96, 128)
dehaze_pixels(np.full((96, 256, 3), 90, np.uint8), working, K, K)
pixels = np.full((6000, 8000, 3), 90, np.uint8)
before = peak()
dehaze_pixels(pixels, working, K, K)
sys.stdout.write(str(peak() - before))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="measures with getrusage")
def test_a_large_photo_needs_little_more_memory_than_its_result():
    child = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    result = 6000 * 8000 * 3 / 2**20  # 137 MiB; a single float copy of the photo would be 549
    assert float(child.stdout) < result + 100
