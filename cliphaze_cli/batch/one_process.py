"""A batch in this process: on a GPU, for few photos, and in each of several worker processes."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliphaze_cli.batch.assignment import Assignment
from cliphaze_cli.batch.crew import crew_for
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.report import BatchReport, FileResult
from cliphaze_cli.batch.run import Together, run

if TYPE_CHECKING:
    from cliphaze_cli.dehazer import Dehazer

# Of photos that a GPU dehazes together. On a CPU it is one by one: it wins little there, and which ones come together
# depends on chance, as then does, in one of 100,000 values, the last of 8 bits.
PHOTO_PIXELS_TOGETHER = 1 << 26


class OneProcess:
    """Dehazes photos in this process, which entering it as a context manager prepares."""

    def __init__(self, assignment: Assignment, *, jobs: int | None, notice: Callable[[str], object]) -> None:
        """jobs: photos at a time on a GPU, None for as many as are good. notice: called with lines for people."""
        self._assignment, self._jobs, self._notice = assignment, jobs, notice
        self._exit = ExitStack()

    def __enter__(self) -> "OneProcess":
        """Load the network. Raises CliphazeError where it cannot be used as asked."""
        from cliphaze_cli.imaging.isolated import IsolatedReader

        with ExitStack() as stack:
            # First, so that its process starts while PyTorch is imported here.
            self._reader = stack.enter_context(
                IsolatedReader(self._assignment.limits, white=self._assignment.settings.white)
            )
            self._dehazer = self._loaded()
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    @property
    def used(self) -> dict[str, Any]:
        """What it dehazes with: see `loading.description`."""
        from cliphaze_cli.loading import description

        return description(self._dehazer)

    def run(self, jobs: Iterable[Job], on_result: Callable[[FileResult], object]) -> BatchReport:
        """Read, dehaze and write every photo; see `batch.run.run`."""
        from cliphaze_cli.batch.dehazing import Dehazing
        from cliphaze_cli.imaging import imagefile
        from cliphaze_cli.runtime import cores_for_each_thread, pytorch_threads

        settings, overwrite = self._assignment.settings, self._assignment.overwrite
        skip_existing = self._assignment.skip_existing
        dehaze = Dehazing(
            self._dehazer, settings.strength, maps=settings.density, replace_maps=overwrite or skip_existing
        )
        device = self._dehazer.device.type
        crew = crew_for(device, cores=pytorch_threads(), jobs=self._jobs)
        with cores_for_each_thread(crew.cores_each):
            return run(
                jobs,
                dehaze,
                together=None if device == "cpu" else Together(dehaze.together, PHOTO_PIXELS_TOGETHER),
                read=self._reader,
                write=partial(
                    imagefile.write, quality=settings.quality, replace=overwrite, preserve=self._assignment.preserve
                ),
                on_result=on_result,
                on_interrupt=self._end_work,
                skip_existing=skip_existing,
                crew=crew,
            )

    def _loaded(self) -> "Dehazer":
        from cliphaze_cli.loading import add_clip, load

        settings = self._assignment.settings
        weights = None if settings.weights is None else Path(settings.weights)
        dehazer = load(settings.model, weights, self._assignment.device, settings.precision, settings.resolution)
        if not settings.no_clip:
            add_clip(dehazer, settings.clip, self._notice)
        if self._assignment.retried_sha256 not in (None, dehazer.weights_sha256):
            self._notice(f"the weights {dehazer.weights_name} are not those of the run that is retried")
        return dehazer

    def _end_work(self) -> None:
        self._reader.close()
        self._dehazer.cancel()
