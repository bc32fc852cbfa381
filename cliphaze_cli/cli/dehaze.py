"""`cliphaze dehaze`: remove the haze from a photo, or from a folder of photos."""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cliphaze_cli import __version__
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.plan import plan
from cliphaze_cli.batch.report import BatchReport, FileResult
from cliphaze_cli.batch.run import Product, run
from cliphaze_cli.cli import options, outcome
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.loading import add_clip, description, load
from cliphaze_cli.cli.progress import progress_bar
from cliphaze_cli.errors import UsageError
from cliphaze_cli.imaging.formats import FORMATS_SHOWN, format_named
from cliphaze_cli.prior.clip_model import DEFAULT_MODEL

if TYPE_CHECKING:
    from cliphaze_cli.imaging.isolated import IsolatedReader
    from cliphaze_cli.imaging.photo import Photo

FILES, OUTPUT = "Files", "Output"  # panels of --help


def _check_strength(strength: float) -> float:
    if not 0 <= strength <= 1:
        raise UsageError(f"--strength must lie between 0 (nothing) and 1 (all haze), not {strength:g}")
    return strength


def _check_quality(quality: int | None) -> int | None:
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"--quality must lie between 1 and 100, not {quality}")
    return quality


def _check_format(name: str | None) -> str | None:
    if name is not None and format_named(name) is None:
        raise UsageError(f"--format must be {FORMATS_SHOWN}, not {name!r}")
    return name


def dehaze(
    context: typer.Context,
    input: Annotated[
        Path,
        typer.Argument(metavar="INPUT", parser=options.parse_path, show_default=False, help="A photo or a folder."),
    ],
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUTPUT",
            parser=options.parse_path,
            show_default=False,
            help="A folder; for one photo also a file name.",
        ),
    ],
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
    strength: Annotated[
        float, typer.Option(metavar="0..1", callback=_check_strength, help="How much of the haze to remove.")
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
            callback=_check_quality,
            help="Of JPEG, WebP, AVIF and HEIC.",
            show_default="high",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MEGAPIXELS,
    time_limit: options.TimeLimitOption = options.DEFAULT_TIME_LIMIT,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Remove haze from a photo, or from all photos of a folder.

    Existing outputs are refused without --skip-existing or --overwrite.

    With --skip-existing a photo is done when its output exists, even without maps.

    Hidden files and links to folders are left out.

    Exit code: 0 all done, 1 some failed, 2 could not start, 130 interrupted.
    """
    started = time.perf_counter()
    if context.args:
        raise UsageError(
            f"one INPUT and one OUTPUT are taken, but {len(context.args) + 2} names were given: "
            "for many photos give the folder that holds them, not *"
        )
    console = options.make_console(quiet=quiet, verbose=verbose, as_json=as_json)
    if clip is not None and no_clip:
        raise UsageError("--clip and --no-clip contradict each other: give one of them")
    if weights is not None and not weights.is_file():
        raise UsageError(f"--weights is not a file: {weights}")
    work = plan(
        input,
        output,
        recursive=recursive,
        suffix=suffix,
        format=format_named(format) if format else None,
        overwrite=overwrite,
        skip_existing=skip_existing,
        extra_outputs=_density_paths if density else None,
    )
    if work.ignored:
        console.detail(f"{work.ignored} files ignored: their names are not those of photos")

    report, used = BatchReport(()), dict.fromkeys(("weights_sha256", "device", "precision", "resolution", "clip"))
    if work.jobs:
        from cliphaze_cli.batch.dehazing import dehazing
        from cliphaze_cli.imaging import imagefile
        from cliphaze_cli.imaging.isolated import IsolatedReader

        with IsolatedReader(options.limits_of(max_megapixels, time_limit)) as reader:
            dehazer = load(model, weights, device, precision, resolution)
            if not no_clip:
                add_clip(dehazer, clip, console)
            model, used = dehazer.weights_name, description(dehazer)
            console.detail(f"{model} on {used['device']}, {used['precision']}, long side {used['resolution']}")
            work.make_folders()
            report = _run(
                work.jobs,
                reader,
                partial(imagefile.write, quality=quality, replace=overwrite),
                dehazing(dehazer, strength=strength, maps=density, replace_maps=overwrite or skip_existing),
                skip_existing=skip_existing,
                console=console,
            )
    else:
        work.make_folders()  # for what killed runs left there

    results = outcome.all_results(work, report)
    seconds = time.perf_counter() - started
    outcome.tell(console, results, planned=len(work.jobs), interrupted=report.interrupted, seconds=seconds)
    console.result(
        {
            "version": __version__,
            "model": model,
            **used,
            "strength": strength,
            "files": [outcome.file_record(result) for result in results],
            **outcome.counts(results),
            "interrupted": report.interrupted,
            "seconds": round(seconds, 3),
        }
    )
    raise typer.Exit(outcome.exit_code(results, report.interrupted))


def _density_paths(stem: Path) -> list[Path]:
    from cliphaze_cli.imaging.densitymap import density_paths

    return density_paths(stem)


def _run(
    jobs: Sequence[Job],
    reader: "IsolatedReader",
    write: Callable[["Photo", Path], Iterable[str]],
    process: Callable[["Photo"], Product],
    *,
    skip_existing: bool,
    console: Console,
) -> BatchReport:
    with progress_bar(console, len(jobs)) as advance:

        def finished(result: FileResult) -> None:
            console.detail(outcome.file_line(result))
            advance()

        return run(
            jobs,
            process,
            read=reader,
            write=write,
            on_result=finished,
            on_interrupt=reader.close,
            skip_existing=skip_existing,
        )
