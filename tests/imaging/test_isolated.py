"""Whatever a file does to its decoder, reading it ends with a photo or with one line, and the next file is read."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cliphaze_cli.errors import ImageError
from cliphaze_cli.imaging import imagefile, isolated
from cliphaze_cli.imaging.isolated import IsolatedReader
from cliphaze_cli.imaging.limits import Limits
from tests.imaging.samples import exif_block, icc_profile, noise, photo, smooth

PATIENCE = 30.0  # seconds after which a test that would hang fails instead

# Decoders with the faults of real ones, by the name of the file. PyDLL keeps the interpreter's lock, as C code does.
FAULTY = """
import ctypes, os, signal, sys
from cliphaze_cli.imaging import decoder_process, imagefile
real, decode = decoder_process.read, imagefile._decode

def greedy(stream, max_pixels, *rest):
    return bytearray(8 << 30) if "greedy" in stream.name else decode(stream, max_pixels, *rest)

imagefile._decode = greedy

def read(path, **options):
    if path.stem == "crash":
        ctypes.string_at(0)
    if path.stem == "abort":
        os.abort()
    if path.stem == "exit":
        os._exit(7)
    if path.stem == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if path.stem == "hang":
        ctypes.PyDLL(None).sleep(1000)
    if path.stem == "loud":
        os.write(1, b"A" * 100_000)
        os.write(2, b"a complaint of libtiff")
    return real(path, **options)

decoder_process.read = read
"""


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    start, end = isolated._PROGRAM.split("decoder_process.main(")
    monkeypatch.setattr(isolated, "_PROGRAM", f"{start}{FAULTY}\ndecoder_process.main({end}")


@pytest.fixture(scope="module")
def reader() -> Iterator[IsolatedReader]:
    with IsolatedReader() as reader:
        yield reader


def refusal(reader: IsolatedReader, path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        reader(path)
    message = str(caught.value)
    assert message.startswith(f"cannot read {path}: ")
    assert "\n" not in message
    return message


def test_everything_of_a_photo_arrives(tmp_path: Path, reader: IsolatedReader) -> None:
    path = tmp_path / "in.png"
    pixels, alpha = noise(31, 47, 3, dtype=np.uint16), noise(31, 47, dtype=np.uint16, seed=1)
    imagefile.write(photo(pixels, alpha, exif=exif_block(), icc=icc_profile(), dpi=(300.0, 300.0)), path)
    here, there = imagefile.read(path), reader(path)
    np.testing.assert_array_equal(there.pixels, pixels)
    np.testing.assert_array_equal(there.alpha, alpha)
    for field in ("grey", "exif", "icc", "format", "notices", "dpi", "half_chroma"):
        assert getattr(there, field) == getattr(here, field)
    assert there.exif and there.icc
    there.pixels[0] = 0  # as writable as here


def test_refusals_are_those_of_the_reader(tmp_path: Path, reader: IsolatedReader) -> None:
    assert "no such file" in refusal(reader, tmp_path / "gone.jpg")
    (tmp_path / "in.jpg").write_text("no photo")
    assert "not a JPEG" in refusal(reader, tmp_path / "in.jpg")


def test_names_of_any_bytes(tmp_path: Path, reader: IsolatedReader) -> None:
    for name in (b"\xff\xfe.png", b"two\nlines.png", b"-x.png", b" .png"):
        path = tmp_path / os.fsdecode(name)
        imagefile.write(photo(smooth()), path)
        assert reader(path).format == "PNG"


def test_the_limit_on_pixels(tmp_path: Path) -> None:
    imagefile.write(photo(smooth()), tmp_path / "in.png")
    with IsolatedReader(Limits(max_pixels=1000)) as reader:
        assert "--max-megapixels" in refusal(reader, tmp_path / "in.png")


@pytest.mark.usefixtures("faulty")
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_decoder_that_ends_costs_its_file_only(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    imagefile.write(photo(smooth()), tmp_path / "good.png")
    with IsolatedReader() as reader:
        for name, reason in {"crash": "SIGSEGV", "abort": "SIGABRT", "exit": "exit code 7", "killed": "memory"}.items():
            assert reason in refusal(reader, tmp_path / f"{name}.png")
            np.testing.assert_array_equal(reader(tmp_path / "good.png").pixels, smooth())
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("faulty")
def test_a_decoder_that_hangs_is_given_up(tmp_path: Path) -> None:
    imagefile.write(photo(smooth()), tmp_path / "good.png")
    started = time.monotonic()
    with IsolatedReader(Limits(seconds=2.0)) as reader:
        assert "longer than 2 s" in refusal(reader, tmp_path / "hang.png")
        assert reader(tmp_path / "good.png").format == "PNG"
    assert time.monotonic() - started < PATIENCE


@pytest.mark.usefixtures("faulty")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is bounded on Linux only")
def test_a_decoder_that_takes_too_much_memory_is_refused_it(tmp_path: Path) -> None:
    (tmp_path / "greedy.png").write_bytes(b"any")
    with IsolatedReader(Limits(max_pixels=10**6)) as reader:
        assert "not enough memory" in refusal(reader, tmp_path / "greedy.png")


@pytest.mark.usefixtures("faulty")
def test_what_decoders_print_is_neither_shown_nor_taken_for_a_photo(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    imagefile.write(photo(smooth()), tmp_path / "loud.png")
    with IsolatedReader() as reader:
        np.testing.assert_array_equal(reader(tmp_path / "loud.png").pixels, smooth())
    assert capfd.readouterr() == ("", "")


def test_a_decoder_that_ended_while_idle_is_replaced(tmp_path: Path) -> None:
    imagefile.write(photo(smooth()), tmp_path / "good.png")
    with IsolatedReader() as reader:
        reader(tmp_path / "good.png")
        reader._idle[0].end()
        assert reader(tmp_path / "good.png").format == "PNG"


@pytest.mark.usefixtures("faulty")
def test_closing_ends_a_read_under_way(tmp_path: Path) -> None:
    failures: list[str] = []
    reader = IsolatedReader()
    thread = threading.Thread(target=lambda: failures.append(refusal(reader, tmp_path / "hang.png")))
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not reader._busy and time.monotonic() < deadline:
        time.sleep(0.01)
    reader.close()
    thread.join(PATIENCE)
    assert failures
    assert "interrupted" in refusal(reader, tmp_path / "hang.png")


def test_threads_have_a_decoder_each(tmp_path: Path) -> None:
    for index in range(8):
        imagefile.write(photo(smooth() + np.uint8(index)), tmp_path / f"{index}.png")
    wrong: list[int] = []
    with IsolatedReader() as reader:

        def work(index: int) -> None:
            for _ in range(5):
                if (reader(tmp_path / f"{index}.png").pixels != smooth() + np.uint8(index)).any():
                    wrong.append(index)

        threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 1 <= len(reader._idle) <= 3
    assert not wrong


def test_nothing_is_imported_from_a_folder_of_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", ".")])
    monkeypatch.setenv("PYTHONPATH", "")
    for name in ("numpy", "PIL", "json", "cliphaze_cli"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'owned')!r}, 'w')")
    imagefile.write(photo(smooth()), tmp_path / "good.png")
    monkeypatch.chdir(tmp_path)
    with IsolatedReader() as reader:
        assert reader(tmp_path / "good.png").format == "PNG"
    assert not (tmp_path / "owned").exists()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="timers that end a process are POSIX")
@pytest.mark.parametrize("name", ["hang", "idle"])
def test_decoders_end_when_their_user_is_killed(tmp_path: Path, name: str) -> None:
    """Also one that hangs in C: a timer of the system ends it."""
    program = "\n".join(
        [
            "import os, sys",
            "from pathlib import Path",
            "from cliphaze_cli.imaging import isolated, limits",
            "start, end = isolated._PROGRAM.split('decoder_process.main(')",
            f"faulty = {FAULTY!r} + 'decoder_process._PATIENCE = 0.5\\n'",
            "isolated._PROGRAM = start + faulty + 'decoder_process.main(' + end",
            "reader = isolated.IsolatedReader(limits.Limits(seconds=2.0)).__enter__()",
            "print(reader._idle[0]._process.pid, flush=True)",
            "reader(Path(sys.argv[1])) if 'hang' in sys.argv[1] else input()",
        ]
    )
    user = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / f"{name}.png")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        text=True,
    )
    try:
        assert user.stdout is not None
        decoder = int(user.stdout.readline())
        time.sleep(0.7)  # into the decoding
    finally:
        user.kill()
        user.communicate()
    deadline = time.monotonic() + PATIENCE
    while _runs(decoder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(decoder)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # nobody may be there to reap it
