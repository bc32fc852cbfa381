"""What a decoder sends is checked: it may be in a hostile file's hands."""

import io
import json
import struct
from typing import Any

import numpy as np
import pytest

from cliphaze_cli.errors import ImageError
from cliphaze_cli.imaging.photo_stream import receive, send_error, send_photo
from tests.imaging.samples import noise, photo

HEAD: dict[str, Any] = {
    "shape": [4, 5],
    "samples": "uint8",
    "alpha": False,
    "grey": False,
    "bands": 0,
    "blocks": [0, 0, 0, 0, 0],
    "format": "PNG",
    "notices": [],
    "dpi": None,
    "half_chroma": False,
}


def message(head: object, body: bytes = bytes(60)) -> io.BytesIO:
    packed = json.dumps(head).encode()
    return io.BytesIO(struct.pack(">I", len(packed)) + packed + body)


def test_the_head_used_here_is_a_valid_one() -> None:
    assert receive(message(HEAD), max_pixels=20).pixels.shape == (4, 5, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [4, 6]},
        {"shape": [0, 5]},
        {"shape": [-4, -5]},
        {"shape": [4]},
        {"shape": None},
        {"shape": [1e400, 5]},
        {"samples": "object"},
        {"samples": "float64"},
        {"blocks": [2**40, 0, 0, 0, 0]},
        {"blocks": [-1, 0, 0, 0, 0]},
        {"bands": -1},
        {"bands": 2**30},
        {"blocks": []},
        {"format": "EXE"},
        {"format": []},
        {"dpi": "far"},
        {"notices": 3},
    ],
)
def test_impossible_photos_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        receive(message(HEAD | change), max_pixels=20)


@pytest.mark.parametrize("head", [[], "text", 3, None, {}])
def test_impossible_heads_are_refused(head: object) -> None:
    with pytest.raises(ValueError):
        receive(message(head), max_pixels=20)


def test_a_huge_head_is_not_waited_for() -> None:
    with pytest.raises(ValueError, match="impossible head"):
        receive(io.BytesIO(struct.pack(">I", 2**31) + bytes(100)), max_pixels=20)


def test_a_message_that_ends_early_is_an_end() -> None:
    stream = io.BytesIO()
    send_photo(stream, photo(noise(9, 7, 3, dtype=np.uint16), exif=b"Exif", icc=b"profile"))
    whole = stream.getvalue()
    for length in range(0, len(whole), 13):
        with pytest.raises(EOFError):
            receive(io.BytesIO(whole[:length]), max_pixels=100)


@pytest.mark.parametrize("alpha", [noise(9, 8), noise(9, 7, 1), noise(9, 7, dtype=np.uint16)])
def test_what_is_no_photo_is_not_sent(alpha: np.ndarray) -> None:
    stream = io.BytesIO()
    for broken in (photo(noise(9, 7, 1)), photo(noise(9, 7)), photo(noise(9, 7, 3), alpha)):
        with pytest.raises(ValueError, match="a photo of"):
            send_photo(stream, broken)
    assert stream.getvalue() == b""


def test_errors_travel_as_text() -> None:
    stream = io.BytesIO()
    send_error(stream, "cannot read \udcff.jpg: ü")
    stream.seek(0)
    with pytest.raises(ImageError, match=r"^cannot read .\.jpg: ü$"):
        receive(stream, max_pixels=1)
