"""In which form a film is written: codec, kind of pixels, and what that costs."""

from dataclasses import dataclass
from typing import Any

from cliphaze_cli.video import colour
from cliphaze_cli.video.colour import Coding
from cliphaze_cli.video.options import CODECS, Encoding, codec_for, encoder_options

_ODD = "its sides are odd: colour is written at full resolution (4:4:4), which some players refuse"
_HALVED = "colour is written at half the resolution (4:2:0), which all players know"
_HDR = (16, 18)  # PQ and HLG, of AVCOL_TRC
# What frames carry beside their pixels, by PyAV's names.
_LOST = {
    "HDR metadata (mastering display, light levels, HDR10+, Dolby Vision) are left out": {
        "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL", "DYNAMIC_HDR_PLUS", "DOVI_RPU_BUFFER", "DOVI_METADATA"
    },
    "captions inside its frames are left out": {"A53_CC"},
}  # fmt: skip


@dataclass(frozen=True)
class Form:
    """codec: a key of CODECS; options: of its encoder. pix_fmt: FFmpeg's name. coding: of the codes that are written.
    notices: for people."""

    codec: str
    options: dict[str, str]
    pix_fmt: str
    coding: Coding
    notices: tuple[str, ...]


def form_for(frame: Any, coding: Coding, container: str, encoding: Encoding) -> Form:
    """By a film's first frame. Raises ValueError with one line where the container does not hold what is asked for."""
    name = codec_for(container, encoding.codec, deep=coding.bits > 8)
    codec = CODECS[name]
    crf = codec.crf if encoding.crf is None else encoding.crf
    if crf > codec.largest_crf:
        raise ValueError(f"--crf of {name} is at most {codec.largest_crf}, not {crf}")
    deep = coding.bits > 8 and codec.deep
    full_colour = bool(frame.width % 2 or frame.height % 2) and not codec.odd
    notices = []
    if coding.bits > 8 and not deep:
        notices.append(f"written with 8 bits: {name} holds no more here")
    if full_colour:
        notices.append(_ODD)
    elif not colour.has_halved_colour(frame.format):
        notices.append(_HALVED)
    if any(component.is_alpha for component in frame.format.components):
        notices.append("its transparency is left out")
    carried = {data.type.name for data in frame.side_data}
    notices += [said for said, names in _LOST.items() if carried & names]
    if int(frame.color_trc) in _HDR:
        notices.append("HDR: its values are taken for those of a usual film, and keep their label")
    return Form(
        name,
        encoder_options(name, crf, encoding.preset),
        f"yuv{'444' if full_colour else '420'}p{'10le' if deep else ''}",
        Coding(coding.matrix, coding.full, 10 if deep else 8),
        tuple(notices),
    )
