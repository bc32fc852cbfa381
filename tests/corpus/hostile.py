"""Files that are damaged, lie about themselves, or are made to exhaust whoever reads them. None is large."""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

from tests.corpus.case import Case, base, deep, saved
from tests.corpus.chunks import chunk, png, riff, tiff
from tests.corpus.valid import LOSSY, deep_tiff
from tests.imaging.samples import cmyk_icc_profile, exif_block, icc_profile

HUGE = 60_000  # pixels a side that bombs declare
_MANY = 200_000  # of small parts, for what is slow per part


def hostile_cases() -> list[Case]:
    """Every hostile file of the corpus."""
    return [*_no_images(), *_bombs(), *_swollen(), *_bad_exif(), *_bad_profiles(), *_other_metadata(), *_structures()]


def _rgb() -> Image.Image:
    return Image.fromarray(base())


def _no_images() -> Iterator[Case]:
    yield Case("empty.jpg", b"", refusal="empty")
    yield Case("zeros.png", bytes(10_000), refusal="not a JPEG")
    yield Case("text.tif", b"no photo\n" * 100, refusal="not a JPEG")
    yield Case("page.webp", b"<!DOCTYPE html><html><body>404</body></html>", refusal="not a JPEG")
    yield Case("gif.jpg", saved(_rgb(), "GIF"), refusal="not a JPEG")
    yield Case("one-byte.bmp", b"B", refusal="not a JPEG")
    yield Case("program.jpg", b"\x7fELF\x02\x01\x01" + bytes(500), refusal="not a JPEG")
    for name, magic in {
        "jpg": b"\xff\xd8\xff",
        "png": b"\x89PNG\r\n\x1a\n",
        "tif": b"II*\0\x08\0\0\0",
        "webp": b"RIFF\x10\0\0\0WEBPVP8 ",
        "bmp": b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
        "avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    }.items():
        yield Case(f"only-magic.{name}", magic, refusal="")
        yield Case(f"magic-and-zeros.{name}", magic + bytes(5000), refusal="")
        yield Case(f"magic-and-noise.{name}", magic + np.random.default_rng(1).bytes(5000), refusal="")


def _bombs() -> Iterator[Case]:
    """Small files that declare 60000 x 60000 pixels."""
    for bits in (1, 8, 16):
        yield Case(
            f"bomb-{bits}-bit.png", png(HUGE, HUGE, bits, 0 if bits == 1 else 2, bytes(1000)), refusal="megapixels"
        )
    yield Case("bomb-interlaced.png", png(HUGE, HUGE, 8, 6, bytes(1000), interlace=1), refusal="megapixels")
    for progressive in (False, True):
        data = saved(_rgb(), "JPEG", progressive=progressive)
        start = re.search(rb"\xff[\xc0\xc2]\x00\x11\x08", data)
        assert start is not None
        data = data[: start.end()] + struct.pack(">HH", HUGE, HUGE) + data[start.end() + 4 :]
        yield Case(f"bomb-{'progressive' if progressive else 'baseline'}.jpg", data, refusal="megapixels")
    for compression in (1, 5, 8, 32773, 7, 34712):
        yield Case(f"bomb-{compression}.tif", tiff(HUGE, HUGE, bytes(100), compression=compression), refusal="")
    yield Case("bomb-16-bit.tif", tiff(HUGE, HUGE, bytes(100), bits=16), refusal="megapixels")
    yield Case("bomb-wide.tif", tiff(2**32 - 1, 2**32 - 1, bytes(100), bits=16), refusal="")
    bmp = bytearray(saved(_rgb(), "BMP"))
    bmp[18:26] = struct.pack("<ii", HUGE, HUGE)
    yield Case("bomb.bmp", bytes(bmp), refusal="megapixels")
    bmp[18:26] = struct.pack("<ii", 2**31 - 1, -(2**31))
    yield Case("bomb-signed.bmp", bytes(bmp), refusal="")
    canvas = struct.pack("<I", HUGE - 1)[:3] * 2
    vp8 = saved(_rgb(), "WEBP")[12:]
    yield Case("bomb.webp", riff((b"VP8X", b"\x02\0\0\0" + canvas), (b"ANIM", bytes(6))), refusal="")
    yield Case("bomb-frame.webp", riff((b"VP8X", bytes(4) + canvas)) + vp8, refusal="")
    pillow_heif.register_heif_opener()
    for extension, format in (("avif", "AVIF"), ("heic", "HEIF")):
        data = saved(_rgb(), format)
        at = data.index(b"ispe") + 8
        yield Case(f"bomb.{extension}", data[:at] + struct.pack(">II", HUGE, HUGE) + data[at + 8 :], refusal="")


def _swollen() -> Iterator[Case]:
    """Small images around much more packed data than they need."""
    flat = bytes(18 * (1 + 24 * 3))
    zeros = zlib.compress(bytes(100 << 20), 9)
    black: Any = {"pixels": np.zeros((18, 24, 3), np.uint8)}
    yield Case("zlib-bomb.png", png(24, 18, 8, 2, flat + bytes(100 << 20)), **black, may_fail=True)
    deep_flat = bytes(18 * (1 + 24 * 6))
    yield Case("zlib-bomb-16-bit.png", png(24, 18, 16, 2, deep_flat + bytes(100 << 20)), may_fail=True)
    for kind, content in {
        b"iCCP": b"name\0\0" + zeros,
        b"zTXt": b"Comment\0\0" + zeros,
        b"iTXt": b"Comment\0\x01\0\0\0" + zeros,
    }.items():
        for bits in (8, 16):
            rows = flat if bits == 8 else deep_flat
            data = png(24, 18, bits, 2, rows, extra=[chunk(kind, content)])
            yield Case(f"{kind.decode()}-bomb-{bits}-bit.png", data, may_fail=True)
    yield Case("strip-bomb.tif", tiff(24, 18, zeros, compression=8), may_fail=True)
    yield Case("strip-bomb-16-bit.tif", tiff(24, 18, zeros, compression=8, bits=16), may_fail=True)
    yield Case("long-strip.tif", tiff(24, 18, bytes(24 * 18), strip_length=2**32 - 1), may_fail=True)
    yield Case(
        "long-strip-16-bit.tif", tiff(24, 18, bytes(24 * 36), bits=16, strip_length=2**32 - 1), refusal="cut off"
    )


def _bad_exif() -> Iterator[Case]:
    good = exif_block(orientation=1)
    order = good[6:]
    loop = order[:4] + struct.pack("<I", 8) + struct.pack("<HHHIII", 1, 34665, 4, 1, 8, 8)
    many = order[:4] + struct.pack("<I", 8) + struct.pack("<H", 65535) + bytes(12 * 400)
    far = order[:4] + struct.pack("<I", 2**32 - 2)
    long = order[:4] + struct.pack("<IHHHIII", 8, 1, 271, 2, 2**32 - 1, 26, 0)
    for name, block in {
        "cut": good[:30],
        "header-only": good[:14],
        "loop": b"Exif\0\0" + loop,
        "many": b"Exif\0\0" + many,
        "far": b"Exif\0\0" + far,
        "long": b"Exif\0\0" + long,
        "noise": b"Exif\0\0" + np.random.default_rng(2).bytes(500),
        "text": b"Exif\0\0<?xml version='1.0'?>",
        "zeros": b"Exif\0\0" + bytes(1000),
        "prefixes": b"Exif\0\0" * 1000 + good,
    }.items():
        yield Case(f"exif-{name}.jpg", saved(_rgb(), "JPEG", exif=block), pixels=base(), tolerance=LOSSY)
        rows = b"".join(b"\0" + row.tobytes() for row in base())
        extra = [chunk(b"eXIf", block[6:])]
        yield Case(f"exif-{name}.png", png(24, 18, 8, 2, rows, extra=extra), pixels=base())
        yield Case(f"exif-{name}.webp", saved(_rgb(), "WEBP", exif=block, lossless=True), pixels=base())
        deep_rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep())
        yield Case(f"exif-{name}-16-bit.png", png(24, 18, 16, 2, deep_rows, extra=extra), pixels=deep())
    huge = exif_block() + bytes(4 << 20)
    yield Case("exif-huge.webp", saved(_rgb(), "WEBP", exif=huge, lossless=True), pixels=base())
    yield Case("exif-huge.avif", saved(_rgb(), "AVIF", exif=huge, quality=95), pixels=base(), tolerance=LOSSY)


def _bad_profiles() -> Iterator[Case]:
    profile = icc_profile()
    for name, block in {
        "cut": profile[:200],
        "tiny": b"x",
        "zeros": bytes(3000),
        "noise": np.random.default_rng(3).bytes(3000),
        "size": b"\xff\xff\xff\xff" + profile[4:],
        "tags": profile[:128] + b"\xff\xff\xff\xff" + profile[132:],
        "huge": profile + bytes(8 << 20),
        "wrong-kind": cmyk_icc_profile(),
    }.items():
        # Pillow's own writer limits a PNG's profile; what it will not write is left to the others.
        if len(block) < 1 << 20:
            yield Case(f"icc-{name}.png", saved(_rgb(), "PNG", icc_profile=block), pixels=base())
            yield Case(f"icc-{name}.jpg", saved(_rgb(), "JPEG", icc_profile=block), pixels=base(), tolerance=LOSSY)
        yield Case(f"icc-{name}.webp", saved(_rgb(), "WEBP", icc_profile=block, lossless=True), pixels=base())
        yield Case(f"icc-{name}.tif", saved(_rgb(), "TIFF", icc_profile=block), pixels=base())
        cmyk = Image.new("CMYK", (24, 18), (0, 100, 0, 100))
        yield Case(f"icc-{name}-cmyk.jpg", saved(cmyk, "JPEG", icc_profile=block[:60_000]), notice="CMYK")


def _other_metadata() -> Iterator[Case]:
    packet = b"<x:xmpmeta>" + b"<!ENTITY a 'b'>" * 4000
    for name, xmp in {"huge": packet, "broken": b"<x:xmpmeta><", "noise": np.random.default_rng(4).bytes(900)}.items():
        yield Case(f"xmp-{name}.jpg", saved(_rgb(), "JPEG", xmp=xmp[:65_000]), pixels=base(), tolerance=LOSSY)
        yield Case(f"xmp-{name}.webp", saved(_rgb(), "WEBP", xmp=xmp, lossless=True), pixels=base())
        text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
        rows = b"".join(b"\0" + row.tobytes() for row in base())
        yield Case(f"xmp-{name}.png", png(24, 18, 8, 2, rows, extra=[text]), pixels=base())
    jpeg = saved(_rgb(), "JPEG")
    segments = b"\xff\xed\x00\x20" + b"Photoshop 3.0\0" + b"8BIM" + b"\xff" * 12
    yield Case("iptc-broken.jpg", jpeg[:2] + segments + jpeg[2:], pixels=base(), tolerance=LOSSY)
    rows = b"".join(b"\0" + row.tobytes() for row in base())
    yield Case("dpi-zero.png", png(24, 18, 8, 2, rows, extra=[chunk(b"pHYs", bytes(8) + b"\x01")]), pixels=base())
    yield Case("dpi-huge.png", png(24, 18, 8, 2, rows, extra=[chunk(b"pHYs", b"\xff" * 8 + b"\x01")]), pixels=base())


def _structures() -> Iterator[Case]:
    rows = b"".join(b"\0" + row.tobytes() for row in base())
    text = chunk(b"tEXt", b"k\0v")
    yield Case("many-chunks.png", png(24, 18, 8, 2, rows, extra=[text * _MANY]), may_fail=True)
    deep_rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep())
    yield Case("many-chunks-16-bit.png", png(24, 18, 16, 2, deep_rows, extra=[text * _MANY]), pixels=deep())
    jpeg = saved(_rgb(), "JPEG")
    many = jpeg[:2] + b"\xff\xfe\x00\x03x" * _MANY + jpeg[2:]
    yield Case("many-comments.jpg", many, pixels=base(), tolerance=LOSSY)
    yield Case("padding.jpg", jpeg[:2] + b"\xff" * 1_000_000 + jpeg[2:], may_fail=True)
    progressive = saved(_rgb(), "JPEG", progressive=True)
    scan = progressive.rindex(b"\xff\xda")
    yield Case("many-scans.jpg", progressive[:-2] + progressive[scan:-2] * 20_000 + progressive[-2:], may_fail=True)
    grey = bytes(24 * 18)
    end = 8 + len(grey)
    yield Case("circular.tif", tiff(24, 18, grey, next_directory=end), may_fail=True)
    yield Case("far-next.tif", tiff(24, 18, grey, next_directory=2**32 - 4), may_fail=True)
    yield Case("circular-16-bit.tif", tiff(24, 18, grey * 2, bits=16, next_directory=end), may_fail=True)
    yield Case("long-tag.tif", tiff(24, 18, grey, extra=[(270, 2, 2**32 - 1, 8)]), may_fail=True)
    yield Case("long-tag-16-bit.tif", tiff(24, 18, grey * 2, bits=16, extra=[(270, 2, 2**32 - 1, 8)]), may_fail=True)
    yield Case("strange-bits.tif", tiff(24, 18, grey, bits=13), refusal="")
    yield Case("strange-compression.tif", tiff(24, 18, grey, compression=31_337), refusal="")
    yield Case("no-pixels.png", png(0, 0, 8, 2, b""), refusal="")
    yield Case("no-pixels.tif", tiff(0, 0, b""), refusal="")
    one_channel = deep_tiff(deep()).replace(struct.pack("<HHII", 277, 3, 1, 3), struct.pack("<HHII", 277, 3, 1, 1))
    yield Case("rgb-of-one-channel.tif", one_channel, refusal="1 channels")
    yield Case("float-range.tif", deep_tiff(deep().astype("float32")), notice="99.9 % lie below")
    yield Case("float-nan.tif", deep_tiff(np.full((18, 24), np.nan, np.float32)), notice="floating point")
    yield Case("int32.tif", deep_tiff(deep().astype("int32")[..., 0]), notice="taken as 16-bit")
