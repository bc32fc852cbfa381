"""`cliphaze web`: a page on this machine on which photos are dehazed."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.cli import options
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.system.errors import UsageError

_NEEDED = ("starlette", "uvicorn")


def web(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to serve; other addresses let others use the page.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65_535, help="0 takes a free one.")] = 7860,
    open: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    *,
    device: options.DeviceOption = "auto",
    model: options.ModelOption = "tiny",
    weights: options.WeightsOption = None,
    resolution: options.ResolutionOption = "auto",
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MEGAPIXELS,
    time_limit: options.TimeLimitOption = None,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Serve a page on this machine to dehaze photos on.

    Drop photos, compare, choose the strength, download.

    Ctrl-C ends it and deletes all that was uploaded.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f'the page needs {" and ".join(missing)}: pip install "cliphaze[web]"')
    from cliphaze_cli.web import jobs
    from cliphaze_cli.web.server import is_loopback, serve, show_in_browser

    console = options.make_console(quiet=quiet, verbose=verbose)
    settings = Settings(model=model, weights=None if weights is None else str(Path(weights)), resolution=resolution)
    options.check(settings)
    if not is_loopback(host):
        console.notice(f"whoever reaches {host} can use the page: it has no password, and sends photos unencrypted")

    def ready(address: str, label: str) -> None:
        console.detail(label)
        console.answer(f"{address} (Ctrl-C ends it and deletes what was uploaded)")
        if open:
            show_in_browser(address)

    limits = options.limits_of(max_megapixels, time_limit)
    serve(WorkOptions(jobs.load, settings, device, limits, overwrite=True), host, port, ready)
