"""`cliphaze density`: where the haze is, as seen by CLIP or, when asked, as estimated by the network."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cliphaze_cli.batch import mapping
from cliphaze_cli.batch.job import MAP_ENDING
from cliphaze_cli.batch.naming import MapNames
from cliphaze_cli.batch.plan import plan
from cliphaze_cli.cli import options
from cliphaze_cli.cli.cluster_options import ClusterOption, CoresEachOption, GpusEachOption, cluster_choice
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.request import Request
from cliphaze_cli.cli.run_batch import Command
from cliphaze_cli.cli.streams import STREAM, places
from cliphaze_cli.places.look import Look
from cliphaze_cli.places.remote import Place
from cliphaze_cli.prior import DEFAULT_MODEL
from cliphaze_cli.prior.prompts import custom_prompts
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.settings import DensitySettings
from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.errors import UsageError

EXAMPLES = """\
 cliphaze density hazy.jpg                   # by CLIP, which is fetched once
 cliphaze density hazy.jpg --source model    # by the network, without CLIP
 cliphaze density photos/ -o maps/ -r        # a folder and its sub-folders
 cliphaze density - < hazy.jpg                # only the mean density"""
SOURCES = ("auto", "clip", "model")


def _tell_done(console: Console, result: FileResult, label: str) -> None:
    if result.status == "done":
        console.answer(_mean_line(result, label))


def _tell_done_aside(console: Console, result: FileResult, label: str) -> None:
    if result.status == "done":
        console.info(_mean_line(result, label))


def _mean_line(result: FileResult, label: str) -> str:
    files = (result.target, *result.extras) if result.target is not None else ()
    names = ", ".join(shown(path.name) for path in files)
    mean = result.details["density_mean"]
    return f"{shown(result.source)}: mean haze density {mean:.3f} ({label}){' -> ' if names else ''}{names}"


_COMMAND = Command("density", doing="Mapping", done="mapped", tell_done=_tell_done)
_MAP_TO_STREAM = replace(_COMMAND, tell_done=_tell_done_aside)  # standard output is the map's


def _choice(option: str, known: Sequence[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value.lower() not in known:
            raise UsageError(f"{option} must be one of {', '.join(known)}, not {value!r}")
        return value.lower()

    return check


def density(
    context: typer.Context,
    inputs: Annotated[
        list[options.AnyPlace] | None,
        typer.Argument(
            metavar="INPUT...",
            parser=options.parse_place,
            show_default=False,
            help="Needed: photos and folders; - is standard input.",
        ),
    ] = None,
    *,
    output: Annotated[
        options.AnyPlace | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            parser=options.parse_place,
            help="Folder for the maps; - prints one map.",
            show_default="beside each photo; none for standard input",
            rich_help_panel=options.FILES,
        ),
    ] = None,
    recursive: options.RecursiveOption = False,
    skip_existing: options.SkipExistingOption = False,
    overwrite: options.OverwriteOption = False,
    retry: options.RetryOption = None,
    dry_run: options.DryRunOption = False,
    source: Annotated[
        str,
        typer.Option(
            metavar="|".join(SOURCES),
            callback=_choice("--source", SOURCES),
            help="Who judges: CLIP (auto too), or the dehazing network itself (model).",
        ),
    ] = "auto",
    clip: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            callback=options.clip_check(f"leave --clip out for {DEFAULT_MODEL}"),
            help="open_clip model, with or without :TAG of a checkpoint.",
            show_default=DEFAULT_MODEL,
        ),
    ] = None,
    builder: options.BuilderOption = None,
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=options.parse_path,
            help="Learned prompts, as `python -m training.prompts` makes them.",
        ),
    ] = None,
    prompt_hazy: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="What haze looks like, in words; can be repeated.")
    ] = None,
    prompt_clear: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="What clear air looks like, in words; can be repeated.")
    ] = None,
    no_download: Annotated[
        bool, typer.Option("--no-download", help="Never fetch CLIP's weights; without it they are on first use.")
    ] = False,
    npy: Annotated[
        bool,
        typer.Option("--npy", help="Also save the map as a float32 NumPy array.", rich_help_panel=options.OUTPUT),
    ] = False,
    device: options.DeviceOption = "auto",
    precision: options.PrecisionOption = "auto",
    model: options.ModelOption = "tiny",
    weights: options.WeightsOption = None,
    white: options.WhiteOption = None,
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
    """Show where the haze is: a 16-bit map (0 clear, 65535 dense) and a colour overlay for each photo.

    Existing maps are refused without --skip-existing or --overwrite.

    Exit code: 0 all done, or nothing to do; 1 some files failed; 2 nothing was started; 130 interrupted.
    """
    settings = DensitySettings(
        source=source,
        clip=clip,
        builder=builder,
        prompts=None if prompts is None else str(prompts),
        prompt_hazy=tuple(prompt_hazy or ()),
        prompt_clear=tuple(prompt_clear or ()),
        npy=npy,
        precision=precision,
        model=model,
        weights=None if weights is None else str(weights),
        white=white,
    )
    request = Request(
        _MAP_TO_STREAM if output == STREAM else _COMMAND,
        mapping.load,
        options.make_console(quiet=quiet, verbose=verbose, as_json=as_json),
        device=device,
        limits=options.limits_of(max_megapixels, time_limit),
        overwrite=overwrite,
        skip_existing=skip_existing,
        jobs=jobs,
        cluster=cluster_choice(cluster, cores_each, gpus_each, device=device, jobs=jobs),
        report=report,
        dry_run=dry_run,
        may_download=not no_download,
    )
    if retry is not None:
        if inputs or output or recursive:
            raise UsageError(
                "--retry takes files and outputs from its report: leave INPUT, --output and --recursive out"
            )
        raise typer.Exit(request.retry(retry, DensitySettings, settings, _names, options.given(context)))

    _check(settings)
    if not inputs:
        raise UsageError("INPUT is needed, or --retry REPORT: `cliphaze density --help` shows how")
    look = Look()
    if output is not None and look.exists(output) and not look.is_folder(output):
        raise UsageError(f"--output must be a folder, but {output} is a file")
    if STREAM in (*inputs, output):
        _check_streams(settings, output, dry_run=dry_run, report=report, as_json=as_json)
    names = _names(settings)
    with places(inputs, output) as place:
        work = plan(
            place.inputs, place.output, names, recursive=recursive, overwrite=overwrite, skip_existing=skip_existing
        )
        code = request.run_batch(work, settings, view=place.view)
        if output == STREAM:
            place.deliver(MAP_ENDING)
    raise typer.Exit(code)


def _check_streams(
    settings: DensitySettings, output: Place | None, *, dry_run: bool, report: Place | None, as_json: bool
) -> None:
    if report is not None or dry_run:
        raise UsageError("with - for standard input or output there are no --report and no --dry-run: leave them out")
    if output == STREAM and as_json:
        raise UsageError("standard output takes the map or the document: give --output DIR with --json")
    if settings.npy and output in (None, STREAM):
        raise UsageError("--npy needs a folder: give --output DIR")


def _check(settings: DensitySettings) -> None:
    usual = DensitySettings()
    texts = settings.prompt_hazy or settings.prompt_clear
    if settings.source == "model":
        if texts or (settings.clip, settings.builder, settings.prompts) != (None, None, None):
            raise UsageError(
                "--clip, --builder, --prompts and --prompt-... are CLIP's: leave them out with --source model"
            )
    elif (settings.weights, settings.model, settings.precision) != (usual.weights, usual.model, usual.precision):
        raise UsageError("--model, --weights and --precision are the network's: give them with --source model")
    if settings.prompts is not None and texts:
        raise UsageError("--prompts and --prompt-... contradict each other: give one of them")
    if settings.prompts is not None and not Path(settings.prompts).is_file():
        raise UsageError(f"--prompts is not a file: {settings.prompts}")
    custom_prompts(settings.prompt_hazy, settings.prompt_clear)
    options.check(settings)


def _names(settings: DensitySettings) -> MapNames:
    from cliphaze_cli.imaging.density_map import density_paths

    return MapNames(partial(density_paths, npy=settings.npy))
