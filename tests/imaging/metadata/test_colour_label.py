"""Colours mean the same afterwards, where a file says it without an ICC profile."""

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.imaging.metadata import colour_label, isobmff
from cliphaze_cli.imaging.metadata.colour_label import ColourLabel
from tests.imaging.samples import CASES, noise, photo, smooth

P3, PQ, HLG, LINEAR = (12, 13), (9, 16), (9, 18), ColourLabel(gamma=1.0)


def cicp_in(path):
    """What the file's nclx box says, or its cICP chunk."""
    data = path.read_bytes()
    if path.suffix == ".heic":
        found = pillow_heif.open_heif(path).info["nclx_profile"]
        return found["color_primaries"], found["transfer_characteristics"]
    if path.suffix == ".png":
        at = data.find(b"cICP")
        return None if at < 0 else tuple(data[at + 4 : at + 6])
    at = data.find(b"colrnclx") + 8
    return int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")


@pytest.mark.parametrize(
    ("name", "cicp"), [("p3_nclx8.avif", P3), ("pq10.avif", PQ), ("pq10_nclx.heic", PQ), ("primary2.heic", (1, 13))]
)
@pytest.mark.parametrize("extension", [".avif", ".heic"])
def test_labels_of_avif_and_heic_stay(tmp_path, name, cicp, extension):
    result = read(CASES / name)
    write(result, tmp_path / f"out{extension}")
    assert cicp_in(tmp_path / f"out{extension}") == cicp
    again = read(tmp_path / f"out{extension}").pixels
    assert np.abs(again.astype(int) - result.pixels).mean() < 3


@pytest.mark.parametrize("cicp", [P3, PQ, HLG])
def test_png_gets_the_label_too(tmp_path, cicp):
    write(photo(smooth(), colour=colour_label.of_cicp(*cicp), format="AVIF"), tmp_path / "out.png")
    assert cicp_in(tmp_path / "out.png") == cicp
    assert read(tmp_path / "out.png").colour == colour_label.of_cicp(*cicp)


@pytest.mark.parametrize("extension", [".jpg", ".webp", ".tif", ".png"])
def test_other_formats_get_a_profile_that_says_the_same(tmp_path, extension):
    write(read(CASES / "p3_nclx8.avif"), tmp_path / f"out{extension}")
    with Image.open(tmp_path / f"out{extension}") as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        to_lab = ImageCms.buildTransform(profile, ImageCms.createProfile("LAB"), "RGB", "LAB")
        shown = to_lab.apply(Image.new("RGB", (1, 1), (255, 0, 0)))
    # Display P3's red is more saturated than sRGB's, whose a* is 80.
    assert shown.getpixel((0, 0))[1] > 84  # type: ignore[index]


@pytest.mark.parametrize("extension", [".jpg", ".webp", ".tif"])
def test_formats_that_cannot_say_hdr_tell(tmp_path, extension):
    notices = write(read(CASES / "pq10.avif"), tmp_path / f"out{extension}")
    assert any("PQ" in notice and "dropped" in notice for notice in notices)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "label",
    [
        LINEAR,
        ColourLabel(intent=1),
        ColourLabel(gamma=0.5, chromaticities=(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)),
        ColourLabel(cicp=HLG),
    ],
)
def test_chunks_of_png_stay(tmp_path, dtype, label):
    write(photo(noise(4, 5, 3, dtype=dtype), colour=label), tmp_path / "in.png")
    assert write(read(tmp_path / "in.png"), tmp_path / "out.png") == ()
    assert read(tmp_path / "out.png").colour == label


def test_linear_samples_are_not_shown_too_dark(tmp_path):
    write(read(CASES / "gama_linear.png"), tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert image.info["gamma"] == 1.0
    write(read(CASES / "gama_linear.png"), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        shown = ImageCms.profileToProfile(
            Image.new("RGB", (1, 1), (55, 55, 55)), profile, ImageCms.createProfile("sRGB")
        )
    assert shown is not None
    assert abs(shown.getpixel((0, 0))[0] - 128) <= 2  # type: ignore[index]


@pytest.mark.parametrize("label", [None, ColourLabel(cicp=(1, 13)), ColourLabel(cicp=(1, 1)), ColourLabel(intent=0)])
def test_what_is_srgb_anyway_needs_no_profile(tmp_path, label):
    for extension in (".jpg", ".tif", ".webp"):
        assert write(photo(smooth(), colour=label), tmp_path / f"out{extension}") == ()
        assert read(tmp_path / f"out{extension}").icc is None


def test_grey_gets_a_profile_for_grey(tmp_path):
    write(photo(np.repeat(smooth()[..., :1], 3, axis=2), grey=True, colour=LINEAR), tmp_path / "out.jpg")
    result = read(tmp_path / "out.jpg")
    assert result.grey
    assert result.icc is not None
    assert result.notices == ()


@pytest.mark.parametrize(
    "damage", [b"", b"\0\0\0\x08meta", b"\0\0\0\x10meta\0\0\0\0\0\0\0\xff", b"\0\0\0\0meta\0\0\0\0"]
)
def test_damaged_boxes_count_as_absent(damage):
    found = isobmff.read(damage)
    assert found is None or found.cicp is None


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_to_boxes_raises_nothing_else(seed):
    data = bytearray((CASES / "pq10_nclx.heic").read_bytes())
    random = np.random.default_rng(seed)
    for at in random.integers(0, 380, 5):
        data[at] = random.integers(0, 256)
    isobmff.read(bytes(data))
