"""AVIF files as older encoders wrote them are read, and pictures are cropped as the file says."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from cliphaze_cli.imaging.files import read
from cliphaze_cli.imaging.metadata import isobmff
from cliphaze_cli.imaging.metadata.isobmff import Container, Item
from cliphaze_cli.imaging.readers import avif_repair
from tests.imaging.samples import exif_block, make_and_date, smooth, xmp_packet


def avif(samples, **options) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(samples).save(sink, "AVIF", quality=90, subsampling="4:4:4", **options)
    return sink.getvalue()


def opened(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


WITH_ALPHA = np.dstack([smooth(), smooth()[..., 0]])


@pytest.mark.parametrize("box", [b"pixi", b"ispe"])
@pytest.mark.parametrize("alpha", [False, True])
def test_boxes_that_older_encoders_left_out(tmp_path, box, alpha):
    samples = WITH_ALPHA if alpha else smooth()
    options = {"exif": exif_block(), "xmp": xmp_packet("<dc:title>fog</dc:title>")}
    sound = avif(samples, **options)
    broken = sound.replace(box, b"skip")
    if box == b"ispe":
        with pytest.raises(UnidentifiedImageError):
            opened(broken)
    (tmp_path / "in.avif").write_bytes(broken)
    result = read(tmp_path / "in.avif")
    expected = opened(sound)
    np.testing.assert_array_equal(result.pixels, expected[..., :3])
    if alpha:
        np.testing.assert_array_equal(result.alpha, expected[..., 3])
    assert result.exif is not None
    assert make_and_date(result.exif)[0] == "Camera"
    assert b"fog" in (result.xmp or b"")


@pytest.mark.parametrize("samples", [smooth(), smooth()[..., 0], WITH_ALPHA])
def test_what_is_written_anew_is_the_same_picture(samples):
    data = avif(samples)
    again = avif_repair.repaired(data)
    assert again is not None
    np.testing.assert_array_equal(opened(again), opened(data))


def test_grids_are_written_anew_as_grids():
    tiles = [avif(smooth(64, 64)), avif(255 - smooth(64, 64))]
    container = isobmff.read(tiles[0])
    assert container is not None
    items: dict[int, Item] = {}
    extents: dict[int, tuple[tuple[int, int], ...]] = {}
    data = b""
    for number, tile in enumerate(tiles, 1):
        one = isobmff.read(tile)
        assert one is not None
        ((at, length),) = one.extents[one.primary]
        items[number], extents[number] = one.items[one.primary], ((len(data), length),)
        data += tile[at : at + length]
    grid = struct.pack(">BBBBHH", 0, 0, 0, 1, 128, 64)
    items[3], extents[3] = Item(b"grid"), ((len(data), len(grid)),)
    result = avif_repair._written(Container(3, items, ((b"dimg", 3, 1), (b"dimg", 3, 2)), extents), data + grid)
    assert result is not None
    np.testing.assert_array_equal(opened(result), np.hstack([opened(tile) for tile in tiles]))


def test_a_clean_aperture_crops(tmp_path):
    sound = avif(smooth(60, 80))
    crop = struct.pack(">IIIIiIiI", 40, 1, 20, 1, 10, 1, -5, 1)
    container = isobmff.read(sound)
    assert container is not None
    item = container.items[container.primary]
    cropped = Item(item.kind, (*item.properties, (b"clap", crop)))
    data = avif_repair._written(
        Container(container.primary, {container.primary: cropped}, (), container.extents), sound
    )
    assert data is not None
    (tmp_path / "in.avif").write_bytes(data)
    # The centre, 39.5 and 29.5, moved by 10 and -5.
    np.testing.assert_array_equal(read(tmp_path / "in.avif").pixels, opened(sound)[15:35, 30:70])


@pytest.mark.parametrize(
    "numbers", [(0, 1, 20, 1, 0, 1, 0, 1), (40, 0, 20, 1, 0, 1, 0, 1), (400, 1, 20, 1, 0, 1, 0, 1)]
)
def test_an_impossible_crop_is_none(numbers):
    item = Item(b"av01", ((b"clap", struct.pack(">IIIIiIiI", *numbers)),))
    assert Container(1, {1: item}).crop(80, 60) is None


@pytest.mark.parametrize("seed", range(60))
def test_random_damage_is_survived(seed):
    data = bytearray(avif(WITH_ALPHA))
    random = np.random.default_rng(seed)
    for at in random.integers(0, 400, 6):
        data[at] = random.integers(0, 256)
    again = avif_repair.repaired(bytes(data))
    assert again is None or len(again) < 4 * len(data)


@pytest.mark.parametrize("length", range(0, 420, 13))
def test_cut_off_files(length):
    avif_repair.repaired(avif(smooth())[:length])
