"""`Dehazer`, the library's front door, with small random weights."""

import copy
import hashlib
import pickle
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image

from cliphaze_cli import Dehazed, Dehazer
from cliphaze_cli.dehazer import model_density
from cliphaze_cli.network import checkpoint
from cliphaze_cli.network.clip_training import ClipTraining
from cliphaze_cli.network.resolution import DEFAULT_RESOLUTION
from cliphaze_cli.prior.clip_model import ClipPrior
from cliphaze_cli.restoration import wiener
from cliphaze_cli.system.errors import CliphazeError, UsageError, WeightsError
from tests.conftest import small_network, train_embedding

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (30, 44, 3), np.uint8)


@pytest.fixture(scope="module")
def dehazer(random_weights) -> Dehazer:
    return Dehazer.from_pretrained(weights=random_weights, device="cpu")


@pytest.fixture(scope="module")
def expected(dehazer) -> np.ndarray:
    """PHOTO dehazed, for comparison; visibly another picture."""
    image = dehazer.dehaze(PHOTO).image
    assert np.abs(image.astype(int) - PHOTO).mean() > 2
    return image


def as_float(pixels: np.ndarray) -> np.ndarray:
    return (pixels / 255).astype(np.float32)


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_maps_that_are_there_dehaze_again_to_the_bit(random_weights, strength):
    large = np.tile(PHOTO, (3, 4, 1))
    for resolution in ("64", "full"):
        dehazer = Dehazer.from_pretrained(weights=random_weights, device="cpu", resolution=resolution)
        maps = dehazer.dehaze(large)
        again = dehazer.apply(large, maps.K, maps.B, strength=strength)
        assert np.array_equal(again, dehazer.dehaze(large, strength=strength).image)
    with pytest.raises(ValueError, match="strength must lie between"):
        dehazer.apply(large, maps.K, maps.B, strength=1.5)


def test_pil_images_come_back_as_pil_images(dehazer, expected):
    result = dehazer(Image.fromarray(PHOTO))
    assert isinstance(result, Image.Image) and result.mode == "RGB"
    assert np.array_equal(np.asarray(result), expected)


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA"])
def test_pil_modes_are_kept_and_alpha_is_untouched(dehazer, mode):
    image = Image.fromarray(PHOTO).convert(mode)
    if mode != "L":
        image.putalpha(Image.fromarray(PHOTO[..., 1]))
    result = dehazer(image)
    assert result.mode == mode and result.size == image.size
    assert np.abs(np.asarray(result).astype(int) - np.asarray(image)).max() > 2
    if mode != "L":
        assert np.array_equal(np.asarray(result.getchannel("A")), PHOTO[..., 1])


def test_palette_images_come_back_in_colour(dehazer):
    image = Image.fromarray(PHOTO).quantize(16)
    result = dehazer(image)
    assert result.mode == "RGB"
    assert np.array_equal(np.asarray(result), dehazer(np.asarray(image.convert("RGB"))))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_arrays_come_back_in_their_type(dehazer, expected, dtype):
    scale = {np.uint8: 1, np.uint16: 257}.get(dtype, 1 / 255)
    image = (PHOTO * np.float64(scale)).astype(dtype)
    result = dehazer(image)
    assert result.dtype == dtype and result.shape == image.shape
    assert np.abs(result / scale - expected).max() <= 1


def test_grey_arrays_and_arrays_with_alpha(dehazer):
    grey = dehazer(PHOTO[..., 0])
    assert grey.shape == (30, 44) and grey.dtype == np.uint8
    with_alpha = np.dstack([PHOTO, PHOTO[..., 0]])
    result = dehazer(with_alpha)
    assert np.array_equal(result[..., 3], PHOTO[..., 0])
    assert np.array_equal(result[..., :3], dehazer(PHOTO))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("batch", [None, 1, 3])
def test_tensors_come_back_in_their_shape_and_type(dehazer, expected, dtype, batch):
    one = torch.from_numpy(PHOTO).permute(2, 0, 1)
    one = one.to(dtype) if dtype == torch.uint8 else (one / 255).to(dtype)
    image = one if batch is None else one.expand(batch, -1, -1, -1)
    result = dehazer(image)
    assert result.shape == image.shape and result.dtype == dtype and result.device == image.device
    levels = result.double() * (1 if dtype == torch.uint8 else 255)
    truth = torch.from_numpy(expected).permute(2, 0, 1).double()
    assert (levels - truth).abs().max() <= 1.1


@pytest.mark.parametrize("prior", [None, "clip"])
def test_images_of_a_batch_go_through_the_network_together_and_do_not_mix(random_weights, monkeypatch, prior):
    monkeypatch.setattr("cliphaze_cli.dehazer.MAX_BATCH_PIXELS", 2 * 20 * 24)
    given = None if prior is None else cast(ClipPrior, FakePrior())
    dehazer = Dehazer.from_pretrained(weights=random_weights, device="cpu", prior=given)
    images = torch.from_numpy(RNG.random((5, 3, 20, 24), np.float32))
    expected = [dehazer(image, return_maps=True) for image in images]
    sizes: list[int] = []
    dehazer.network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    results = dehazer(images, return_maps=True)
    assert sizes == [2, 2, 1]
    for result, alone in zip(results, expected, strict=True):
        torch.testing.assert_close(result.image, alone.image, rtol=0, atol=1e-5)
        np.testing.assert_allclose(result.K, alone.K, rtol=1e-4, atol=1e-5)
        assert result.density_source == alone.density_source
        np.testing.assert_allclose(result.density, alone.density, atol=1e-5)


def test_a_batch_of_no_images_stays_one(dehazer):
    nothing = torch.zeros(0, 3, 20, 24, dtype=torch.uint8)
    result = dehazer(nothing)
    assert result.shape == nothing.shape and result.dtype == torch.uint8
    assert dehazer(nothing, return_maps=True) == []
    with pytest.raises(ValueError, match="torch image must be"):
        dehazer(torch.zeros(0, 4, 20, 24))


def test_paths_and_lists_of_images(dehazer, expected, tmp_path):
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(PHOTO)))
    exif = Image.Exif()
    exif[0x112] = 6  # which says how to turn it back
    turned.save(path := tmp_path / "photo.png", exif=exif)
    for image in (path, str(path)):
        result = dehazer(image)
        assert isinstance(result, Image.Image) and np.array_equal(np.asarray(result), expected)
    results = dehazer([PHOTO, path, Image.fromarray(PHOTO)])
    assert [type(result) for result in results] == [np.ndarray, Image.Image, Image.Image]
    assert all(np.array_equal(np.asarray(result), expected) for result in results)
    assert dehazer([]) == [] and isinstance(dehazer([PHOTO], return_maps=True)[0], Dehazed)


def test_torchs_default_type_changes_nothing(random_weights, dehazer, expected):
    photo = np.tile(PHOTO, (20, 20, 1))  # larger than the network looks at
    before = dehazer(photo)
    try:
        torch.set_default_dtype(torch.float64)
        for other in (dehazer, Dehazer.from_pretrained(weights=random_weights, device="cpu")):
            assert np.array_equal(other(PHOTO), expected) and np.array_equal(other(photo), before)
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_input_is_left_as_it_was(dehazer):
    array, tensor = PHOTO.copy(), torch.from_numpy(as_float(PHOTO)).permute(2, 0, 1)
    before = tensor.clone()
    dehazer(array)
    dehazer(tensor)
    assert np.array_equal(array, PHOTO) and torch.equal(tensor, before)


def test_maps_on_request(dehazer, expected):
    result = dehazer(Image.fromarray(PHOTO), return_maps=True)
    assert isinstance(result, Dehazed) and isinstance(result.image, Image.Image)
    assert np.array_equal(np.asarray(result.image), expected)
    assert result.K.shape == result.B.shape == (30, 44, 3) and result.K.dtype == np.float32
    assert result.density.shape == (30, 44) and result.density_source == "model"
    K = torch.from_numpy(result.K).permute(2, 0, 1)[None]
    assert np.array_equal(result.density, model_density(K))
    results = dehazer(torch.rand(2, 3, 20, 24), return_maps=True)
    assert [r.image.shape for r in results] == [(3, 20, 24)] * 2
    for r in results:
        assert all(isinstance(x, torch.Tensor) for x in (r.image, r.density, r.K, r.B))
        assert r.density.shape == (20, 24) and r.K.shape == r.B.shape == (3, 20, 24)


def test_the_maps_make_the_image(dehazer, monkeypatch):
    monkeypatch.setattr(wiener, "NOISE", 1e-6)  # all detail counts
    maps = dehazer.dehaze(PHOTO)
    image = np.clip(maps.K * as_float(PHOTO) - maps.B + as_float(PHOTO), 0, 1)
    assert np.abs(255 * image - maps.image).max() < 0.51


def test_strength(dehazer, expected):
    assert np.array_equal(dehazer(PHOTO, strength=0), PHOTO)
    half = dehazer(PHOTO, strength=0.5).astype(int)
    inside = (expected > 0) & (expected < 255)
    assert np.abs(half - (PHOTO.astype(int) + expected) / 2)[inside].max() <= 1


@pytest.mark.parametrize("strength", [-0.1, 2, float("nan")])
def test_a_strength_out_of_range_is_refused(dehazer, strength):
    with pytest.raises(ValueError, match="strength must lie between 0"):
        dehazer(Image.fromarray(PHOTO), strength=strength)


@pytest.mark.parametrize(
    ("resolution", "size", "working"),
    [
        (
            "auto",
            (20, DEFAULT_RESOLUTION + 80),
            (round(20 * DEFAULT_RESOLUTION / (DEFAULT_RESOLUTION + 80)), DEFAULT_RESOLUTION),
        ),
        ("auto", (20, 30), (20, 30)),
        ("full", (20, DEFAULT_RESOLUTION + 80), (20, DEFAULT_RESOLUTION + 80)),
        (64, (200, 100), (64, 32)),
        ("80", (200, 100), (80, 40)),
        (640, (200, 100), (200, 100)),
    ],
)
def test_resolution(random_weights, resolution, size, working):
    dehazer = Dehazer.from_pretrained(weights=random_weights, device="cpu", resolution=resolution)
    pixels = RNG.integers(0, 256, (*size, 3), np.uint8)
    result = dehazer.dehaze(pixels)
    assert result.image.shape == pixels.shape
    assert result.K.shape[:2] == result.density.shape == working


@pytest.mark.parametrize("resolution", ["half", 0, 63, -1, "12.5", "", None])
def test_an_impossible_resolution(random_weights, resolution):
    with pytest.raises(UsageError, match="resolution must be auto, full, or at least 64 pixels"):
        Dehazer.from_pretrained(weights=random_weights, resolution=resolution)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 5)])
def test_extreme_sizes(random_weights, size):
    dehazer = Dehazer.from_pretrained(weights=random_weights, device="cpu", resolution=64)
    pixels = RNG.integers(0, 256, (*size, 3), np.uint8)
    assert dehazer(pixels).shape == pixels.shape


@pytest.mark.parametrize(
    ("image", "error"),
    [
        ("no photo.jpg", FileNotFoundError),
        (42, TypeError),
        (PHOTO.astype(np.int32), TypeError),
        (torch.zeros(3, 8, 8, dtype=torch.int64), TypeError),
        (PHOTO.astype(np.float32), ValueError),
        (torch.rand(3, 8, 8) * 255, ValueError),
        (torch.rand(2, 1, 8, 8), ValueError),
        (np.zeros((2, 8, 8, 3), np.uint8), ValueError),
    ],
)
def test_what_is_no_image(dehazer, image, error):
    with pytest.raises(error):
        dehazer(image)


def test_bfloat16_is_close_to_float32(random_weights, expected):
    lower = Dehazer.from_pretrained(weights=random_weights, device="cpu", precision="bf16").dehaze(PHOTO)
    assert lower.K.dtype == np.float32
    difference = np.abs(lower.image.astype(int) - expected)
    assert 0 < difference.mean() < 1.0 and difference.max() < 16


def test_an_overflow_in_low_precision_is_repeated_in_float32(random_weights, dehazer):
    class Overflowing(torch.nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, *inputs):
            K, B = self.network(*inputs)
            return (K * torch.inf if torch.is_autocast_enabled("cpu") else K), B

    loaded = checkpoint.load(random_weights)
    loaded = replace(loaded, network=cast(Any, Overflowing(loaded.network)))
    result = Dehazer(loaded, device="cpu", precision="bf16").dehaze(PHOTO)
    assert np.array_equal(result.image, dehazer.dehaze(PHOTO).image)


def test_a_given_density_instructs_the_network(dehazer):
    density = np.linspace(0, 1, 12).reshape(3, 4)
    result = dehazer.dehaze(PHOTO, density=density)
    assert result.density_source == "given" and np.array_equal(result.density, density)
    with torch.inference_mode():
        hazy = torch.from_numpy(as_float(PHOTO)).permute(2, 0, 1)[None]
        K, B = dehazer.network(hazy, torch.from_numpy(density).float()[None, None])
    for found, expected in ((result.K, K), (result.B, B)):
        np.testing.assert_allclose(found, expected[0].permute(1, 2, 0), rtol=1e-4, atol=1e-5)
    assert np.abs(result.K - dehazer.dehaze(PHOTO).K).max() > 1e-4


class FakePrior(ClipPrior):
    """Stands in for CLIP: haze below, none above, and one embedding for everything."""

    builders = ("windows",)
    embedding_size = 8

    def __init__(self, name="ViT-Fake:test"):
        self.name, self.sha256 = name, "0" * 64

    def density(self, pixels, **_):
        return np.array([[0.0, 0.1], [0.9, 1.0]], np.float32)

    def embedding(self, pixels):
        return np.ones(8, np.float32) / 8**0.5


def test_the_prior_is_asked_when_the_weights_know_it(random_weights, dehazer):
    prior = FakePrior()
    result = Dehazer.from_pretrained(weights=random_weights, device="cpu", prior=prior).dehaze(PHOTO)
    assert result.density_source == "clip" and np.array_equal(result.density, prior.density(PHOTO))
    assert np.array_equal(result.image, dehazer.dehaze(PHOTO, density=prior.density(PHOTO)).image)
    own = np.zeros((2, 2), np.float32)
    given = Dehazer.from_pretrained(weights=random_weights, device="cpu", prior=prior).dehaze(PHOTO, density=own)
    assert given.density_source == "given" and np.array_equal(given.density, own)


def test_the_prior_is_not_asked_when_the_weights_do_not_know_it(tmp_path, expected):
    checkpoint.save(small_network(), tmp_path / "x.safetensors", name="x", instructions=frozenset())
    dehazer = Dehazer.from_pretrained(weights=tmp_path / "x.safetensors", device="cpu", prior=FakePrior())
    result = dehazer.dehaze(PHOTO)
    assert result.density_source == "model" and np.array_equal(result.image, expected)


def test_the_embedding_reaches_weights_that_know_it(tmp_path):
    network = small_network()
    train_embedding(network)
    results = []
    for instructions in ({"density"}, {"density", "embedding"}):
        checkpoint.save(network, tmp_path / "x.safetensors", name="x", instructions=frozenset(instructions))
        dehazer = Dehazer.from_pretrained(weights=tmp_path / "x.safetensors", device="cpu", prior=FakePrior())
        results.append(dehazer.dehaze(PHOTO).K)
    assert np.abs(results[0] - results[1]).max() > 1e-5


def test_the_weights_metadata_decide_which_clip_they_take(tmp_path):
    both, clip = frozenset({"density", "embedding"}), ClipTraining("ViT-Fake:test", "windows", 8)
    checkpoint.save(small_network(), tmp_path / "x.safetensors", name="x", instructions=both, clip=clip)
    dehazer = Dehazer.from_pretrained(weights=tmp_path / "x.safetensors", device="cpu", prior=FakePrior())
    assert dehazer.instructor is not None and dehazer.instructor.embeds
    with pytest.raises(UsageError, match="take the embedding of CLIP ViT-Fake:test"):
        dehazer.instruct(FakePrior("ViT-L-14:openai"))
    assert dehazer.prior is not None and dehazer.prior.name == "ViT-Fake:test"  # as before


def test_the_networks_own_density(dehazer):
    density = dehazer.estimate_density(PHOTO)
    assert density.shape == (30, 44) and density.dtype == np.float32
    assert density.min() >= 0 and density.max() <= 1 and density.std() > 0
    t = torch.tensor([0.25, 1.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    np.testing.assert_allclose(model_density(1 / t - 1), [[0.75, 0]], atol=1e-6)


def test_it_knows_its_weights(dehazer, random_weights):
    assert dehazer.weights_name == "random"
    assert dehazer.weights_sha256 == hashlib.sha256(random_weights.read_bytes()).hexdigest()
    assert dehazer.device == torch.device("cpu")


def test_weights_that_are_not_there(tmp_path):
    with pytest.raises(WeightsError, match="no weights at"):
        Dehazer.from_pretrained(weights=tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="no-such-model"):
        Dehazer.from_pretrained("no-such-model")


def test_impossible_options_are_told_at_once(random_weights):
    for device, precision in (("toaster", "auto"), ("cpu", "fp16")):
        with pytest.raises(UsageError):
            Dehazer.from_pretrained(weights=random_weights, device=device, precision=precision)


@pytest.mark.parametrize(
    "way", [copy.deepcopy, lambda dehazer: pickle.loads(pickle.dumps(dehazer))], ids=["copy", "pickle"]
)
def test_a_dehazer_can_be_copied_and_sent_elsewhere(dehazer, expected, way):
    other = way(dehazer)
    np.testing.assert_array_equal(other(PHOTO), expected)
    assert (other.weights_name, other.weights_sha256, other.device) == (
        dehazer.weights_name,
        dehazer.weights_sha256,
        dehazer.device,
    )
    other.network.head.bias.fill_(float("nan"))
    with pytest.raises(CliphazeError, match="not finite"):  # its activations are still watched
        other(PHOTO)
    np.testing.assert_array_equal(dehazer(PHOTO), expected)
