"""The whole life of one film: what `work.work` is for a photo."""

import time
from collections.abc import Callable
from dataclasses import replace

from cliphaze_cli.batch import time_limit
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.made_meanwhile import ended, leave_out_if_made
from cliphaze_cli.batch.options import Tool, WorkOptions
from cliphaze_cli.places.remote import on_disk
from cliphaze_cli.report.results import FileResult, bytes_of
from cliphaze_cli.report.settings import Settings

OnFrame = Callable[[int, int | None], object]  # how many frames are done, of about how many


def no_frames(done: int, total: int | None) -> None:
    """Tell nobody."""


def work_on_film(
    job: Job, tool: Tool, options: WorkOptions, *, memory: int | None = None, on_frame: OnFrame = no_frames
) -> FileResult:
    """Read a film, dehaze and write it; whatever goes wrong is text in the result.

    The limit on time is one for each frame: long films take long. memory and on_frame: see `work.work`.
    """
    from cliphaze_cli.batch.dehazing import Dehazing
    from cliphaze_cli.imaging.memory import bounded_memory
    from cliphaze_cli.system.devices import pytorch_threads
    from cliphaze_cli.video.film import dehaze_film
    from cliphaze_cli.video.options import Encoding

    started = time.perf_counter()
    limits, settings = options.limits, options.settings
    source, target = on_disk(job.source), on_disk(job.target)
    result = FileResult(source, target, "done", source_bytes=bytes_of(source))
    try:
        leave_out_if_made(target, options.skip_existing)
        assert isinstance(tool, Dehazing)
        assert isinstance(settings, Settings)

        def next_frame(done: int, total: int | None, pixels: int) -> None:
            time_limit.begin_anew(limits, pixels)
            on_frame(done, total)

        with bounded_memory(limits.decoder_bytes):
            film = dehaze_film(
                source,
                target,
                tool.dehazer,
                strength=tool.strength,
                denoise=not settings.no_denoise,
                encoding=Encoding(settings.codec, settings.crf, settings.preset, settings.start, settings.end),
                max_pixels=limits.max_pixels,
                max_bytes=memory,
                cores=pytorch_threads(),
                replace=options.overwrite,
                preserve=options.preserve,
                on_frame=next_frame,
                on_end=time_limit.lift,
            )
        notices = (
            (*film.notices, "density maps are of photos: of a film there are none")
            if settings.density
            else film.notices
        )
        result = replace(result, size=film.size, notices=notices, details=film.details, target_bytes=bytes_of(target))
    except Exception as error:  # noqa: BLE001 - one bad file never stops a batch
        result = ended(result, error, options.skip_existing)
    return replace(result, seconds=time.perf_counter() - started)
