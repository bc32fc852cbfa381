"""Files cut off or altered at many places: refused, or read as the whole file is; and the reader survives all."""

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from pebble import ProcessPool

from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.system.errors import ImageError
from tests.corpus.case import Case, base, saved
from tests.corpus.valid import valid_cases
from tests.fuzz.mutation import checksum, fuzzed

LARGEST = 20_000  # bytes of files that are cut at many places
CASES = [case for case in valid_cases() if len(case.data) <= LARGEST]


Reader = Callable[[Path], Photo]


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """`read` in a process of its own: should one crash or hang, its test fails, and the others go on."""
    with ProcessPool(1, context=get_context("spawn")) as pool:
        yield lambda path: pool.schedule(read, (path,), {"max_pixels": 10**6}, timeout=60).result()


def cuts(size: int, count: int) -> list[int]:
    """Lengths to cut a file to: in its headers, spread over it, and just before its end."""
    spread = np.linspace(64, size - 1, count).astype(int).tolist()
    return sorted({cut for cut in (*range(3, 64, 180 // count), *spread, size - 1, size - 2) if 0 < cut < size})


def same(first: Photo, second: Photo) -> bool:
    alike = np.array_equal(first.pixels, second.pixels) and (first.alpha is None) == (second.alpha is None)
    return alike and (first.alpha is None or np.array_equal(first.alpha, second.alpha))  # type: ignore[arg-type]


def assert_cut_off_files_are_refused_or_whole(folder: Path, reader: Reader, case: Case, count: int) -> None:
    path = folder / case.name
    path.write_bytes(case.data)
    whole = reader(path)
    for cut in cuts(len(case.data), count):
        path.write_bytes(case.data[:cut])
        try:
            photo = reader(path)
        except ImageError:
            pass
        else:
            assert same(photo, whole), f"{case.name} cut to {cut} bytes"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cut_off_files(tmp_path: Path, reader: Reader, case: Case) -> None:
    """A photo must never come back grey, black or green from where its file ends."""
    assert_cut_off_files_are_refused_or_whole(tmp_path, reader, case, count=6)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cut_off_files_at_very_many_places(tmp_path: Path, reader: Reader, case: Case) -> None:
    assert_cut_off_files_are_refused_or_whole(tmp_path, reader, case, count=180)


def test_altered_files(tmp_path: Path, reader: Reader) -> None:
    for index in range(300):
        name, data = fuzzed(1, index)
        (tmp_path / name).write_bytes(data)
        try:
            photo = reader(tmp_path / name)
        except ImageError as error:
            message = str(error)
            assert message.startswith("cannot read ")
            assert "\n" not in message
        else:
            assert photo.pixels.shape[2] == 3


def test_the_same_number_gives_the_same_damage() -> None:
    assert checksum(5, 50) == checksum(5, 50) != checksum(6, 50)


def test_a_file_that_shrinks_while_it_is_read_does_no_harm(tmp_path: Path, reader: Reader) -> None:
    from PIL import Image

    path = tmp_path / "in.tif"
    data = saved(Image.fromarray(base(700, 900)), "TIFF")
    path.write_bytes(data)
    whole = reader(path)
    stop = threading.Event()

    def shrink() -> None:
        while not stop.is_set():
            os.truncate(path, len(data) // 3)
            path.write_bytes(data)

    thread = threading.Thread(target=shrink)
    thread.start()
    try:
        for _ in range(60):
            with contextlib.suppress(ImageError):
                assert same(reader(path), whole)
    finally:
        stop.set()
        thread.join()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
def test_a_file_that_may_not_be_read_is_told() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.png"
        write(Photo(base(), None, False, None, None, "PNG"), path)
        path.chmod(0)
        Path(folder).chmod(0o755)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65_534)  # root may read everything
        try:
            with pytest.raises(ImageError, match="no permission to read it"):
                read(path)
        finally:
            os.seteuid(user)
