"""The whole life of one photo, in one function. Whoever calls it, here or elsewhere, is an executor."""

import time
from dataclasses import replace

from cliphaze_cli.batch import time_limit
from cliphaze_cli.batch.film_work import OnFrame, no_frames, work_on_film
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.made_meanwhile import ended, leave_out_if_made
from cliphaze_cli.batch.options import Tool, WorkOptions
from cliphaze_cli.places.remote import on_disk
from cliphaze_cli.report.results import FileResult, bytes_of


def work(
    job: Job, tool: Tool, options: WorkOptions, *, memory: int | None = None, on_frame: OnFrame = no_frames
) -> FileResult:
    """Read a photo, work on it, write what is made for it and then itself; whatever goes wrong is text in the result.

    memory: bytes that it may take; None: as many as there are. A photo that needs more comes back as "pending".
    on_frame: called with the number of frames of a film that are done, and that it has, if that is known.
    """

    def work_here(local: Job) -> FileResult:
        if job.is_film:
            return work_on_film(local, tool, options, memory=memory, on_frame=on_frame)
        return _work_on_photo(local, tool, options, memory)

    if job.is_local:
        return work_here(job)
    from cliphaze_cli.batch.staging import work_staged

    return work_staged(job, options, work_here)


def _work_on_photo(job: Job, tool: Tool, options: WorkOptions, memory: int | None) -> FileResult:
    """The life of a photo that is read and written on this machine."""
    from cliphaze_cli.imaging import comparison, files
    from cliphaze_cli.imaging.density_map import save_density
    from cliphaze_cli.imaging.memory import bounded_memory

    started = time.perf_counter()
    limits, overwrite, skip_existing = options.limits, options.overwrite, options.skip_existing
    source, target = on_disk(job.source), on_disk(job.target)
    result = FileResult(source, target, "done", source_bytes=bytes_of(source))
    try:
        tool = job.tool(tool)
        leave_out_if_made(target, skip_existing)
        with bounded_memory(limits.decoder_bytes):
            photo = files.read(source, max_pixels=limits.max_pixels, max_bytes=memory, white=options.settings.white)
        height, width = photo.pixels.shape[:2]
        result = replace(result, size=(width, height), notices=photo.notices)
        time_limit.extend(limits, width * height)

        product = tool(photo)
        result = replace(result, details=product.details)
        leave_out_if_made(target, skip_existing)

        extras_replace = overwrite or skip_existing
        if (maps := product.maps) is not None:  # before the photo: where that exists, its job is complete
            save_density(
                maps.density,
                photo.pixels,
                on_disk(job.maps_stem),
                npy=maps.npy,
                title=maps.title,
                replace=extras_replace,
                follow=overwrite,
                source=photo.file,
            )
        if product.pixels is not None:
            dehazed = files.with_pixels(photo, product.pixels)
            if job.comparison is not None:
                picture = on_disk(job.comparison)
                comparison.save_comparison(photo, dehazed, picture, replace=extras_replace, follow=overwrite)
            if options.pictures:
                result = replace(result, picture=comparison.small_comparison(photo, dehazed))
            del photo, product, maps
            notices = files.write(dehazed, target, quality=tool.quality, replace=overwrite, preserve=options.preserve)
            result = replace(result, notices=(*result.notices, *notices))
        result = replace(result, extras=job.extras, target_bytes=bytes_of(target))
    except Exception as error:  # noqa: BLE001 - one bad file never stops a batch
        result = ended(result, error, skip_existing)
    return replace(result, seconds=time.perf_counter() - started)
