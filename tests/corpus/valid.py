"""Whole files of every format and mode that photos come in; each must become an output of the right pixels."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pillow_heif
import tifffile
from PIL import Image, ImageCms

from cliphaze_cli.imaging.writers import png as png_writer
from tests.corpus.case import Case, base, deep, saved
from tests.corpus.chunks import adam7_png, png
from tests.imaging.samples import cmyk_icc_profile, exif_block, grey_icc_profile, icc_profile

# Near `base()`, by libjpeg-turbo's `cjpeg -arithmetic -quality 90 -sample 1x1` [-progressive]: Pillow reads such files,
# but cannot write them.
ARITHMETIC = base64.b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|JwjV00RO70|EjA0|NsD0|NvF2n7WM1O*BQ2L=cX3JeSj3JVJj4iXRz4iOFu3lJ6%5fc;@6%`B*7Z?^47!ni}"
    "6#v@*LjeN>1O)^I2?YfS6b%av6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6cqo-01*fP5&#$j0TBQK5di}c"
    "0sqVZ3IGrg1pyEd1^?Or3<CiG0ucid06zf#0OpoG{{RT=B2AX)7_%_HwxSDf^NHlm&6VhY=!ePO#(_~aGUMAqN)L6i&`n!5*_{gkUamlGfdzs4"
    "r%~hw4@Q(`B$}zRT`9R6I?&2?pDZ_&@6Y^FU-dj&5eLcPmpM%T*#"
)
ARITHMETIC_PROGRESSIVE = base64.b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|JwjV00RO70|EjA0|NsD0|NvF2n7WM1O*BQ2L=cX3JeSj3JVJj4iXRz4iOFu3lJ6%5fc;@6%`B*7Z?^47!ni}"
    "6#v@*LjeN>1O)^I2?YfS6b%av6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6ciK`6cqo;01*fP5&#$j0TBQK5di}c"
    "0sqVZ1^^HN5dYc$3<CiG0uTcb000610L>Q9>kZMiqJ?A+2z8Ds`x8=_S|z|Afn2ex8OZ<400a;P|Jncu0RaF31p*$6s^Y7^>$5q+|I7dc5e5I+"
    "00;pC0RcY&6f5RBun(c+K>y4D1Q7-Q+5iXv0s#R(0Yi41!4J6JJ9&Wr%m4%s1^?Or2mt{A20sG8|I7dc5C#9*00;pA00BQCOk=zUjC}vv01N{G"
    "00IC50000G<J~rZ|I7dc5e5I+00;pC0RcY{1-1s+;a<T1%m4%t1^?Or2mt~C0Y4B-H%H#FO#jRP1P}%P+5iXv0RRC%5Z5Z;^h(Vn%%LmD7Y_mE"
    "|Je"
)
LOSSY = 14  # largest error that lossy formats make of the gradients, with halved colour resolution


def valid_cases() -> list[Case]:
    """Every whole file of the corpus."""
    return [*_jpeg(), *_png(), *_tiff(), *_others(), *_shapes(), *_misnamed()]


def _rgb() -> Image.Image:
    return Image.fromarray(base())


def _grey() -> Image.Image:
    return Image.fromarray(base()[..., 0])


def _with_alpha(mode: str = "RGBA") -> Image.Image:
    image = _rgb().convert(mode[:-1])
    image.putalpha(Image.fromarray(np.full(base().shape[:2], 77, np.uint8)))
    return image


def _jpeg() -> Iterator[Case]:
    lossy: dict[str, Any] = {"pixels": base(), "tolerance": LOSSY}
    yield Case("baseline.jpg", saved(_rgb(), "JPEG"), **lossy)
    yield Case("progressive.jpg", saved(_rgb(), "JPEG", progressive=True), **lossy)
    yield Case("full-chroma.jpeg", saved(_rgb(), "JPEG", quality=95, subsampling="4:4:4"), **lossy)
    yield Case("rgb-components.jpe", saved(_rgb(), "JPEG", keep_rgb=True), **lossy)
    yield Case("restarts.jpg", saved(_rgb(), "JPEG", restart_marker_blocks=1), **lossy)
    yield Case("arithmetic.jpg", ARITHMETIC, **lossy)
    yield Case("arithmetic-progressive.jpg", ARITHMETIC_PROGRESSIVE, **lossy)
    yield Case("grey.jpg", saved(_grey(), "JPEG"), pixels=base()[..., 0], tolerance=LOSSY)
    ink = Image.fromarray(255 - base()).convert("RGB")
    cmyk = Image.merge("CMYK", [*ink.split(), Image.new("L", ink.size)])
    yield Case("cmyk.jpg", saved(cmyk, "JPEG"), **lossy, notice="CMYK")
    green = saved(cmyk, "JPEG", icc_profile=cmyk_icc_profile())
    yield Case("cmyk-profile.jpg", green, notice="CMYK")
    yield Case("metadata.jpg", saved(_rgb(), "JPEG", exif=exif_block(), icc_profile=icc_profile()), **lossy)
    turned = saved(_rgb(), "JPEG", exif=exif_block(orientation=6), quality=95)
    yield Case("turned.jpg", turned, pixels=np.rot90(base(), -1), tolerance=LOSSY)
    yield Case(
        "pictures.jpg", saved(_rgb(), "MPO", save_all=True, append_images=[_rgb()]), **lossy, notice="first of 2"
    )


def _png() -> Iterator[Case]:
    yield Case("rgb.png", saved(_rgb(), "PNG"), pixels=base())
    yield Case("rgba.png", saved(_with_alpha(), "PNG"), pixels=base(), alpha=77)
    yield Case("grey.png", saved(_grey(), "PNG"), pixels=base()[..., 0])
    yield Case("grey-alpha.png", saved(_with_alpha("LA"), "PNG"), alpha=77)
    yield Case("one-bit.png", saved(Image.new("1", (24, 18)), "PNG"), pixels=np.zeros((18, 24), np.uint8))
    yield Case("interlaced.png", adam7_png(base()), pixels=base())
    for bits in (2, 4):
        yield Case(f"grey-{bits}-bit.png", png(24, 18, bits, 0, bytes(18 * (1 + 24 * bits // 8))))
    palette = Image.new("P", (24, 18), 1)
    palette.putpalette([200, 0, 0, 30, 60, 90])
    flat = np.broadcast_to(np.array([30, 60, 90], np.uint8), (18, 24, 3))
    yield Case("palette.png", saved(palette, "PNG"), pixels=flat, notice="palette")
    yield Case("palette-clear.png", saved(palette, "PNG", transparency=1), pixels=flat, alpha=0, notice="palette")
    yield Case("palette-alpha.png", saved(palette, "PNG", transparency=b"\x00\x4d"), pixels=flat, alpha=77)
    yield Case("rgb-clear.png", saved(_rgb(), "PNG", transparency=(10, 20, 100)), alpha=0)
    frames = saved(_rgb(), "PNG", save_all=True, append_images=[_grey().convert("RGB")])
    yield Case("animated.png", frames, pixels=base(), notice="first of 2")
    for name, samples in _deep_arrays().items():
        sink = io.BytesIO()
        png_writer.encode(sink, samples)
        colour = samples if samples.ndim == 2 else samples[..., :3] if samples.shape[2] > 2 else samples[..., 0]
        has_alpha = samples.ndim == 3 and samples.shape[2] in (2, 4)
        yield Case(f"16-bit-{name}.png", sink.getvalue(), pixels=colour, alpha=20000 if has_alpha else None)


def _deep_arrays() -> "dict[str, np.ndarray[Any, Any]]":
    alpha = np.full((18, 24), 20000, np.uint16)
    return {
        "grey": deep()[..., 0],
        "grey-alpha": np.dstack([deep()[..., 0], alpha]),
        "rgb": deep(),
        "rgba": np.dstack([deep(), alpha]),
    }


def deep_tiff(samples: "np.ndarray[Any, Any]", **options: Any) -> bytes:
    sink = io.BytesIO()
    photometric = "rgb" if samples.ndim == 3 and samples.shape[-1] in (3, 4) else "minisblack"
    tifffile.imwrite(sink, samples, **({"photometric": photometric} | options))
    return sink.getvalue()


def _tiff() -> Iterator[Case]:
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield Case(f"rgb-{compression}.tif", saved(_rgb(), "TIFF", compression=compression), pixels=base())
    yield Case("jpeg-inside.tif", saved(_rgb(), "TIFF", compression="jpeg"), pixels=base(), tolerance=LOSSY)
    yield Case("rgba.tiff", saved(_with_alpha(), "TIFF"), pixels=base(), alpha=77)
    yield Case("grey.tif", saved(_grey(), "TIFF"), pixels=base()[..., 0])
    yield Case("grey-alpha.tif", saved(_with_alpha("LA"), "TIFF"), alpha=77)
    yield Case("fax.tif", saved(Image.new("1", (24, 18)), "TIFF", compression="group4"))
    yield Case("palette.tif", saved(_rgb().quantize(16), "TIFF"), notice="palette")
    cmyk = Image.merge("CMYK", [*Image.fromarray(255 - base()).split(), Image.new("L", (24, 18))])
    yield Case("cmyk.tif", saved(cmyk, "TIFF"), pixels=base(), tolerance=1, notice="CMYK")
    yield Case("cmyk-profile.tif", saved(cmyk, "TIFF", icc_profile=cmyk_icc_profile()), notice="CMYK")
    lab = ImageCms.profileToProfile(
        _rgb(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    yield Case("lab.tif", saved(lab, "TIFF"), pixels=base(), tolerance=12, notice="LAB")
    yield Case("pages.tif", saved(_rgb(), "TIFF", save_all=True, append_images=[_grey()]), pixels=base(), notice="of 2")
    for name, samples in _deep_arrays().items():
        if name != "grey-alpha":
            colour = samples[..., :3] if samples.ndim == 3 else samples
            yield Case(f"16-bit-{name}.tif", deep_tiff(samples), pixels=colour, alpha=20000 if name == "rgba" else None)
    yield Case("16-bit-big-endian.tif", deep_tiff(deep(), byteorder=">"), pixels=deep())
    yield Case("16-bit-bigtiff.tif", deep_tiff(deep(), bigtiff=True), pixels=deep())
    yield Case(
        "16-bit-planar.tif",
        deep_tiff(np.moveaxis(deep(), 2, 0), photometric="rgb", planarconfig="separate"),
        pixels=deep(),
    )
    yield Case("16-bit-tiled.tif", deep_tiff(deep(), tile=(16, 16), compression="zlib"), pixels=deep())
    yield Case(
        "16-bit-white-is-zero.tif", deep_tiff(65535 - deep()[..., 0], photometric="miniswhite"), pixels=deep()[..., 0]
    )
    for bits in (16, 32, 64):
        unit = (deep() / 65535).astype(f"float{bits}")
        case = Case(
            f"float{bits}.tif", deep_tiff(unit), pixels=deep(), tolerance=1 if bits > 16 else 32, notice="floating"
        )
        yield case
    yield Case(
        "float-grey.tif", deep_tiff((deep()[..., 0] / 65535).astype("float32")), pixels=deep()[..., 0], tolerance=1
    )


def _others() -> Iterator[Case]:
    lossy: dict[str, Any] = {"pixels": base(), "tolerance": LOSSY}
    yield Case("lossy.webp", saved(_rgb(), "WEBP"), **lossy)
    yield Case("lossless.webp", saved(_rgb(), "WEBP", lossless=True), pixels=base())
    yield Case("alpha.webp", saved(_with_alpha(), "WEBP", lossless=True), pixels=base(), alpha=77)
    yield Case(
        "animated.webp", saved(_rgb(), "WEBP", save_all=True, append_images=[_grey()], lossless=True), notice="of 2"
    )
    yield Case("rgb.bmp", saved(_rgb(), "BMP"), pixels=base())
    yield Case("grey.bmp", saved(_grey(), "BMP"), pixels=base()[..., 0])
    yield Case("one-bit.bmp", saved(Image.new("1", (24, 18)), "BMP"), pixels=np.zeros((18, 24), np.uint8))
    yield Case("palette.dib", saved(_rgb().quantize(16), "BMP"), notice="palette")
    yield Case("rgba.bmp", saved(_with_alpha(), "BMP"), pixels=base())
    yield Case("rgb.avif", saved(_rgb(), "AVIF", quality=95), **lossy)
    yield Case("grey.avif", saved(_grey(), "AVIF", quality=95))
    yield Case("alpha.avif", saved(_with_alpha(), "AVIF", quality=95), **lossy, alpha=77)
    yield Case("animated.avif", saved(_rgb(), "AVIF", save_all=True, append_images=[_rgb()]), notice="first of 2")
    pillow_heif.register_heif_opener()
    yield Case("rgb.heic", saved(_rgb(), "HEIF", quality=95), **lossy)
    yield Case("grey.heif", saved(_grey(), "HEIF", quality=95))
    yield Case("alpha.heic", saved(_with_alpha(), "HEIF", quality=95), **lossy, alpha=77)
    yield Case(
        "several.hif", saved(_rgb(), "HEIF", save_all=True, append_images=[_rgb()], quality=95), notice="of 2 pictures"
    )


def _shapes() -> Iterator[Case]:
    for height, width in ((1, 1), (1, 20_000), (20_000, 1)):
        pixels = base(height, width)
        image = Image.fromarray(pixels)
        for extension, format in ((".png", "PNG"), (".tif", "TIFF"), (".bmp", "BMP")):
            yield Case(f"{width}x{height}{extension}", saved(image, format), pixels=pixels)
        yield Case(f"{width}x{height}.jpg", saved(image, "JPEG", quality=95), pixels=pixels, tolerance=LOSSY)
        yield Case(f"{width}x{height}-16-bit.tif", deep_tiff(deep(height, width)), pixels=deep(height, width))
    for height, width in ((1, 1), (1, 16_383), (16_383, 1)):
        pixels = base(height, width)
        yield Case(f"{width}x{height}.webp", saved(Image.fromarray(pixels), "WEBP", lossless=True), pixels=pixels)
    for extension, format in ((".avif", "AVIF"), (".heic", "HEIF")):
        pillow_heif.register_heif_opener()
        yield Case(f"1x1{extension}", saved(Image.fromarray(base(1, 1)), format))


def _misnamed() -> Iterator[Case]:
    yield Case("really-png.jpg", saved(_rgb(), "PNG"), pixels=base())
    yield Case("really-jpeg.png", saved(_rgb(), "JPEG"), pixels=base(), tolerance=LOSSY)
    yield Case("really-tiff.heic", saved(_rgb(), "TIFF"), pixels=base())
    yield Case("really-webp.tif", saved(_rgb(), "WEBP", lossless=True), pixels=base())
    yield Case("really-avif.bmp", saved(_rgb(), "AVIF", quality=95), pixels=base(), tolerance=LOSSY)
    yield Case("UPPER.JPG", saved(_rgb(), "JPEG"), pixels=base(), tolerance=LOSSY)
    yield Case("grey-profile.png", saved(_grey(), "PNG", icc_profile=grey_icc_profile()), pixels=base()[..., 0])
