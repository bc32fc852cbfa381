"""XMP and IPTC survive in every format that can hold them, without what no longer holds."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, IptcImagePlugin

from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.imaging.metadata import jpeg_segments, photoshop, xmp
from tests.imaging.samples import CASES, exif_block, noise, photo, smooth, xmp_in, xmp_packet

HOLDERS = [".jpg", ".png", ".webp", ".tif", ".avif", ".heic"]
FLIGHT = "<drone-dji:GimbalPitchDegree>-89.90</drone-dji:GimbalPitchDegree><dc:title>東京 霧</dc:title>"
IPTC = b"\x1c\x02\x78\x00\x07caption" + b"\x1c\x02\x19\x00\x03fog"


@pytest.mark.parametrize("source", HOLDERS)
@pytest.mark.parametrize("target", [".jpg", ".png", ".webp", ".tif", ".avif", ".heic"])
def test_xmp_survives_from_every_format_to_every_other(tmp_path, source, target):
    first, second = tmp_path / f"in{source}", tmp_path / f"out{target}"
    write(photo(smooth(), xmp=xmp_packet(FLIGHT, 'xmp:Rating="4"')), first)
    write(read(first), second)
    found = xmp_in(second)
    assert FLIGHT.encode() in found
    assert b'xmp:Rating="4"' in found


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_xmp_and_iptc_survive_at_sixteen_bits(tmp_path, extension):
    path = tmp_path / f"out{extension}"
    write(photo(noise(9, 7, 3, dtype=np.uint16), xmp=xmp_packet(FLIGHT), iptc=IPTC), path)
    assert FLIGHT.encode() in (read(path).xmp or b"")
    assert read(path).iptc == IPTC


@pytest.mark.parametrize("source", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("target", [".jpg", ".png", ".tif"])
def test_iptc_survives(tmp_path, source, target):
    write(photo(smooth(), iptc=IPTC), tmp_path / f"in{source}")
    write(read(tmp_path / f"in{source}"), tmp_path / f"out{target}")
    assert read(tmp_path / f"out{target}").iptc == IPTC
    if target != ".png":
        with Image.open(tmp_path / f"out{target}") as image:
            found = IptcImagePlugin.getiptcinfo(image)
        assert found is not None
        assert (found[(2, 120)], found[(2, 25)]) == (b"caption", b"fog")


@pytest.mark.parametrize("extension", [".webp", ".avif", ".heic", ".bmp"])
def test_formats_without_iptc_say_so(tmp_path, extension):
    (notice,) = write(photo(smooth(), iptc=IPTC), tmp_path / f"out{extension}")
    assert "IPTC" in notice


def test_panoramas_stay_panoramas(tmp_path):
    assert write(read(CASES / "gpano.jpg"), tmp_path / "out.jpg") == ()
    found = xmp_in(tmp_path / "out.jpg")
    assert b"<GPano:ProjectionType>equirectangular</GPano:ProjectionType>" in found
    assert b"<GPano:FullPanoWidthPixels>288<" in found


def test_the_video_of_a_motion_photo_goes_and_is_said(tmp_path):
    result = read(CASES / "motion.jpg")
    assert result.notices == (xmp.VIDEO_DROPPED,)
    write(result, tmp_path / "out.jpg")
    data = (tmp_path / "out.jpg").read_bytes()
    assert b"MotionPhoto" not in data
    assert b"MicroVideo" not in data
    assert b"ftyp" not in data


def test_a_gain_map_goes_and_is_said():
    packet, notices = xmp.cleaned(xmp_packet(FLIGHT, 'hdrgm:Version="1.0" hdrgm:GainMapMax="3"'), 10, 10)
    assert packet is not None
    assert b"hdrgm:Version" not in packet
    assert FLIGHT.encode() in packet
    assert notices == [xmp.GAIN_MAP_DROPPED]


def test_orientation_and_size_are_those_of_the_new_pixels(tmp_path):
    packet = xmp_packet("<exif:PixelXDimension>64</exif:PixelXDimension>", 'tiff:Orientation="6" tiff:ImageLength="48"')
    Image.fromarray(smooth()).save(tmp_path / "in.jpg", xmp=packet)
    result = read(tmp_path / "in.jpg")
    assert result.pixels.shape == (64, 48, 3)
    assert result.xmp is not None
    assert b"Orientation" not in result.xmp
    assert b"<exif:PixelXDimension>48<" in result.xmp
    assert b'tiff:ImageLength="64"' in result.xmp


def test_thumbnails_in_xmp_go_and_are_said():
    properties = "<xmp:Thumbnails><rdf:Alt><rdf:li>AAAA</rdf:li></rdf:Alt></xmp:Thumbnails><xmp:Rating>3</xmp:Rating>"
    packet, notices = xmp.cleaned(xmp_packet(properties), 10, 10)
    assert packet == xmp_packet("<xmp:Rating>3</xmp:Rating>").replace(b"\xef\xbb\xbf", b"\xef\xbb\xbf")
    assert notices == [xmp.THUMBNAIL_DROPPED]


def test_extended_xmp_of_jpeg_is_kept_whole(tmp_path):
    long = f"<dc:description>{'fog ' * 40_000}</dc:description>"
    before = photo(smooth(), xmp=xmp_packet(FLIGHT + long, 'xmp:Rating="4"'))
    assert write(before, tmp_path / "out.jpg") == ()
    assert FLIGHT.encode() in xmp_in(tmp_path / "out.jpg")  # readers that know no extended XMP find the rest
    again = read(tmp_path / "out.jpg")
    assert again.notices == ()
    assert again.xmp is not None
    assert long.encode() in again.xmp
    assert b"HasExtendedXMP" not in again.xmp
    write(again, tmp_path / "out.png")
    assert long.encode() in xmp_in(tmp_path / "out.png")


def test_extended_xmp_with_a_part_missing_is_left_out_and_said(tmp_path):
    packet = xmp_packet(FLIGHT + f"<dc:description>{'fog ' * 40_000}</dc:description>")
    segments, _ = jpeg_segments.written(packet, None, None)
    found = jpeg_segments.read(b"\xff\xd8" + segments[:-20_000])
    assert FLIGHT.encode() in (found.xmp or b"")
    assert found.notices == ("extended XMP dropped: it is incomplete",)


@pytest.mark.parametrize(
    "packet",
    [
        b"<x:xmpmeta",
        b"not XML",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        xmp_packet(FLIGHT)[:-90],
        b"\xff\xfe<\x00",
    ],
)
@pytest.mark.parametrize("extension", [".jpg", ".webp"])
def test_damaged_xmp_is_dropped_with_a_notice(tmp_path, packet, extension):
    Image.fromarray(smooth()).save(tmp_path / f"in{extension}", xmp=packet)
    result = read(tmp_path / f"in{extension}")
    assert result.xmp is None
    assert "damaged XMP dropped" in result.notices


def test_xmp_in_sixteen_bit_letters_is_read():
    packet, _ = xmp.cleaned(xmp_packet(FLIGHT).decode().encode("utf-16"), 3, 4)
    assert FLIGHT.encode() in (packet or b"")


@pytest.mark.parametrize("seed", range(30))
def test_random_damage_never_costs_the_photo(tmp_path, seed):
    sink = io.BytesIO()
    Image.fromarray(smooth()).save(sink, "JPEG", xmp=xmp_packet(FLIGHT, 'tiff:Orientation="6"'))
    data = bytearray(sink.getvalue())
    random = np.random.default_rng(seed)
    start = data.index(b"<x:xmpmeta")
    for at in random.integers(start, data.index(b"</x:xmpmeta"), 4):
        data[at] = random.integers(0, 256)
    (tmp_path / "in.jpg").write_bytes(data)
    assert read(tmp_path / "in.jpg").pixels.size == smooth().size


@pytest.mark.parametrize(
    ("marker", "content", "word"),
    [(0xE3, bytes(range(200)), "APP3"), (0xE1, b"FLIR\0\1" + bytes(80), "FLIR"), (0xEB, b"JP\0\1" + bytes(80), "C2PA")],
)
def test_what_cameras_add_to_jpeg_is_said(tmp_path, marker, content, word):
    sink = io.BytesIO()
    segment = struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
    Image.fromarray(smooth()).save(sink, "JPEG", extra=segment)
    (tmp_path / "in.jpg").write_bytes(sink.getvalue())
    (notice,) = read(tmp_path / "in.jpg").notices
    assert word in notice


def test_a_comment_survives_in_jpeg_and_png(tmp_path):
    Image.fromarray(smooth()).save(tmp_path / "in.jpg", comment="für später".encode())
    write(read(tmp_path / "in.jpg"), tmp_path / "out.png")
    write(read(tmp_path / "out.png"), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.info["comment"] == "für später".encode()
    (notice,) = write(read(tmp_path / "in.jpg"), tmp_path / "out.webp")
    assert "Comment" in notice


def test_photoshops_paths_are_said():
    resources = photoshop.resources_of(IPTC) + b"8BIM\x07\xd0\x00\x00\x00\x00\x00\x02ab"
    assert photoshop.iptc_of(resources) == (IPTC, [photoshop.PATHS_DROPPED])
    assert photoshop.iptc_of(resources[:9]) == (None, [])


@pytest.mark.parametrize("extension", [".jpg", ".webp", ".png"])
def test_width_and_height_in_exif_are_those_of_the_upright_photo(tmp_path, extension):
    result = read(CASES / "orient6.jpg")
    assert xmp.THUMBNAIL_DROPPED in result.notices
    write(result, tmp_path / f"out{extension}")
    with Image.open(tmp_path / f"out{extension}") as image:
        settings = image.getexif().get_ifd(34665)
        assert (settings[40962], settings[40963]) == image.size == (288, 192)
        assert image.getexif()[271] == "DJI"


def test_a_thumbnail_is_said(tmp_path):
    Image.fromarray(smooth()).save(tmp_path / "in.jpg", exif=exif_block(1, thumbnail=True))
    assert read(tmp_path / "in.jpg").notices == (xmp.THUMBNAIL_DROPPED,)
