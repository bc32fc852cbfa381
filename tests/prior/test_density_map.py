import numpy as np
import pytest
import torch

from cliphaze_cli.prior import density_map
from cliphaze_cli.prior.clip_model import BUILDERS
from cliphaze_cli.prior.density_map import DenseOptions, WindowOptions
from cliphaze_cli.prior.scoring import PromptEmbeddings
from cliphaze_cli.system.errors import UsageError
from tests.prior.tiny_clip import build, crisp, foggy, half_foggy, planted_prior, without_positions

ALL_BUILDERS = pytest.mark.parametrize("builder", BUILDERS)


@ALL_BUILDERS
def test_the_foggy_half_is_the_denser_one(builder):
    density = planted_prior(kind=builder).density(half_foggy(), builder=builder)
    middle = density.shape[1] // 2
    left, right = density[:, : middle - 2], density[:, middle + 2 :]
    assert left.mean() < 0.25 and right.mean() > 0.75
    assert left.max() < right.mean()


@ALL_BUILDERS
@pytest.mark.parametrize("size", [(96, 128), (128, 96), (37, 41), (5, 300), (1, 1)])
def test_any_photo_gives_probabilities_on_a_grid_of_its_aspect(builder, size):
    density = planted_prior(kind=builder).density(crisp(*size), builder=builder)
    assert density.dtype == np.float32 and density.ndim == 2
    assert density.min() >= 0 and density.max() <= 1
    aspect = min(size[1] / size[0], 8.0)
    assert density.shape[1] / density.shape[0] == pytest.approx(aspect, rel=0.1)


@ALL_BUILDERS
def test_mirroring_the_photo_mirrors_the_map(builder):
    prior = planted_prior(without_positions(build()), kind=builder)
    pixels = half_foggy(90, 131)
    mirrored = prior.density(np.ascontiguousarray(pixels[:, ::-1]), builder=builder)
    np.testing.assert_allclose(mirrored, prior.density(pixels, builder=builder)[:, ::-1], atol=2e-3)


@ALL_BUILDERS
def test_sixteen_bits_give_the_map_of_eight(builder):
    prior, pixels = planted_prior(kind=builder), half_foggy()
    wide = prior.density(pixels.astype(np.uint16) * 257, builder=builder)
    np.testing.assert_allclose(wide, prior.density(pixels, builder=builder), atol=1e-3)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_batch_size_changes_nothing(batch_size):
    prior, pixels = planted_prior(), half_foggy()
    expected = prior.density(pixels, builder="windows", windows=WindowOptions(batch_size=16))
    actual = prior.density(pixels, builder="windows", windows=WindowOptions(batch_size=batch_size))
    np.testing.assert_allclose(actual, expected, atol=1e-3)


def test_finer_windows_sharpen_the_border():
    prior, pixels = planted_prior(), half_foggy(128, 256)
    coarse = prior.density(pixels, builder="windows", windows=WindowOptions(fractions=(1.0,)))
    fine = prior.density(pixels, builder="windows", windows=WindowOptions(fractions=(0.25,)))
    assert coarse.shape == (8, 16) and fine.shape == (32, 64)

    def blurred(density):  # share of the width that is neither clearly hazy nor clearly clear
        return float(((density > 0.1) & (density < 0.9)).mean())

    assert blurred(fine) < blurred(coarse)


def test_a_level_is_the_score_of_its_windows():
    prior = planted_prior()
    density = prior.density(foggy(64, 64), builder="windows", windows=WindowOptions(fractions=(1.0,)))
    whole = density_map.whole_image_windows(foggy(64, 64), 32)
    assert whole.shape == (1, 3, 32, 32)
    with torch.inference_mode():
        score = float(density_map.p_hazy(prior.tower.embed(whole), prior.prompt_embeddings()))
    np.testing.assert_allclose(density, score, atol=1e-5)


def test_the_number_of_windows_is_bounded(monkeypatch):
    prior, seen = planted_prior(), []
    embed = prior.tower.embed

    def counted(images, **options):
        seen.append(len(images))
        return embed(images, **options)

    monkeypatch.setattr(prior.tower, "embed", counted)
    prior.density(crisp(64, 4000), builder="windows", windows=WindowOptions(max_windows=40))
    assert 0 < sum(seen) <= 40
    seen.clear()
    prior.density(crisp(64, 64), builder="windows")
    assert len(seen) == 3  # every level
    seen.clear()
    prior.density(crisp(12, 12), builder="windows")
    assert len(seen) == 1  # windows of a few pixels would show nothing


@pytest.mark.parametrize("size", [(100, 150), (150, 100), (33, 257)])
def test_windows_of_the_whole_photo_reach_both_ends(size):
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[-1, -1] = pixels[0, 0] = 255
    windows = density_map.whole_image_windows(pixels, 32)
    assert windows[0, :, 0, 0].max() > 0 and windows[-1, :, -1, -1].max() > 0


def test_more_patches_make_a_finer_map():
    prior = planted_prior(kind="surgery")
    assert prior.density(half_foggy(), builder="surgery", dense=DenseOptions(patches=6)).shape == (6, 8)
    assert prior.density(half_foggy(), builder="surgery", dense=DenseOptions(patches=12)).shape == (12, 16)


def test_unknown_builders_and_towers_without_tokens_are_refused():
    prior = planted_prior()
    with pytest.raises(UsageError, match="known are surgery, maskclip, windows"):
        prior.density(half_foggy(), builder="tarot")
    prior.tower.module.pool_type = "avg"  # type: ignore[assignment]
    with pytest.raises(UsageError, match="use the windows builder"):
        prior.density(half_foggy(), builder="maskclip")


def test_without_a_builder_it_is_surgery_and_windows_where_there_are_no_tokens():
    prior = planted_prior(kind="surgery")
    np.testing.assert_array_equal(prior.density(half_foggy()), prior.density(half_foggy(), builder="surgery"))
    assert prior.choose_builder().notice is None
    prior.tower.module.pool_type = "avg"  # type: ignore[assignment]
    np.testing.assert_array_equal(prior.density(half_foggy()), prior.density(half_foggy(), builder="windows"))
    assert "sliding windows" in (prior.choose_builder().notice or "")


def test_vectors_may_stand_for_texts():
    prior = planted_prior(kind="surgery")
    vectors = prior.prompt_embeddings()
    np.testing.assert_array_equal(prior.density(half_foggy(), prompts=vectors), prior.density(half_foggy()))
    turned = PromptEmbeddings(hazy=vectors.clear, clear=vectors.hazy)
    np.testing.assert_allclose(prior.density(half_foggy(), prompts=turned), 1 - prior.density(half_foggy()), atol=1e-5)


@pytest.mark.parametrize(
    "options", [{"fractions": ()}, {"fractions": (1.5,)}, {"overlap": 1.0}, {"overlap": -0.1}, {"batch_size": 0}]
)
def test_impossible_windows_are_refused(options):
    with pytest.raises(UsageError):
        WindowOptions(**options)


@pytest.mark.parametrize("size", [(300, 400), (411, 300), (300, 301)])
@pytest.mark.parametrize("fraction", [1.0, 1 / 2, 1 / 3])
def test_windows_tile_the_photo_evenly_without_stretching_it(size, fraction):
    level = density_map._level(size[0], size[1], 224, fraction, 0.5)
    assert level.width / level.height == pytest.approx(size[1] / size[0], rel=0.01)
    assert level.windows(torch.zeros(1, 3, level.height, level.width), 224).shape[0] == level.ny * level.nx
    assert (level.height - 224) % max(level.ny - 1, 1) == 0 and (level.width - 224) % max(level.nx - 1, 1) == 0
    assert min(level.height, level.width) == pytest.approx(224 / fraction, abs=2)
