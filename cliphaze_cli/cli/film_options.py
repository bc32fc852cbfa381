"""Options of `dehaze` that are about films. Imports nothing heavy."""

import math
from typing import Annotated

import typer

from cliphaze_cli.cli.usage import decimal_hint
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.system.errors import UsageError
from cliphaze_cli.video.options import CODECS, DEFAULT_PRESET, LARGEST_CRF, PRESETS

__all__ = [
    "DEFAULT_PRESET",
    "CodecOption",
    "CrfOption",
    "EndOption",
    "NoDenoiseOption",
    "PresetOption",
    "StartOption",
    "check",
]

_PANEL = "Films"


def check(settings: Settings) -> None:
    """Raise UsageError for settings of films, which may come from a report, that the options would not take."""
    _check_codec(settings.codec)
    _check_preset(settings.preset)
    largest = LARGEST_CRF if settings.codec is None else CODECS[settings.codec].largest_crf
    if settings.crf is not None and not 0 <= settings.crf <= largest:
        of = "" if settings.codec is None else f" of {settings.codec}"
        raise UsageError(f"--crf{of} must lie between 0 (best) and {largest}, not {settings.crf}")
    for name, seconds in (("start", settings.start), ("end", settings.end)):
        if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
            raise UsageError(f"--{name} must be at least 0, not {seconds:g}")
    if settings.end is not None and settings.end <= (settings.start or 0):
        raise UsageError("--end must come after --start")


def _check_codec(name: str | None) -> str | None:
    if name is not None and name not in CODECS:
        raise UsageError(f"--codec must be one of {', '.join(CODECS)}, not {name!r}")
    return name


def _check_preset(name: str) -> str:
    if name not in PRESETS:
        raise UsageError(f"--preset must be one of {', '.join(PRESETS)}, not {name!r}")
    return name


def _seconds(text: str) -> float:
    """From seconds, minutes:seconds or hours:minutes:seconds."""
    try:
        parts = [float(part) for part in text.split(":")]
        if len(parts) > 3 or any(not part >= 0 or math.isinf(part) for part in parts):
            raise ValueError
    except ValueError:
        raise UsageError(f"a time is seconds, or hours:minutes:seconds, not {text!r}{decimal_hint(text)}") from None
    return sum(part * 60**place for place, part in enumerate(reversed(parts)))


CodecOption = Annotated[
    str | None,
    typer.Option(
        "--codec",
        metavar="|".join(CODECS),
        callback=_check_codec,
        help="How films are encoded.",
        show_default="h264; hevc where the film has 10 bits, vp9 in WebM",
        rich_help_panel=_PANEL,
    ),
]
CrfOption = Annotated[
    int | None,
    typer.Option(
        "--crf",
        metavar="0..63",
        help="Quality of films: less is better and larger.",
        show_default="18; hevc 20, vp9 and av1 24",
        rich_help_panel=_PANEL,
    ),
]
PresetOption = Annotated[
    str,
    typer.Option(
        "--preset",
        metavar="NAME",
        callback=_check_preset,
        help="Of the encoder, from ultrafast to veryslow: slower makes smaller films.",
        rich_help_panel=_PANEL,
    ),
]
StartOption = Annotated[
    float | None,
    typer.Option(
        "--start",
        metavar="TIME",
        parser=_seconds,
        help="Keep films from here on: seconds or h:m:s.",
        rich_help_panel=_PANEL,
    ),
]
EndOption = Annotated[
    float | None,
    typer.Option("--end", metavar="TIME", parser=_seconds, help="Keep films up to here.", rich_help_panel=_PANEL),
]
NoDenoiseOption = Annotated[
    bool,
    typer.Option(
        "--no-denoise",
        help="Leave films' noise as dehazing makes it.",
        rich_help_panel=_PANEL,
    ),
]
