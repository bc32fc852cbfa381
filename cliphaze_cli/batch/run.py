"""Process many images: the next are read and the last are written while some are being worked on."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliphaze_cli.batch.budget import ByteBudget
from cliphaze_cli.batch.channel import Channel
from cliphaze_cli.batch.crew import ONE_AT_A_TIME, Crew
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.report import BatchReport, FileResult, InOrder, Status, bytes_of, explain
from cliphaze_cli.batch.threads import WatchedThread, wait_for
from cliphaze_cli.errors import CliphazeError, OutputExistsError

if TYPE_CHECKING:
    from cliphaze_cli.imaging.photo import Photo

BYTES_IN_FLIGHT = 128 * 2**20  # decoded pixels, for each worker: two photos of a 24-megapixel camera


@dataclass(frozen=True, eq=False)
class Product:
    """What processing made of a photo: what to write, and what to report about it."""

    photo: "Photo"
    write_extras: Callable[[Job], object] | None = None  # further files, written before the photo itself
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Together:
    """How to process several photos at once: those of one size that have been read already, up to `pixels` in all."""

    process: Callable[[Sequence["Photo"]], Sequence[Product]]
    pixels: int


def run(
    jobs: Iterable[Job],
    process: Callable[["Photo"], Product],
    *,
    together: Together | None = None,
    read: Callable[[Path], "Photo"],
    write: Callable[["Photo", Path], Iterable[str]],
    on_result: Callable[[FileResult], object] | None = None,
    on_interrupt: Callable[[], object] | None = None,
    skip_existing: bool = False,
    crew: Crew = ONE_AT_A_TIME,
    bytes_in_flight: int | None = None,
) -> BatchReport:
    """Read, process and write every job; a file that fails is reported and the others go on.

    `process` runs in the calling thread and in further ones if the crew is larger, `read` and `write` in threads of
    their own; `write` must replace its target atomically. Photos that fail `together` are processed one by one.
    `on_result` is called from a writing thread, once per job and in their order, one at a time; an exception of it
    stops the batch and is raised here. KeyboardInterrupt also stops it: writes under way are finished, later jobs are
    dropped, and the report says interrupted; `on_interrupt` is called then, to end what is being read or processed.
    Decoded images are held up to `bytes_in_flight` plus one image (`ByteBudget`). With `skip_existing` a job is left
    out as skipped if its target has appeared by the time it is read or written: another run may be at work in the same
    folder.
    """
    pipeline = _Pipeline(
        jobs,
        process,
        together=together,
        read=read,
        write=write,
        on_result=on_result,
        on_interrupt=on_interrupt,
        skip_existing=skip_existing,
        crew=crew,
        bytes_in_flight=bytes_in_flight or BYTES_IN_FLIGHT * max(crew.processing, crew.reading),
    )
    return pipeline.run()


class _MadeMeanwhileError(CliphazeError):
    """A job whose output is there by now."""


@dataclass(eq=False)
class _Step:
    """A job on its way through the pipeline; its image is dropped as soon as the next stage has its own."""

    number: int
    job: Job
    photo: "Photo | None" = None
    product: Product | None = None
    held_bytes: int = 0
    size: tuple[int, int] | None = None
    notices: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    status: Status = "done"
    reason: str | None = None
    traceback: str | None = None

    def attempt(self, work: Callable[["_Step"], None]) -> None:
        """Do `work` unless the job has ended already; a failure is kept as text, so that no frame keeps arrays."""
        if self.status != "done":
            return
        started = time.perf_counter()
        try:
            work(self)
        except Exception as error:  # noqa: BLE001 - one bad file never stops a batch
            self.status = "skipped" if isinstance(error, _MadeMeanwhileError) else "failed"
            self.reason, self.traceback = explain(error)
            self.photo = self.product = None
        self.seconds += time.perf_counter() - started

    def take(self, product: Product) -> None:
        self.product, self.details, self.photo = product, product.details, None

    def result(self) -> FileResult:
        return FileResult(
            source=self.job.source,
            target=self.job.target,
            status=self.status,
            reason=self.reason,
            seconds=self.seconds,
            size=self.size,
            source_bytes=bytes_of(self.job.source),
            target_bytes=bytes_of(self.job.target) if self.status == "done" else None,
            notices=self.notices,
            extras=self.job.extras if self.status == "done" else (),
            details=self.details,
            traceback=self.traceback,
        )


class _Pipeline:
    def __init__(
        self,
        jobs: Iterable[Job],
        process: Callable[["Photo"], Product],
        *,
        together: Together | None,
        read: Callable[[Path], "Photo"],
        write: Callable[["Photo", Path], Iterable[str]],
        on_result: Callable[[FileResult], object] | None,
        on_interrupt: Callable[[], object] | None,
        skip_existing: bool,
        crew: Crew,
        bytes_in_flight: int,
    ) -> None:
        self._process, self._together = process, together
        self._read, self._write, self._on_result = read, write, on_result
        self._on_interrupt, self._skip_existing, self._crew = on_interrupt, skip_existing, crew
        self._jobs = enumerate(jobs)
        self._jobs_lock = threading.Lock()
        self._budget = ByteBudget(bytes_in_flight)
        self._stop = threading.Event()
        self._to_process: Channel[_Step] = Channel(
            4 * crew.reading, senders=crew.reading, receivers=crew.processing, stop=self._stop
        )
        self._to_write: Channel[_Step] = Channel(
            2 * crew.writing, senders=crew.processing, receivers=crew.writing, stop=self._stop
        )
        self._results = InOrder(on_result)
        self._broken: Exception | None = None

    def run(self) -> BatchReport:
        threads = self._threads()
        interrupted = False
        try:
            for thread in threads:
                thread.start()
            while True:  # again after KeyboardInterrupt, so that no further Ctrl-C leaves a write half done
                try:
                    if not interrupted:
                        self._process_all()
                        wait_for(threads)
                    self._stop.set()
                    if interrupted and self._on_interrupt is not None:
                        self._on_interrupt()
                    wait_for(threads)
                    break
                except KeyboardInterrupt:
                    interrupted = True
        finally:
            self._stop.set()
        if self._broken is not None:
            raise self._broken
        return BatchReport(self._results.all(), interrupted)

    def _threads(self) -> list[WatchedThread]:
        """All but the calling one, which processes too."""
        stages = [("read", self._read_all)] * self._crew.reading
        stages += [("process", self._process_all)] * (self._crew.processing - 1)
        stages += [("write", self._write_all)] * self._crew.writing
        return [WatchedThread(partial(self._in_thread, work), f"cliphaze-{name}") for name, work in stages]

    def _read_all(self) -> None:
        while self._budget.begin(self._stop):
            with self._jobs_lock:  # in order, and with the budget's leave, so that none is held back by a later one
                number, job = next(self._jobs, (None, None))
            if number is None or job is None:
                self._budget.take(0)
                break
            step = _Step(number, job)
            step.attempt(self._read_one)
            self._budget.take(step.held_bytes)
            self._to_process.send(step)
        self._to_process.end()

    def _process_all(self) -> None:
        for step in self._to_process:
            steps = [step] if self._together is None else [step, *self._to_process.ready()]
            del step  # do not keep an image alive while waiting for the next
            while steps:
                like, steps = self._of_one_size(steps)
                self._process_together(like)
                while like:
                    self._to_write.send(like.pop(0))
        self._to_write.end()

    def _of_one_size(self, steps: list[_Step]) -> tuple[list[_Step], list[_Step]]:
        """Those that can be processed together with the first one, and the others."""
        first = steps[0].photo
        if first is None or self._together is None:
            return steps[:1], steps[1:]
        most = max(1, self._together.pixels // (first.pixels.shape[0] * first.pixels.shape[1]))
        like = [step for step in steps if step.photo is not None and _look_alike(step.photo, first)][:most]
        return like, [step for step in steps if step not in like]

    def _process_together(self, steps: list[_Step]) -> None:
        photos = [step.photo for step in steps if step.photo is not None]
        if self._together is not None and len(photos) > 1 and not self._stop.is_set():
            started = time.perf_counter()
            try:
                products = self._together.process(photos)
            except Exception:  # noqa: BLE001 - one by one it comes out which of them fails, if any
                pass
            else:
                for step, product in zip(steps, products, strict=True):
                    step.take(product)
                    step.seconds += (time.perf_counter() - started) / len(steps)
                return
        del photos
        for step in steps:
            step.attempt(self._process_one)

    def _write_all(self) -> None:
        for step in self._to_write:
            step.attempt(self._write_one)
            self._budget.release(step.held_bytes)
            self._results.add(step.number, step.result())
            del step

    def _read_one(self, step: _Step) -> None:
        self._leave_out_if_made(step.job)
        photo = self._read(step.job.source)
        height, width = photo.pixels.shape[:2]
        step.photo, step.size, step.notices = photo, (width, height), photo.notices
        step.held_bytes = photo.pixels.nbytes + (0 if photo.alpha is None else photo.alpha.nbytes)

    def _process_one(self, step: _Step) -> None:
        assert step.photo is not None
        step.take(self._process(step.photo))

    def _write_one(self, step: _Step) -> None:
        assert step.product is not None
        self._leave_out_if_made(step.job)
        # Extras first: where the photo itself exists, its job is complete.
        if step.product.write_extras is not None:
            step.product.write_extras(step.job)
        try:
            step.notices += tuple(self._write(step.product.photo, step.job.target))
        except OutputExistsError:
            self._leave_out_if_made(step.job)
            raise
        step.product = None

    def _leave_out_if_made(self, job: Job) -> None:
        if self._skip_existing and os.path.lexists(job.target):
            raise _MadeMeanwhileError("the output exists: another run made it meanwhile")

    def _in_thread(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            self._broken = error
            self._stop.set()


def _look_alike(first: "Photo", second: "Photo") -> bool:
    return first.pixels.shape == second.pixels.shape and first.pixels.dtype == second.pixels.dtype
