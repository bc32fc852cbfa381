"""`cliphaze dehaze`: remove the haze from a photo, or from a folder of photos."""

from pathlib import Path
from typing import Annotated

import typer

from cliphaze_cli.batch.assignment import Assignment
from cliphaze_cli.batch.plan import ExtraOutputs, Plan, plan, plan_pairs
from cliphaze_cli.batch.refusals import refuse_report
from cliphaze_cli.cli import options
from cliphaze_cli.cli.carry_out import carry_out
from cliphaze_cli.errors import UsageError
from cliphaze_cli.imaging.atomic import shown
from cliphaze_cli.imaging.formats import FORMATS_SHOWN, format_named
from cliphaze_cli.prior.clip_model import DEFAULT_MODEL
from cliphaze_cli.report.retry import Leftover, leftover
from cliphaze_cli.report.settings import Settings

FILES, OUTPUT = "Files", "Output"  # panels of --help
_NOT_WITH_RETRY = "INPUT, OUTPUT, --recursive, --suffix and --format"


def _check_format(name: str | None) -> str | None:
    if name is not None and format_named(name) is None:
        raise UsageError(f"--format must be {FORMATS_SHOWN}, not {name!r}")
    return name


def dehaze(
    context: typer.Context,
    input: Annotated[
        Path | None,
        typer.Argument(metavar="INPUT", parser=options.parse_path, show_default=False, help="A photo or a folder."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Argument(
            metavar="OUTPUT",
            parser=options.parse_path,
            show_default=False,
            help="A folder; for one photo also a file name.",
        ),
    ] = None,
    *,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", help="Enter sub-folders and mirror them.", rich_help_panel=FILES),
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", help="Leave out photos whose output exists.", rich_help_panel=FILES),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that exist.", rich_help_panel=FILES)
    ] = False,
    suffix: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Append to the names of outputs.", show_default=False, rich_help_panel=FILES),
    ] = "",
    retry: Annotated[
        Path | None,
        typer.Option(
            "--retry",
            metavar="REPORT",
            parser=options.parse_path,
            help="Instead of INPUT and OUTPUT: what failed or was not reached in the run of that report.",
            rich_help_panel=FILES,
        ),
    ] = None,
    strength: Annotated[
        float, typer.Option(metavar="0..1", callback=options.check_strength, help="How much of the haze to remove.")
    ] = 1.0,
    device: options.DeviceOption = "auto",
    precision: options.PrecisionOption = "auto",
    model: options.ModelOption = "tiny",
    weights: options.WeightsOption = None,
    resolution: options.ResolutionOption = "auto",
    clip: Annotated[
        str | None,
        typer.Option(
            "--clip", metavar="MODEL", help="CLIP model that instructs the network.", show_default=DEFAULT_MODEL
        ),
    ] = None,
    no_clip: Annotated[bool, typer.Option("--no-clip", help="Dehaze without CLIP, even if it is here.")] = False,
    density: Annotated[
        bool,
        typer.Option(
            "--density",
            help="Also write each photo's haze-density map: 16-bit PNG and colour overlay.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            callback=_check_format,
            help=f"{FORMATS_SHOWN}.",
            show_default="the source's",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            metavar="1..100",
            callback=options.check_quality,
            help="Of JPEG, WebP, AVIF and HEIC.",
            show_default="high",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    white: Annotated[
        float | None,
        typer.Option(
            metavar="VALUE",
            callback=options.check_white,
            help="Of floating point TIFF: the value that becomes white.",
            show_default="1, or the 99.9th percentile",
        ),
    ] = None,
    no_preserve: Annotated[
        bool,
        typer.Option("--no-preserve", help="Date outputs now, not as their sources.", rich_help_panel=OUTPUT),
    ] = False,
    jobs: options.JobsOption = None,
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MEGAPIXELS,
    time_limit: options.TimeLimitOption = options.DEFAULT_TIME_LIMIT,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE.json|FILE.csv",
            parser=options.parse_path,
            help="Write what was done, file by file, with sizes, times, weights and versions.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Remove haze from a photo, or from all photos of a folder.

    Existing outputs are refused without --skip-existing or --overwrite.

    With --skip-existing a photo is done when its output exists, even without maps.

    With --retry what decides a photo's look is as in that run, where it is not given anew.

    Hidden files and links to folders are left out.

    Exit code: 0 all done, 1 some failed, 2 could not start, 130 interrupted.
    """
    if context.args:
        raise UsageError(
            f"one INPUT and one OUTPUT are taken, but {len(context.args) + 2} names were given: "
            "for many photos give the folder that holds them, not *"
        )
    console = options.make_console(quiet=quiet, verbose=verbose, as_json=as_json)
    if clip is not None and no_clip:
        raise UsageError("--clip and --no-clip contradict each other: give one of them")
    settings = Settings(
        strength=strength,
        quality=quality,
        density=density,
        resolution=resolution,
        precision=precision,
        model=model,
        weights=None if weights is None else str(weights),
        clip=clip,
        no_clip=no_clip,
        white=white,
    )
    if retry is None:
        left = None
        work = _planned(input, output, recursive, suffix, format, overwrite, skip_existing, settings)
    else:
        if input is not None or recursive or suffix or format is not None:
            raise UsageError(f"--retry takes files and outputs from {shown(retry)}: leave {_NOT_WITH_RETRY} out")
        left = leftover(retry)
        settings = options.checked(left.settings.overridden(settings, options.given(context)))
        work = _retried(left, overwrite, skip_existing, settings)
        if left.folders:
            console.notice(f"{left.folders} folders could not be listed then; --retry does not look into them")
    if settings.weights is not None and not Path(settings.weights).is_file():
        raise UsageError(f"--weights is not a file: {settings.weights}")
    if report is not None:
        read = [path for path in (retry, settings.weights and Path(settings.weights)) if path]
        refuse_report(report, [*work.files, *read], overwrite=overwrite)
    if work.ignored:
        console.detail(f"{work.ignored} files ignored: their names are not those of photos")
    assignment = Assignment(
        settings,
        device=device,
        limits=options.limits_of(max_megapixels, time_limit),
        overwrite=overwrite,
        skip_existing=skip_existing,
        preserve=not no_preserve,
        retried_sha256=None if left is None else left.weights_sha256,
    )
    raise typer.Exit(carry_out(work, assignment, console, jobs=jobs, report=report))


def _planned(
    input: Path | None,
    output: Path | None,
    recursive: bool,
    suffix: str,
    format: str | None,
    overwrite: bool,
    skip_existing: bool,
    settings: Settings,
) -> Plan:
    if input is None or output is None:
        raise UsageError("INPUT and OUTPUT are needed, or --retry REPORT: `cliphaze dehaze --help` shows how")
    return plan(
        input,
        output,
        recursive=recursive,
        suffix=suffix,
        format=format_named(format) if format else None,
        overwrite=overwrite,
        skip_existing=skip_existing,
        extra_outputs=_extra_outputs(settings),
    )


def _retried(left: Leftover, overwrite: bool, skip_existing: bool, settings: Settings) -> Plan:
    extra_outputs = _extra_outputs(settings)
    return plan_pairs(left.pairs, overwrite=overwrite, skip_existing=skip_existing, extra_outputs=extra_outputs)


def _extra_outputs(settings: Settings) -> ExtraOutputs | None:
    from cliphaze_cli.imaging.densitymap import density_paths

    return density_paths if settings.density else None
