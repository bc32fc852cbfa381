"""`cliphaze dehaze`: remove the haze from photos."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cliphaze_cli.batch import dehazing
from cliphaze_cli.batch.naming import PhotoNames, extra_outputs
from cliphaze_cli.batch.plan import plan
from cliphaze_cli.cli import film_options, options, outcome
from cliphaze_cli.cli.cluster_options import ClusterOption, CoresEachOption, GpusEachOption, cluster_choice
from cliphaze_cli.cli.options import FILES, OUTPUT
from cliphaze_cli.cli.request import Request
from cliphaze_cli.cli.run_batch import Command
from cliphaze_cli.cli.streams import STREAM, places
from cliphaze_cli.imaging.formats import FORMATS_SHOWN, format_named
from cliphaze_cli.places.remote import Place
from cliphaze_cli.prior import DEFAULT_MODEL
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.system.errors import UsageError

EXAMPLES = """\
 cliphaze dehaze hazy.jpg clear.jpg               # one photo
 cliphaze dehaze *.jpg more/ clear/               # the last is the output
 cliphaze dehaze photos/ clear/ --recursive       # sub-folders too
 cliphaze dehaze photos/ clear/ --skip-existing   # go on after an interruption
 cliphaze dehaze photos/ clear/ --report done.csv # what became of every photo"""
_NOT_WITH_RETRY = "INPUT, OUTPUT, --recursive, --suffix and --format"
COMMAND = Command(
    "dehaze",
    doing="Dehazing",
    done="dehazed",
    tell_done=lambda console, result, _: console.detail(outcome.file_line(result)),
)


def _check_format(name: str | None) -> str | None:
    if name is not None and format_named(name) is None:
        raise UsageError(f"--format must be {FORMATS_SHOWN}, not {name!r}")
    return name


def dehaze(
    context: typer.Context,
    paths: Annotated[
        list[options.AnyPlace] | None,
        typer.Argument(
            metavar="INPUT... OUTPUT",
            parser=options.parse_place,
            show_default=False,
            help="Needed: photos, films and folders, then the output. - is a standard stream.",
        ),
    ] = None,
    *,
    output: Annotated[
        options.AnyPlace | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUTPUT",
            parser=options.parse_place,
            help="The same as the last of the names.",
            rich_help_panel=FILES,
        ),
    ] = None,
    recursive: options.RecursiveOption = False,
    skip_existing: options.SkipExistingOption = False,
    overwrite: options.OverwriteOption = False,
    suffix: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Append to the names of outputs.", show_default=False, rich_help_panel=FILES),
    ] = "",
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Then wait for new photos in the folders, until Ctrl-C.", rich_help_panel=FILES),
    ] = False,
    retry: options.RetryOption = None,
    dry_run: options.DryRunOption = False,
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
            "--clip",
            metavar="MODEL|auto",
            callback=options.clip_check("write --clip auto"),
            help=f"Let CLIP instruct the network; auto: the weights' teacher, or {DEFAULT_MODEL}.",
            show_default="no CLIP",
        ),
    ] = None,
    no_clip: Annotated[bool, typer.Option("--no-clip", help="Dehaze without CLIP, which is the default.")] = False,
    builder: options.BuilderOption = None,
    density: Annotated[
        bool,
        typer.Option(
            "--density",
            help="Also write each photo's haze-density map: 16-bit PNG and colour overlay.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Also write a picture of each photo before and after: NAME.compare.jpg.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    compare_sheet: Annotated[
        Path | None,
        typer.Option(
            "--compare-sheet",
            metavar="FILE.jpg",
            parser=options.parse_path,
            help="Also write one sheet of all photos before and after.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Show each photo before and after in the terminal.", rich_help_panel=OUTPUT),
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
            show_default="high; where JPEG or WebP stay what they are, about the source's",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    white: options.WhiteOption = None,
    no_preserve: Annotated[
        bool,
        typer.Option("--no-preserve", help="Date outputs now, not as their sources.", rich_help_panel=OUTPUT),
    ] = False,
    codec: film_options.CodecOption = None,
    crf: film_options.CrfOption = None,
    preset: film_options.PresetOption = film_options.DEFAULT_PRESET,
    start: film_options.StartOption = None,
    end: film_options.EndOption = None,
    no_denoise: film_options.NoDenoiseOption = False,
    jobs: options.JobsOption = None,
    cluster: ClusterOption = None,
    cores_each: CoresEachOption = 1,
    gpus_each: GpusEachOption = None,
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MEGAPIXELS,
    time_limit: options.TimeLimitOption = None,
    report: options.ReportOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Remove haze from photos, or from all photos of folders; and from films, with the extra `video`.

    OUTPUT is a folder, or for one photo or film also a file name.

    Paths may be URLs, as s3://bucket/folder, with the extra cloud.

    Existing outputs are refused without --skip-existing or --overwrite.

    With --skip-existing a photo is done when its output exists, even without maps or comparison.

    With --retry what decides a photo's look is as in that run, where it is not given anew.

    With --watch photos that are there are done as with --skip-existing; Ctrl-C is its end, exit code 0.

    Hidden files and links to folders are left out.

    Exit code: 0 all done, or nothing to do; 1 some files failed; 2 nothing was started; 130 interrupted.
    """
    settings = Settings(
        strength=strength,
        quality=quality,
        density=density,
        compare=compare,
        resolution=resolution,
        precision=precision,
        model=model,
        weights=None if weights is None else str(weights),
        clip=clip,
        no_clip=no_clip,
        builder=builder,
        white=white,
        codec=codec,
        crf=crf,
        preset=preset,
        no_denoise=no_denoise,
        start=start,
        end=end,
    )
    request = Request(
        COMMAND,
        dehazing.load,
        options.make_console(quiet=quiet, verbose=verbose, as_json=as_json),
        device=device,
        limits=options.limits_of(max_megapixels, time_limit),
        overwrite=overwrite,
        skip_existing=skip_existing or watch,
        preserve=not no_preserve,
        jobs=jobs,
        cluster=cluster_choice(cluster, cores_each, gpus_each, device=device, jobs=jobs),
        report=report,
        sheet=compare_sheet,
        preview=preview,
        dry_run=dry_run,
    )
    if watch:
        from cliphaze_cli.cli.watch_options import refuse_with_watch

        refuse_with_watch(request, retry=retry, overwrite=overwrite, compare_sheet=compare_sheet, dry_run=dry_run)
    if retry is not None:
        if paths or output or recursive or suffix or format is not None:
            raise UsageError(f"--retry takes files and outputs from its report: leave {_NOT_WITH_RETRY} out")
        raise typer.Exit(request.retry(retry, Settings, settings, _names, options.given(context)))

    options.check(settings)
    inputs, target = _inputs_and_output(paths or [], output)
    further = density or compare or compare_sheet or report
    if STREAM in (*inputs, target) and (further or (as_json and target == STREAM)):
        raise UsageError(
            "with - for standard input or output there are no maps, comparisons or reports, and no second output"
        )
    if STREAM in (*inputs, target) and dry_run:
        raise UsageError("--dry-run shows what becomes of files: leave it out with - for standard input or output")
    if STREAM in (*inputs, target) and request.cluster is not None:
        raise UsageError("- for standard input or output is of this machine: leave --cluster out")
    names = _names(settings, suffix, format)
    if watch:
        from cliphaze_cli.cli.watch import Watched
        from cliphaze_cli.cli.watch_options import folders_to_watch

        folders, folder = folders_to_watch(inputs, target)
        look = partial(plan, folders, folder, names, recursive=recursive, skip_existing=True)
        raise typer.Exit(request.watch(Watched(folders, folder, recursive, look), settings))
    with places(inputs, target) as place:
        work = plan(
            place.inputs, place.output, names, recursive=recursive, overwrite=overwrite, skip_existing=skip_existing
        )
        code = request.run_batch(work, settings, view=place.view)
        place.deliver()
    raise typer.Exit(code)


def _inputs_and_output(paths: Sequence[Place], output: Place | None) -> tuple[list[Place], Place]:
    given = [*paths, output] if output is not None else list(paths)
    if len(given) < 2:
        raise UsageError("INPUT and OUTPUT are needed, or --retry REPORT: `cliphaze dehaze --help` shows how")
    return given[:-1], given[-1]


def _names(settings: Settings, suffix: str = "", format: str | None = None) -> PhotoNames:
    if any(character in suffix for character in "/\\\0"):
        raise UsageError(f"--suffix is a part of a file name and cannot contain a path separator: {suffix!r}")
    extras = extra_outputs(density=settings.density, compare=settings.compare)
    return PhotoNames(suffix, format_named(format) if format else None, extras)
