"""`cliphaze density`: where the haze is, as seen by CLIP or, when asked, as estimated by the network."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cliphaze_cli.batch import mapping
from cliphaze_cli.batch.naming import MapNames
from cliphaze_cli.batch.plan import plan
from cliphaze_cli.cli import options
from cliphaze_cli.cli.cluster_options import ClusterOption, CoresEachOption, GpusEachOption, cluster_choice
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.request import Request
from cliphaze_cli.cli.run_batch import Command
from cliphaze_cli.prior.clip_model import DEFAULT_MODEL
from cliphaze_cli.prior.prompts import custom_prompts
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.settings import DensitySettings
from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.errors import UsageError

SOURCES = ("auto", "clip", "model")


def _tell_done(console: Console, result: FileResult, label: str) -> None:
    if result.status != "done" or result.target is None:
        return
    names = ", ".join(shown(Path(path.name)) for path in (result.target, *result.extras))
    mean = result.details["density_mean"]
    console.answer(f"{shown(result.source)}: mean haze density {mean:.3f} ({label}) -> {names}")


_COMMAND = Command("density", doing="Mapping", done="mapped", tell_done=_tell_done)


def _choice(option: str, known: Sequence[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value.lower() not in known:
            raise UsageError(f"{option} must be one of {', '.join(known)}, not {value!r}")
        return value.lower()

    return check


def density(
    context: typer.Context,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INPUT...", parser=options.parse_path, show_default=False, help="Photos, and folders of photos."
        ),
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            parser=options.parse_path,
            help="Folder for the maps.",
            show_default="beside each photo",
            rich_help_panel=options.FILES,
        ),
    ] = None,
    recursive: options.RecursiveOption = False,
    skip_existing: options.SkipExistingOption = False,
    overwrite: options.OverwriteOption = False,
    retry: options.RetryOption = None,
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
            metavar="MODEL", help="open_clip model, with or without :TAG of a checkpoint.", show_default=DEFAULT_MODEL
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

    Exit code: 0 all done, 1 some failed, 2 could not start, 130 interrupted.
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
        _COMMAND,
        mapping.load,
        options.make_console(quiet=quiet, verbose=verbose, as_json=as_json),
        device=device,
        limits=options.limits_of(max_megapixels, time_limit),
        overwrite=overwrite,
        skip_existing=skip_existing,
        jobs=jobs,
        cluster=cluster_choice(cluster, cores_each, gpus_each, device=device, jobs=jobs),
        report=report,
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
    if output is not None and output.exists() and not output.is_dir():
        raise UsageError(f"--output must be a folder, but {output} is a file")
    work = plan(inputs, output, _names(settings), recursive=recursive, overwrite=overwrite, skip_existing=skip_existing)
    raise typer.Exit(request.run_batch(work, settings))


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
