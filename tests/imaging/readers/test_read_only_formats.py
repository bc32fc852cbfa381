"""JPEG XL and JPEG 2000 are read, and odd BMP files too."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.imaging.formats import is_image_name
from cliphaze_cli.imaging.readers import jxl_header
from cliphaze_cli.system.errors import ImageError
from tests.imaging.samples import exif_block, icc_profile, make_and_date, noise, smooth, xmp_packet

DEEP = noise(17, 23, 4, dtype=np.uint16)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def jxl(samples, *boxes: bytes, **options) -> bytes:
    """A file with boxes beside its codestream."""
    codestream = bytes(imagecodecs.jpegxl_encode(samples, lossless=True, usecontainer=False, **options))
    start = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    return start + b"".join(boxes) + box(b"jxlc", codestream) if boxes else codestream


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg_xl(tmp_path, dtype, channels):
    samples = (DEEP if dtype == np.uint16 else (DEEP >> 8).astype(np.uint8))[..., :channels]
    (tmp_path / "in.jxl").write_bytes(jxl(np.squeeze(samples)))
    result = read(tmp_path / "in.jxl")
    assert result.pixels.dtype == dtype
    assert result.grey == (channels == 1)
    np.testing.assert_array_equal(result.pixels, np.broadcast_to(samples[..., :3], result.pixels.shape))
    if channels == 4:
        np.testing.assert_array_equal(result.alpha, samples[..., 3])
    write(result, tmp_path / "out.png")
    np.testing.assert_array_equal(read(tmp_path / "out.png").pixels, result.pixels)


def test_jpeg_xl_of_odd_depth(tmp_path):
    (tmp_path / "in.jxl").write_bytes(jxl(DEEP[..., :3] >> 6, bitspersample=10))
    result = read(tmp_path / "in.jxl")
    np.testing.assert_array_equal(result.pixels, np.rint((DEEP[..., :3] >> 6) * (65535 / 1023)))
    assert result.notices == ("10-bit samples widened to 16 bits",)


@pytest.mark.parametrize("packed", [False, True])
def test_metadata_of_jpeg_xl(tmp_path, packed):
    blocks = [(b"Exif", bytes(4) + exif_block(6)[6:]), (b"xml ", xmp_packet("<dc:title>fog</dc:title>"))]
    boxes = [
        box(b"brob", kind + imagecodecs.brotli_encode(content)) if packed else box(kind, content)
        for kind, content in blocks
    ]
    (tmp_path / "in.jxl").write_bytes(jxl(smooth(), *boxes))
    result = read(tmp_path / "in.jxl")
    np.testing.assert_array_equal(result.pixels, smooth())  # the codestream's own orientation counts, not EXIF's
    write(result, tmp_path / "out.png")
    assert make_and_date(tmp_path / "out.png")[0] == "Camera"
    assert b"fog" in (result.xmp or b"")


def test_colours_of_jpeg_xl(tmp_path):
    # imagecodecs says of 16-bit samples that they are linear.
    (tmp_path / "in.jxl").write_bytes(jxl(DEEP[..., :3]))
    result = read(tmp_path / "in.jxl")
    assert result.colour is not None
    assert result.colour.cicp == (1, 8)


def test_a_bomb_of_jpeg_xl_is_refused_before_decoding(tmp_path):
    # Not small, height and width 1 + 30 bits: 1,000,000 x 1,000,000.
    bits, at = 0, 0
    for value, count in ((0, 1), (3, 2), (999_999, 30), (0, 3), (3, 2), (999_999, 30), (1, 1)):
        bits |= value << at
        at += count
    (tmp_path / "in.jxl").write_bytes(b"\xff\x0a" + bits.to_bytes(20, "little"))
    with pytest.raises(ImageError, match="1000000 x 1000000 is 1000000 megapixels"):
        read(tmp_path / "in.jxl")


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4])
def test_cut_off_headers(length):
    with pytest.raises(ValueError, match=r"codestream|cut off"):
        jxl_header.read(jxl(DEEP[..., :3])[:length])


@pytest.mark.parametrize("extension", [".jxl", ".jp2"])
@pytest.mark.parametrize("part", [0.2, 0.6, 0.95])
def test_truncated_files(tmp_path, extension, part):
    data = jxl(noise(64, 64, 3)) if extension == ".jxl" else jp2(noise(64, 64, 3))
    (tmp_path / f"in{extension}").write_bytes(data[: int(part * len(data))])
    with pytest.raises(ImageError, match="cannot read"):
        read(tmp_path / f"in{extension}")


def jp2(samples, *boxes: bytes, **options) -> bytes:
    data = bytes(imagecodecs.jpeg2k_encode(samples, level=0, reversible=True, codecformat="jp2", **options))
    at = data.index(b"jp2c") - 4
    return data[:at] + b"".join(boxes) + data[at:]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("form", ["jp2", "j2k"])
def test_jpeg_2000(tmp_path, dtype, channels, form):
    samples = (DEEP if dtype == np.uint16 else (DEEP >> 8).astype(np.uint8))[..., :channels]
    data = imagecodecs.jpeg2k_encode(np.squeeze(samples), level=0, reversible=True, codecformat=form)
    (tmp_path / "in.jp2").write_bytes(data)
    result = read(tmp_path / "in.jp2")
    assert result.pixels.dtype == dtype
    np.testing.assert_array_equal(result.pixels, np.broadcast_to(samples[..., :3], result.pixels.shape))
    if channels == 4:
        np.testing.assert_array_equal(result.alpha, samples[..., 3])


def test_jpeg_2000_of_12_bits(tmp_path):
    (tmp_path / "in.jp2").write_bytes(jp2(DEEP[..., :3] >> 4, bitspersample=12))
    np.testing.assert_array_equal(read(tmp_path / "in.jp2").pixels, np.rint((DEEP[..., :3] >> 4) * (65535 / 4095)))


def miscounted(codestream: bytes) -> bytes:
    """The same in three parts of each tile, of which the file claims to have two, as some encoders wrote it."""
    first = at = codestream.index(b"\xff\x90\0\x0a")
    tiles = []
    while codestream[at : at + 2] == b"\xff\x90":
        number, size = struct.unpack_from(">HI", codestream, at + 4)
        head, mark, packets = codestream[at + 12 : at + size].partition(b"\xff\x93")
        third = -(-len(packets) // 3)
        parts = [head + mark + packets[:third], mark + packets[third : 2 * third], mark + packets[2 * third :]]
        tiles.append((number, parts))
        at += size
    pieces = [
        struct.pack(">HHHIBB", 0xFF90, 10, number, 12 + len(parts[part]), part, 2) + parts[part]
        for part in range(3)
        for number, parts in tiles
    ]
    return codestream[:first] + b"".join(pieces) + codestream[at:]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg_2000_whose_parts_of_tiles_are_miscounted(tmp_path, channels):
    samples = np.squeeze((DEEP[..., :channels] >> 8).astype(np.uint8))
    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, "JPEG2000", no_jp2=True, tile_size=(16, 16))
    (tmp_path / "in.j2k").write_bytes(miscounted(stream.getvalue()))
    result = read(tmp_path / "in.j2k")
    np.testing.assert_array_equal(result.pixels[..., : min(channels, 3)], np.atleast_3d(samples)[..., :3])
    assert (result.alpha is None) == (channels != 4)
    (tmp_path / "cut.j2k").write_bytes(miscounted(stream.getvalue())[:-20])
    with pytest.raises(ImageError, match="damaged or incomplete"):
        read(tmp_path / "cut.j2k")


def test_metadata_of_jpeg_2000(tmp_path):
    uuid = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
    boxes = [
        box(b"uuid", b"JpgTiffExif->JP2" + exif_block()[6:]),
        box(b"uuid", uuid + xmp_packet("<dc:title>fog</dc:title>")),
    ]
    (tmp_path / "in.jp2").write_bytes(jp2(smooth(), *boxes))
    result = read(tmp_path / "in.jp2")
    write(result, tmp_path / "out.png")
    assert make_and_date(tmp_path / "out.png")[0] == "Camera"
    assert b"fog" in (result.xmp or b"")


def test_bombs_of_jpeg_2000_are_refused(tmp_path):
    data = bytearray(jp2(smooth()))
    at = data.index(b"\xff\x4f\xff\x51")
    struct.pack_into(">II", data, at + 8, 60_000, 50_000)
    (tmp_path / "in.jp2").write_bytes(data)
    with pytest.raises(ImageError, match="megapixels"):
        read(tmp_path / "in.jp2")


@pytest.mark.parametrize("name", ["a.jxl", "a.JP2", "a.j2k", "a.MPO"])
def test_folders_find_them(tmp_path, name):
    assert is_image_name(tmp_path / name)


def bitmap(samples, masks, size=40, bits=16) -> bytes:
    """A bottom-up BMP whose channels lie in fields of bits."""
    numbers = np.zeros(samples.shape[:2], np.uint32)
    for channel, mask in enumerate(masks):
        if mask:
            shift = (mask & -mask).bit_length() - 1
            numbers |= samples[..., channel].astype(np.uint32) * (mask >> shift) // 255 << np.uint32(shift)
    rows = numbers.astype(f"<u{bits // 8}")[::-1]
    fields = struct.pack(f"<{len(masks)}I", *masks)
    info = struct.pack("<IiiHHIIiiII", size, samples.shape[1], samples.shape[0], 1, bits, 3, 0, 0, 0, 0, 0)
    head = info + fields.ljust(max(12, size - 40), b"\0")
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + len(head)) + head + rows.tobytes()


@pytest.mark.parametrize(
    ("masks", "bits", "size"),
    [
        ((0xF000, 0x0F00, 0x00F0), 16, 40),
        ((0x001F, 0x07E0, 0xF800), 16, 40),
        ((0x3FF00000, 0x000FFC00, 0x000003FF), 32, 40),
        ((0x0F00, 0x00F0, 0x000F, 0xF000), 16, 56),
    ],
)
def test_bmp_with_odd_fields(tmp_path, masks, bits, size):
    samples = (noise(10, 12, len(masks)) // 17 * 17).astype(np.uint8)
    (tmp_path / "in.bmp").write_bytes(bitmap(samples, masks, size, bits))
    result = read(tmp_path / "in.bmp")
    np.testing.assert_allclose(result.pixels.astype(int), samples[..., :3], atol=9)
    if len(masks) == 4:
        np.testing.assert_allclose(np.asarray(result.alpha, int), samples[..., 3], atol=1)


def test_bmp_with_the_short_header_of_os2(tmp_path):
    sink = io.BytesIO()
    Image.fromarray(smooth()).save(sink, "BMP")
    data = sink.getvalue()
    short = struct.pack("<IiiHH", 16, 64, 48, 1, 24)
    (tmp_path / "in.bmp").write_bytes(b"BM" + data[2:10] + struct.pack("<I", 30) + short + data[54:])
    np.testing.assert_array_equal(read(tmp_path / "in.bmp").pixels, smooth())


def test_dib(tmp_path):
    sink = io.BytesIO()
    Image.fromarray(smooth()).save(sink, "DIB")
    (tmp_path / "in.dib").write_bytes(sink.getvalue())
    result = read(tmp_path / "in.dib")
    np.testing.assert_array_equal(result.pixels, smooth())
    assert result.format == "BMP"


def test_profiles_of_jpeg_2000(tmp_path):
    colour = box(b"colr", b"\x02\0\0" + icc_profile())
    data = jp2(smooth())
    at = data.index(b"colr") - 4
    (length,) = struct.unpack_from(">I", data, at)
    grown = bytearray(data[:at] + colour + data[at + length :])
    header = data.index(b"jp2h") - 4
    struct.pack_into(">I", grown, header, struct.unpack_from(">I", data, header)[0] - length + len(colour))
    (tmp_path / "in.jp2").write_bytes(grown)
    assert read(tmp_path / "in.jp2").icc == icc_profile()
