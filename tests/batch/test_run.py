"""A batch of fake images: order, overlap, failures, interruption. Nothing here needs the network."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cliphaze_cli.batch.crew import Crew
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.report import FileResult
from cliphaze_cli.batch.run import Product, Together, run
from cliphaze_cli.errors import ImageError, OutputExistsError
from cliphaze_cli.imaging.photo import Photo

PATIENCE = 20.0  # seconds after which a test that would hang fails instead
any_crew = pytest.mark.parametrize("crew", [Crew(), Crew(2, 3, 2), Crew(4, 1, 4)], ids=["one", "many", "suppliers"])


def jobs(count: int) -> list[Job]:
    return [Job(Path(f"in/{index}.png"), Path(f"out/{index}.png")) for index in range(count)]


def photo_of(path: Path, side: int = 4) -> Photo:
    pixels = np.full((side, side + 1, 3), int(path.stem), np.uint8)
    return Photo(pixels, alpha=None, grey=False, exif=None, icc=None, format="PNG", notices=("a notice",))


def unchanged(photo: Photo) -> Product:
    return Product(photo, details={"mean": float(photo.pixels.mean())})


def discard(photo: Photo, target: Path) -> tuple[str, ...]:
    return ()


def failing_at(name: str, error: Exception) -> Callable[..., Photo]:
    def work(path: Path) -> Photo:
        if path.stem == name:
            raise error
        return photo_of(path)

    return work


def assert_no_threads_left() -> None:
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("cliphaze-")]


@any_crew
def test_every_photo_is_written_and_reported_in_order(crew: Crew) -> None:
    written: dict[str, int] = {}
    reported: list[FileResult] = []

    def write(photo: Photo, target: Path) -> tuple[str, ...]:
        written[target.stem] = int(photo.pixels[0, 0, 0])
        return ("cut to 8 bits",)

    report = run(
        jobs(7),
        unchanged,
        read=photo_of,
        write=write,
        on_result=reported.append,
        crew=crew,
    )
    assert written == {str(index): index for index in range(7)}
    assert [result.source.stem for result in report.results] == [str(index) for index in range(7)]
    assert tuple(reported) == report.results
    assert report.count("done") == 7
    assert not report.interrupted
    last = report.results[-1]
    assert (last.size, last.notices, last.details) == ((5, 4), ("a notice", "cut to 8 bits"), {"mean": 6.0})
    assert_no_threads_left()


@any_crew
def test_no_jobs_is_an_empty_report(crew: Crew) -> None:
    assert run([], unchanged, read=photo_of, write=discard, crew=crew).results == ()


def test_photos_of_one_size_are_processed_together_up_to_a_number_of_pixels() -> None:
    all_read = threading.Event()
    groups: list[list[int]] = []
    sides = {"0": 6, "2": 8}  # the others: 4

    def read(path: Path) -> Photo:
        if path.stem == "5":
            all_read.set()
        return photo_of(path, sides.get(path.stem, 4))

    def process(photo: Photo) -> Product:
        if photo.pixels.max() == 0:
            assert all_read.wait(PATIENCE)
            time.sleep(0.1)  # until it has been sent on
        else:
            groups.append([int(photo.pixels[0, 0, 0])])
        return unchanged(photo)

    def process_together(photos: Sequence[Photo]) -> list[Product]:
        groups.append([int(photo.pixels[0, 0, 0]) for photo in photos])
        if groups[-1] == [4, 5]:
            raise MemoryError
        return [unchanged(photo) for photo in photos]

    together = Together(process_together, pixels=2 * 4 * 5 + 3)
    report = run(jobs(6), process, together=together, read=read, write=discard, crew=Crew(reading=2))
    assert report.count("done") == 6
    assert [result.details["mean"] for result in report.results] == [0, 1, 2, 3, 4, 5]
    assert sorted(groups) == [[1, 3], [2], [4], [4, 5], [5]]  # what failed together was processed one by one


def test_photos_that_end_out_of_order_are_reported_in_order() -> None:
    """The first photo is processed only once the others are written; nothing is told before."""
    others_written, written = threading.Event(), []
    reported: list[str] = []

    def process(photo: Photo) -> Product:
        if photo.pixels[0, 0, 0] == 0:
            assert others_written.wait(PATIENCE), "photos are not processed at the same time"
            assert not reported
        return unchanged(photo)

    def write(photo: Photo, target: Path) -> tuple[str, ...]:
        written.append(target.stem)
        if len(written) == 5:
            others_written.set()
        return ()

    report = run(
        jobs(6),
        process,
        read=photo_of,
        write=write,
        on_result=lambda result: reported.append(result.source.stem),
        crew=Crew(processing=2),
    )
    assert written[-1] == "0"
    assert reported == [result.source.stem for result in report.results] == list("012345")


def test_an_interruption_still_reports_what_is_written_behind_a_photo_under_way() -> None:
    """1 is written while 0 is being processed; the interruption, in this thread, ends 0."""
    second_written, cancelled = threading.Event(), threading.Event()
    main = threading.current_thread()
    here: list[int] = []

    def process(photo: Photo) -> Product:
        number = int(photo.pixels[0, 0, 0])
        if number == 1:
            return unchanged(photo)
        if threading.current_thread() is main:
            here.append(number)
            assert second_written.wait(PATIENCE)
            raise KeyboardInterrupt
        assert cancelled.wait(PATIENCE), "nobody cancels what the other threads are processing"
        raise ImageError("cancelled")

    def write(photo: Photo, target: Path) -> tuple[str, ...]:
        second_written.set()
        return ()

    report = run(jobs(9), process, read=photo_of, write=write, on_interrupt=cancelled.set, crew=Crew(2, processing=3))
    assert here
    assert report.interrupted
    assert [(result.source.stem, result.status) for result in report.results] == [("1", "done")]
    assert_no_threads_left()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImageError("broken.png is cut off:\n copy it again"), "broken.png is cut off: copy it again"),
        (MemoryError(), "not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (OSError(28, "No space left on device", "out/1.png"), "No space left on device: out/1.png"),
        (ValueError("surprise"), "ValueError: surprise"),
    ],
)
@any_crew
def test_one_bad_file_does_not_stop_the_others_wherever_it_fails(error: Exception, reason: str, crew: Crew) -> None:
    fail = failing_at("1", error)
    by_value = failing_at("1", error)
    cases: tuple[dict[str, Any], ...] = (
        {"read": fail},
        {"process": lambda photo: (by_value(Path(str(photo.pixels[0, 0, 0]))), unchanged(photo))[1]},
        {"write": lambda photo, target: fail(target).notices},
    )
    for stages in cases:
        report = run(jobs(4), **{"process": unchanged, "read": photo_of, "write": discard, "crew": crew, **stages})
        assert [result.status for result in report.results] == ["done", "failed", "done", "done"]
        assert reason in (report.results[1].reason or "")
        assert (report.results[1].traceback is not None) == isinstance(error, ValueError)


def test_extras_come_before_the_photo_so_that_a_photo_means_complete() -> None:
    written: list[str] = []

    def extras(job: Job) -> None:
        if job.target.stem == "1":
            raise ImageError("no space left")
        written.append(f"extras {job.target.stem}")

    def write(photo: Photo, target: Path) -> tuple[str, ...]:
        written.append(f"photo {target.stem}")
        return ()

    report = run(
        jobs(3),
        lambda photo: Product(photo, write_extras=extras),
        read=photo_of,
        write=write,
    )
    assert written == ["extras 0", "photo 0", "extras 2", "photo 2"]
    assert report.results[1].reason == "no space left"


def test_reading_and_writing_overlap_with_processing() -> None:
    """The first photo is processed only once the second is read, and the second only while the first is written."""
    second_read, first_writing = threading.Event(), threading.Event()

    def read(path: Path) -> Photo:
        if path.stem == "1":
            second_read.set()
        return photo_of(path)

    def process(photo: Photo) -> Product:
        awaited = second_read if photo.pixels[0, 0, 0] == 0 else first_writing
        assert awaited.wait(PATIENCE), "the stages do not overlap"
        return unchanged(photo)

    def write(photo: Photo, target: Path) -> tuple[str, ...]:
        first_writing.set()
        return ()

    assert run(jobs(2), process, read=read, write=write).count("done") == 2


@any_crew
def test_a_photo_above_the_bound_is_alone_in_memory(crew: Crew) -> None:
    alive: set[str] = set()
    most = 0

    def read(path: Path) -> Photo:
        nonlocal most
        alive.add(path.stem)
        most = max(most, len(alive))
        return photo_of(path, side=16)

    def write(photo: Photo, target: Path) -> tuple[str, ...]:
        alive.remove(target.stem)
        return ()

    assert run(jobs(5), unchanged, read=read, write=write, crew=crew, bytes_in_flight=100).count("done") == 5
    assert most == 1


@any_crew
def test_a_failed_photo_gives_its_memory_back(crew: Crew) -> None:
    def process(photo: Photo) -> Product:
        raise ValueError

    report = run(jobs(5), process, read=photo_of, write=discard, crew=crew, bytes_in_flight=1)
    assert report.count("failed") == 5


def test_an_interruption_finishes_the_write_under_way_and_drops_the_rest() -> None:
    writing, written = threading.Event(), []

    def process(photo: Photo) -> Product:
        if photo.pixels[0, 0, 0] == 1:
            assert writing.wait(PATIENCE)
            raise KeyboardInterrupt
        return unchanged(photo)

    def write(photo: Photo, target: Path) -> tuple[str, ...]:
        writing.set()
        threading.Event().wait(0.3)  # the interruption comes meanwhile
        written.append(target.stem)
        return ()

    report = run(jobs(9), process, read=photo_of, write=write)
    assert report.interrupted
    assert written == ["0"]
    assert [result.source.stem for result in report.results] == ["0"]
    assert_no_threads_left()


@any_crew
def test_an_unreadable_first_photo_does_not_hold_up_the_readers(crew: Crew) -> None:
    fail = failing_at("0", ImageError("no photo"))
    report = run(jobs(5), unchanged, read=fail, write=discard, crew=crew, bytes_in_flight=1)
    assert [result.status for result in report.results] == ["failed"] + 4 * ["done"]


def test_an_interruption_does_not_wait_for_a_reader_out_of_room() -> None:
    def process(photo: Photo) -> Product:
        raise KeyboardInterrupt

    assert run(jobs(9), process, read=photo_of, write=discard, bytes_in_flight=1).interrupted
    assert_no_threads_left()


@any_crew
def test_a_failing_listener_stops_the_batch_and_is_raised(crew: Crew) -> None:
    def listen(result: FileResult) -> None:
        raise BrokenPipeError("nobody reads")

    with pytest.raises(BrokenPipeError, match="nobody reads"):
        run(jobs(50), unchanged, read=photo_of, write=discard, on_result=listen, crew=crew)
    assert_no_threads_left()


def test_an_output_that_another_run_made_meanwhile_is_skipped_or_told(tmp_path: Path) -> None:
    """0 appears before it is read, 1 while it is processed, 2 while it is written; 3 never."""
    jobs = [Job(Path(f"{index}.png"), tmp_path / f"{index}.out") for index in range(4)]
    extras: list[str] = []

    def process(photo: Photo) -> Product:
        if photo.pixels[0, 0, 0] == 1:
            jobs[1].target.touch()
        return Product(photo, write_extras=lambda job: extras.append(job.source.stem))

    def write(photo: Photo, target: Path) -> tuple[str, ...]:
        if target == jobs[2].target:
            target.touch()
        if target.exists():
            raise OutputExistsError(f"{target} exists by now")
        return ()

    for skip_existing, status, expected_extras in ((True, "skipped", "23"), (False, "failed", "0123")):
        extras.clear()
        for job in jobs[1:3]:
            job.target.unlink(missing_ok=True)
        jobs[0].target.touch()
        report = run(jobs, process, read=photo_of, write=write, skip_existing=skip_existing)
        assert [result.status for result in report.results] == [status] * 3 + ["done"]
        assert all("exists" in (result.reason or "") for result in report.results[:3])
        assert "".join(extras) == expected_extras
