"""How films are encoded, and which part of them. Imports nothing heavy."""

from dataclasses import dataclass

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
DEFAULT_PRESET = "veryfast"  # x264 takes half the time of "medium", for files of about the same size


@dataclass(frozen=True)
class Codec:
    """An encoder: its name in FFmpeg, the usual and the largest crf, whether it writes 10 bits, and whether odd sides
    with colour at half the resolution."""

    encoder: str
    crf: int
    largest_crf: int
    deep: bool = True
    odd: bool = False


CODECS = {
    "h264": Codec("libx264", 18, 51),
    "hevc": Codec("libx265", 20, 51),
    "vp9": Codec("libvpx-vp9", 24, 63, deep=False, odd=True),
    "av1": Codec("libsvtav1", 24, 63, odd=True),
}
LARGEST_CRF = 63
_IN_CONTAINER = {"webm": ("vp9", "av1")}  # others take all


@dataclass(frozen=True)
class Encoding:
    """codec: a key of CODECS, and crf: None for what suits the film; preset: one of PRESETS; start and end: seconds
    from the film's beginning, between which it is kept, None for all."""

    codec: str | None = None
    crf: int | None = None
    preset: str = DEFAULT_PRESET
    start: float | None = None
    end: float | None = None


def codec_for(container: str, asked: str | None, *, deep: bool) -> str:
    """The codec to write in, a key of CODECS. deep: the film has more than 8 bits. Raises ValueError."""
    possible = _IN_CONTAINER.get(container, tuple(CODECS))
    if asked is not None:
        if asked not in possible:
            raise ValueError(f"{container} does not hold {asked}: give --codec {' or '.join(possible)}")
        return asked
    if "h264" not in possible:
        return "av1" if deep else "vp9"
    return "hevc" if deep else "h264"  # of 10 bits, more players know HEVC than H.264


def encoder_options(codec: str, crf: int, preset: str) -> dict[str, str]:
    """What FFmpeg's encoder takes."""
    speed = PRESETS.index(preset)
    if codec == "vp9":
        fast = {"deadline": "realtime" if speed < 3 else "good", "cpu-used": str(8 - speed), "row-mt": "1"}
        return {"crf": str(crf), "b": "0", **fast}
    if codec == "av1":
        return {"crf": str(crf), "preset": str(12 - speed)}
    quiet = {"x265-params": "log-level=none"} if codec == "hevc" else {}
    return {"crf": str(crf), "preset": preset, **quiet}
