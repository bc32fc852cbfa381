"""`cliphaze density`: where the haze is, as seen by CLIP or, when asked, as estimated by the network."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cliphaze_cli.batch.discover import find_images
from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.refusals import (
    refuse_blocked_outputs,
    refuse_outputs_that_are_inputs,
    refuse_shared_outputs,
)
from cliphaze_cli.batch.report import FileResult
from cliphaze_cli.batch.run import Product, run
from cliphaze_cli.cli import outcome
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.density_judge import Judge, by_clip, by_network
from cliphaze_cli.cli.options import (
    DEFAULT_MEGAPIXELS,
    DEFAULT_TIME_LIMIT,
    DeviceOption,
    JsonOption,
    MaxMegapixelsOption,
    ModelOption,
    PrecisionOption,
    QuietOption,
    TimeLimitOption,
    VerboseOption,
    WeightsOption,
    limits_of,
    make_console,
    parse_path,
)
from cliphaze_cli.errors import UsageError
from cliphaze_cli.imaging.atomic import shown
from cliphaze_cli.prior.clip_model import BUILDERS, DEFAULT_MODEL
from cliphaze_cli.prior.prompts import custom_prompts

if TYPE_CHECKING:
    from cliphaze_cli.imaging.isolated import IsolatedReader
    from cliphaze_cli.imaging.photo import Photo

SOURCES = ("auto", "clip", "model")
_DEFAULT_WEIGHTS = "tiny"


def _choice(option: str, known: Sequence[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value.lower() not in known:
            raise UsageError(f"{option} must be one of {', '.join(known)}, not {value!r}")
        return value.lower()

    return check


def density(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMG", parser=parse_path, help="Photos, or folders of photos.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            parser=parse_path,
            help="Folder for the maps; default: beside each photo.",
        ),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            metavar="|".join(SOURCES),
            callback=_choice("--source", SOURCES),
            help="Who judges: CLIP (auto asks for it too), or the dehazing network itself (model), which is not CLIP.",
        ),
    ] = "auto",
    clip: Annotated[
        str, typer.Option(metavar="MODEL", help="open_clip model, with or without :TAG of a checkpoint.")
    ] = DEFAULT_MODEL,
    builder: Annotated[
        str,
        typer.Option(
            metavar="|".join(BUILDERS),
            callback=_choice("--builder", BUILDERS),
            help="How CLIP's map is built: sliding windows, or patch tokens of one pass (faster).",
        ),
    ] = BUILDERS[0],
    prompt_hazy: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="What haze looks like, in words; can be repeated.")
    ] = None,
    prompt_clear: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="What clear air looks like, in words; can be repeated.")
    ] = None,
    npy: Annotated[bool, typer.Option("--npy", help="Also save the map as a float32 NumPy array.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace maps that exist.")] = False,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    model: ModelOption = _DEFAULT_WEIGHTS,
    weights: WeightsOption = None,
    max_megapixels: MaxMegapixelsOption = DEFAULT_MEGAPIXELS,
    time_limit: TimeLimitOption = DEFAULT_TIME_LIMIT,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show where the haze is: a 16-bit map (0 clear, 65535 dense) and a colour overlay for each photo."""
    console = make_console(quiet=quiet, verbose=verbose, as_json=as_json)
    if source == "model":
        if prompt_hazy or prompt_clear or clip != DEFAULT_MODEL or builder != BUILDERS[0]:
            raise UsageError("--clip, --builder and --prompt-... are CLIP's: leave them out with --source model")
        if weights is not None and not weights.is_file():
            raise UsageError(f"--weights is not a file: {weights}")
    elif weights is not None or model != _DEFAULT_WEIGHTS or precision != "auto":
        raise UsageError("--model, --weights and --precision are the network's: give them with --source model")
    prompts = custom_prompts(prompt_hazy or (), prompt_clear or ())
    jobs = _plan(images, output, npy=npy, overwrite=overwrite, console=console)
    from cliphaze_cli.imaging.isolated import IsolatedReader

    with IsolatedReader(limits_of(max_megapixels, time_limit)) as reader:
        from_network = source == "model"
        judge = (
            by_network(model, weights, device, precision) if from_network else by_clip(clip, builder, prompts, device)
        )
        make_folders(job.target.parent for job in jobs)
        console.detail(f"maps by {judge.label}")
        _run(jobs, reader, judge, npy=npy, overwrite=overwrite, console=console)


def _plan(images: Sequence[Path], output: Path | None, *, npy: bool, overwrite: bool, console: Console) -> list[Job]:
    """Return one job a photo; refuse beforehand whatever would lose a file."""
    from cliphaze_cli.imaging.densitymap import density_paths

    if output is not None and output.exists() and not output.is_dir():
        raise UsageError(f"--output must be a folder, but {output} is a file")
    jobs = []
    for photo in _photos(images, console):
        paths = density_paths((output or photo.parent) / photo.stem, npy)
        jobs.append(Job(photo, paths[0], tuple(paths[1:])))
    refuse_shared_outputs(jobs)
    refuse_outputs_that_are_inputs(jobs, advice="give --output DIR")
    refuse_blocked_outputs(jobs)
    existing = [path for job in jobs for path in job.outputs if path.exists() or path.is_symlink()]
    if existing and not overwrite:
        others = f" (and {len(existing) - 1} more)" if len(existing) > 1 else ""
        raise UsageError(f"{existing[0]}{others} exists already: give --overwrite to replace, or --output DIR")
    return jobs


def _photos(images: Sequence[Path], console: Console) -> list[Path]:
    photos: dict[Path, Path] = {}  # by real path: the same photo given twice is one photo
    for image in images:
        if not image.exists():
            raise UsageError(f"there is no {image}")
        found = [image]
        if image.is_dir():
            try:
                found = [image / name for name in find_images(image).images]
            except OSError as error:
                raise UsageError(f"cannot list the folder {image}: {error.strerror}") from error
            if not found:
                console.notice(f"no images in {image}")
        for photo in found:
            photos.setdefault(photo.resolve(), photo)
    if not photos:
        raise UsageError("no images to look at")
    return list(photos.values())


def _run(
    jobs: Sequence[Job],
    reader: "IsolatedReader",
    judge: Judge,
    *,
    npy: bool,
    overwrite: bool,
    console: Console,
) -> None:
    """Make every job's maps; a photo that fails is reported, and the others are done all the same."""
    from cliphaze_cli.imaging.densitymap import save_density
    from cliphaze_cli.prior.upsample import upsample_density

    def process(photo: "Photo") -> Product:
        density = upsample_density(judge.estimate(photo.pixels), photo.pixels)

        def save(job: Job) -> None:
            title, stem = f"haze density ({judge.label})", job.target.parent / job.source.stem
            save_density(density, photo.pixels, stem, npy=npy, title=title, replace=overwrite, source=photo.file)

        return Product(photo, write_extras=save, details={"mean": round(float(density.mean(dtype="float64")), 6)})

    def tell(result: FileResult) -> None:
        for notice in result.notices:
            console.detail(f"{shown(result.source)}: {notice}")
        if result.status == "failed":
            outcome.tell_failure(console, result)
            return
        names = ", ".join(shown(Path(path.name)) for path in _maps(result))
        console.info(
            f"{shown(result.source)}: mean haze density {result.details['mean']:.3f} ({judge.label}) -> {names}"
        )

    batch = run(jobs, process, read=reader, write=lambda photo, target: (), on_result=tell, on_interrupt=reader.close)
    done = [result for result in batch.results if result.status == "done"]
    failed = [result for result in batch.results if result.status == "failed"]
    document = {
        **judge.fields,
        "images": [
            {
                "input": str(result.source),
                "source": judge.fields["source"],
                "mean": result.details["mean"],
                "outputs": [str(path) for path in _maps(result)],
            }
            for result in done
        ],
        "failed": [{"input": str(result.source), "error": result.reason} for result in failed],
    }
    console.result(document)
    if failed:
        console.error(f"{len(failed)} of {len(jobs)} photos failed")
    if batch.interrupted:
        console.error(f"interrupted with {len(done)} of {len(jobs)} done")
    if code := outcome.exit_code(batch.results, batch.interrupted):
        raise typer.Exit(code)


def _maps(result: FileResult) -> list[Path]:
    assert result.target is not None
    return [result.target, *result.extras]
