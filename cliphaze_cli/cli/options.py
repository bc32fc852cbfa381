"""Options that several commands share: their names, their help, and the checks that need no heavy import.

Use as annotations, `device: DeviceOption = "auto"`; a bad value raises a one-line UsageError before any work.
"""

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cliphaze_cli.batch.loading import AUTOMATIC
from cliphaze_cli.cli import film_options
from cliphaze_cli.cli.console import Console
from cliphaze_cli.hub.registry import pinned_clip
from cliphaze_cli.imaging.formats import is_image_name
from cliphaze_cli.imaging.limits import DEFAULT_MAX_PIXELS, DEFAULT_SECONDS, SECONDS_PER_MEGAPIXEL, Limits
from cliphaze_cli.network.resolution import parse_resolution
from cliphaze_cli.places.remote import Place, parse
from cliphaze_cli.prior.builders import BUILDERS, DEFAULT_BUILDER
from cliphaze_cli.report.settings import DensitySettings, Settings
from cliphaze_cli.system.errors import UsageError

MOST_MEGAPIXELS = 10_000
MOST_SECONDS = 86_400
MOST_JOBS = 256
FILES, OUTPUT = "Files", "Output"  # panels of --help
PRECISIONS = ("auto", "fp32", "bf16", "fp16")


def check_device(device: str) -> str:
    """Return `device` in lower case if it is auto, cpu, cuda, cuda:N or mps; raise UsageError otherwise."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", device.lower()):
        raise UsageError(f"--device must be auto, cpu, cuda, cuda:N or mps, not {device!r}")
    return device.lower()


def check_precision(precision: str) -> str:
    """Return `precision` in lower case if it is one of PRECISIONS; raise UsageError otherwise."""
    if precision.lower() not in PRECISIONS:
        raise UsageError(f"--precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    return precision.lower()


def check_strength(strength: float) -> float:
    """Return `strength` if it lies in 0..1; raise UsageError otherwise."""
    if not 0 <= strength <= 1:
        raise UsageError(f"--strength must lie between 0 (nothing) and 1 (all haze), not {strength:g}")
    return strength


def check_quality(quality: int | None) -> int | None:
    """Return `quality` if it is None or lies in 1..100; raise UsageError otherwise."""
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"--quality must lie between 1 and 100, not {quality}")
    return quality


def check_white(white: float | None) -> float | None:
    """Return `white` if it is None or a number above 0; raise UsageError otherwise."""
    if white is not None and not 0 < white < float("inf"):
        raise UsageError(f"--white must be above 0, not {white:g}")
    return white


def _check_resolution(text: str) -> str:
    parse_resolution(text)
    return text


def _check_megapixels(megapixels: float) -> float:
    if not 0 < megapixels < MOST_MEGAPIXELS:
        raise UsageError(f"--max-megapixels must lie between 0 and {MOST_MEGAPIXELS}, not {megapixels:g}")
    return megapixels


def _check_jobs(jobs: int | None) -> int | None:
    if jobs is not None and not 1 <= jobs <= MOST_JOBS:
        raise UsageError(f"--jobs must lie between 1 and {MOST_JOBS}, not {jobs}")
    return jobs


def _check_seconds(seconds: float | None) -> float | None:
    if seconds is not None and not 0 < seconds < MOST_SECONDS:
        raise UsageError(f"--time-limit is in seconds and must lie between 0 and {MOST_SECONDS}, not {seconds:g}")
    return seconds


def clip_check(advice: str) -> Callable[[str | None], str | None]:
    """Return what refuses, with the `advice`, a value of --clip that was meant as something else: --clip without one
    takes the next argument."""

    def check(model: str | None) -> str | None:
        if model in (None, AUTOMATIC):
            return model
        is_path = os.path.lexists(model) or model.endswith(("/", os.sep)) or is_image_name(Path(model))
        if not model or model.startswith("-") or (is_path and pinned_clip(model) is None):
            raise UsageError(f"--clip takes the name of a model, not {model!r}: {advice}")
        return model

    return check


def limits_of(max_megapixels: float, time_limit: float | None) -> Limits:
    """Return the limits that --max-megapixels and --time-limit ask for; a time that is given holds for any size."""
    pixels = max(1, round(max_megapixels * 1e6))
    return Limits(pixels) if time_limit is None else Limits(pixels, time_limit, seconds_per_megapixel=0)


def check(settings: Settings | DensitySettings) -> None:
    """Raise UsageError for settings, which may come from a report, that the options would not take."""
    check_precision(settings.precision)
    check_white(settings.white)
    if isinstance(settings, Settings):
        check_strength(settings.strength)
        check_quality(settings.quality)
        film_options.check(settings)
        _check_resolution(settings.resolution)
        if settings.clip is not None and settings.no_clip:
            raise UsageError("--clip and --no-clip contradict each other: give one of them")
        if settings.builder is not None and settings.clip is None:
            raise UsageError("--builder is of CLIP's map: give it with --clip")
    if settings.builder is not None and settings.builder not in BUILDERS:
        raise UsageError(f"--builder must be one of {', '.join(BUILDERS)}, not {settings.builder!r}")
    if settings.weights is not None and not Path(settings.weights).is_file():
        raise UsageError(f"--weights is not a file: {settings.weights}")


def given(context: typer.Context) -> set[str]:
    """The names of the parameters that were given, as opposed to those that keep their default."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name for name, source in sources.items() if source is not None and source.name != "DEFAULT"}


def parse_path(text: str) -> Path:
    """Return the path, with the home folder for a `~` that no shell has replaced (`-o~/out`).

    Raises UsageError for an empty one, which `Path` would take for the current folder."""
    if not text.strip():
        raise UsageError("a path is empty: name a file or a folder (is a variable of the shell not set?)")
    path = Path(text)
    if os.name != "nt" and re.match(r"[A-Za-z]:[\\/]", text) and not os.path.lexists(path):
        below = text[2:].replace("\\", "/")
        raise UsageError(f"{text} is a path of Windows: write /mnt/{text[0].lower()}{below} under WSL")
    if text.startswith("~") and not os.path.lexists(path.parts[0]):
        with contextlib.suppress(RuntimeError):  # nobody's home
            return path.expanduser()
    return path


def parse_place(text: str) -> Place:
    """Return the path, or the place that a URL names. Raises UsageError for what can be neither."""
    place = parse(text)
    if isinstance(place, Path):
        return parse_path(text)
    if place.protocol == "memory":
        raise UsageError(f"{text} is gone when its process ends: name a place that stays")
    return place


def make_console(*, quiet: bool, verbose: bool, as_json: bool = False) -> Console:
    """Return the Console that --quiet, --verbose and --json ask for; raise UsageError for --quiet with --verbose."""
    if quiet and verbose:
        raise UsageError("--quiet and --verbose contradict each other: give one of them")
    return Console(verbosity=-1 if quiet else int(verbose), as_json=as_json)


DeviceOption = Annotated[
    str,
    typer.Option("--device", metavar="auto|cpu|cuda[:N]|mps", callback=check_device, help="Where the network runs."),
]
PrecisionOption = Annotated[
    str,
    typer.Option(
        "--precision",
        metavar="auto|fp32|bf16|fp16",
        callback=check_precision,
        help="Arithmetic of the network; auto: fp32, on CUDA bf16 or fp16.",
    ),
]
ModelOption = Annotated[
    str,
    typer.Option("--model", metavar="NAME", help="Weights by name; `cliphaze download-weights --list` shows them."),
]
BuilderOption = Annotated[
    str | None,
    typer.Option(
        "--builder",
        metavar="|".join(BUILDERS),
        help="How CLIP's map is built: in one pass, or by windows (slower).",
        show_default=DEFAULT_BUILDER,
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option("--weights", metavar="PATH", help="A checkpoint file of your own (.safetensors), instead of --model."),
]
ResolutionOption = Annotated[
    str,
    typer.Option(
        "--resolution",
        metavar="PIXELS|auto|full",
        callback=_check_resolution,
        help="Long side the network works at, in pixels; full: no reduction.",
    ),
]
WhiteOption = Annotated[
    float | None,
    typer.Option(
        "--white",
        metavar="VALUE",
        callback=check_white,
        help="Of floating point TIFF: the value that becomes white.",
        show_default="1, or the 99.9th percentile",
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        callback=_check_jobs,
        help="Photos at a time, which share the cores; fewer take less memory.",
        show_default="one for each core, at most 8; on a GPU 4",
    ),
]
MaxMegapixelsOption = Annotated[
    float,
    typer.Option(
        "--max-megapixels",
        metavar="N",
        callback=_check_megapixels,
        help="Refuse larger images: small files can claim sizes that fill the memory.",
    ),
]
TimeLimitOption = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        callback=_check_seconds,
        help="Give a photo, or a film's frame, up that takes longer.",
        show_default=f"{DEFAULT_SECONDS:g}, and {SECONDS_PER_MEGAPIXEL:g} for each megapixel",
    ),
]
DEFAULT_MEGAPIXELS = DEFAULT_MAX_PIXELS / 1e6
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Print details.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document on standard output.")]

# What every command that works on photos takes.
RecursiveOption = Annotated[
    bool, typer.Option("--recursive", "-r", help="Enter sub-folders and mirror them.", rich_help_panel=FILES)
]
SkipExistingOption = Annotated[
    bool, typer.Option("--skip-existing", help="Leave out photos whose output exists.", rich_help_panel=FILES)
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace outputs that exist.", rich_help_panel=FILES)
]
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="Only show what would be done, from where to where.", rich_help_panel=FILES),
]
AnyPlace = Any
"""What `parse_place` returns, in annotations of commands: Typer takes no unions."""
RetryOption = Annotated[
    AnyPlace | None,
    typer.Option(
        "--retry",
        metavar="REPORT",
        parser=parse_place,
        help="Do once more what failed or was not reached in that run.",
        rich_help_panel=FILES,
    ),
]
ReportOption = Annotated[
    AnyPlace | None,
    typer.Option(
        "--report",
        metavar="FILE.json|.jsonl|.csv",
        parser=parse_place,
        help="Write what became of every photo, with sizes, times and versions.",
        rich_help_panel=OUTPUT,
    ),
]
