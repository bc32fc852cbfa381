"""A file system in this process's memory, which stands for a remote one."""

from typing import Any

import fsspec
import numpy as np

from cliphaze_cli.places.remote import Remote


def memory() -> Any:
    return fsspec.filesystem("memory")


def clear() -> None:
    memory().store.clear()
    memory().pseudo_dirs[:] = [""]


def place(path: str) -> Remote:
    return Remote("memory", path)


def write(path: str, content: bytes = b"x") -> Remote:
    memory().pipe_file(f"/{path}", content)
    return place(path)


def names() -> list[str]:
    return sorted(path.removeprefix("/") for path in memory().store)


def png(pixels: Any = None) -> bytes:
    import cv2

    ok, data = cv2.imencode(".png", np.full((8, 10, 3), 60, np.uint8) if pixels is None else pixels)
    assert ok
    return data.tobytes()
