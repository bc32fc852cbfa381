"""Process many images: the next is read and the last is written while one is being worked on."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, Any

from cliphaze_cli.batch.budget import POLL_SECONDS, ByteBudget
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.report import BatchReport, FileResult, Status, bytes_of, explain
from cliphaze_cli.errors import CliphazeError, OutputExistsError

if TYPE_CHECKING:
    from cliphaze_cli.imaging.photo import Photo

BYTES_IN_FLIGHT = 128 * 2**20  # decoded pixels: two photos of a 24-megapixel camera


@dataclass(frozen=True, eq=False)
class Product:
    """What processing made of a photo: what to write, and what to report about it."""

    photo: "Photo"
    write_extras: Callable[[Job], object] | None = None  # further files, written before the photo itself
    details: Mapping[str, Any] = field(default_factory=dict)


def run(
    jobs: Sequence[Job],
    process: Callable[["Photo"], Product],
    *,
    read: Callable[[Path], "Photo"],
    write: Callable[["Photo", Path], Iterable[str]],
    on_result: Callable[[FileResult], object] | None = None,
    on_interrupt: Callable[[], object] | None = None,
    skip_existing: bool = False,
    bytes_in_flight: int = BYTES_IN_FLIGHT,
) -> BatchReport:
    """Read, process and write every job; a file that fails is reported and the others go on.

    `process` runs in the calling thread, `read` in a second and `write` in a third one; `write` must replace its target
    atomically. `on_result` is called from the writing thread, once per job and in their order; an exception of it
    stops the batch and is raised here. KeyboardInterrupt also stops it: a write under way is finished, later jobs are
    dropped, and the report says interrupted; `on_interrupt` is called then, to end a read under way. Decoded images are
    held up to `bytes_in_flight` plus one image. With `skip_existing` a job is left out as skipped if its target has
    appeared by the time it is read or written: another run may be at work in the same folder.
    """
    pipeline = _Pipeline(
        jobs,
        process,
        read=read,
        write=write,
        on_result=on_result,
        on_interrupt=on_interrupt,
        skip_existing=skip_existing,
        bytes_in_flight=bytes_in_flight,
    )
    return pipeline.run()


class _MadeMeanwhileError(CliphazeError):
    """A job whose output is there by now."""


@dataclass(eq=False)
class _Step:
    """A job on its way through the pipeline; its image is dropped as soon as the next stage has its own."""

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
        jobs: Sequence[Job],
        process: Callable[["Photo"], Product],
        *,
        read: Callable[[Path], "Photo"],
        write: Callable[["Photo", Path], Iterable[str]],
        on_result: Callable[[FileResult], object] | None,
        on_interrupt: Callable[[], object] | None,
        skip_existing: bool,
        bytes_in_flight: int,
    ) -> None:
        self._jobs, self._process, self._read, self._write, self._on_result = jobs, process, read, write, on_result
        self._on_interrupt, self._skip_existing = on_interrupt, skip_existing
        self._budget = ByteBudget(bytes_in_flight)
        self._stop = threading.Event()
        self._to_process: Queue[_Step | None] = Queue(maxsize=4)  # None: no more steps
        self._to_write: Queue[_Step | None] = Queue(maxsize=2)
        self._results: list[FileResult] = []
        self._broken: Exception | None = None

    def run(self) -> BatchReport:
        reader = threading.Thread(target=self._in_thread, args=(self._read_all,), name="cliphaze-read")
        writer = threading.Thread(target=self._in_thread, args=(self._write_all,), name="cliphaze-write")
        interrupted = False
        try:
            reader.start()
            writer.start()
            while True:  # again after KeyboardInterrupt, so that no further Ctrl-C leaves a write half done
                try:
                    if not interrupted:
                        self._process_all()
                        _wait_for(writer)
                    self._stop.set()
                    if interrupted and self._on_interrupt is not None:
                        self._on_interrupt()
                    _wait_for(reader)
                    _wait_for(writer)
                    break
                except KeyboardInterrupt:
                    interrupted = True
        finally:
            self._stop.set()
        if self._broken is not None:
            raise self._broken
        return BatchReport(tuple(self._results), interrupted)

    def _read_all(self) -> None:
        for job in self._jobs:
            if not self._budget.wait_for_room(self._stop):
                return
            step = _Step(job)
            step.attempt(self._read_one)
            self._put(self._to_process, step)
        self._put(self._to_process, None)

    def _process_all(self) -> None:
        for step in self._steps(self._to_process):
            step.attempt(self._process_one)
            self._put(self._to_write, step)
        self._put(self._to_write, None)

    def _write_all(self) -> None:
        for step in self._steps(self._to_write):
            step.attempt(self._write_one)
            self._budget.release(step.held_bytes)
            result = step.result()
            self._results.append(result)
            if self._on_result is not None:
                self._on_result(result)

    def _read_one(self, step: _Step) -> None:
        self._leave_out_if_made(step.job)
        photo = self._read(step.job.source)
        height, width = photo.pixels.shape[:2]
        step.photo, step.size, step.notices = photo, (width, height), photo.notices
        step.held_bytes = photo.pixels.nbytes + (0 if photo.alpha is None else photo.alpha.nbytes)
        self._budget.take(step.held_bytes)

    def _process_one(self, step: _Step) -> None:
        assert step.photo is not None
        step.product = self._process(step.photo)
        step.details, step.photo = step.product.details, None

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

    def _steps(self, queue: "Queue[_Step | None]") -> Iterator[_Step]:
        """Yield steps until the None that ends them, or until the batch is stopped."""
        while not self._stop.is_set():
            try:
                step = queue.get(timeout=POLL_SECONDS)
            except Empty:
                continue
            if step is None:
                return
            yield step
            del step  # do not keep an image alive while waiting for the next

    def _put(self, queue: "Queue[_Step | None]", step: _Step | None) -> None:
        while not self._stop.is_set():
            try:
                queue.put(step, timeout=POLL_SECONDS)
            except Full:
                continue
            return


def _wait_for(thread: threading.Thread) -> None:
    # In short waits: on Windows a plain join() cannot be interrupted.
    while thread.is_alive():
        thread.join(POLL_SECONDS)
