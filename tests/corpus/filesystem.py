"""Odd names, and things in a folder that are named like photos and are none."""

import contextlib
import os
import socket
from pathlib import Path

NAMES = (
    b"spa ce.png",
    b" leading.png",
    b"new\nline.png",
    b"tab\t.png",
    b"-dash.png",
    b"--help.png",
    b"quo'te\".png",
    b"$(touch owned).png",
    b"%s%n.png",
    b"\x1b[31mred.png",
    b"\xff\xfe.png",
    "\u202ertl.png".encode(),
    "ü".encode() * 125 + b".png",
    b"x" * 251 + b".png",
)


def put_names(folder: Path, data: bytes) -> list[Path]:
    """Write `data` under each of NAMES that the file system takes; return the paths."""
    made = []
    for name in NAMES:
        path = folder / os.fsdecode(name)
        with contextlib.suppress(OSError):  # macOS takes valid UTF-8 only
            path.write_bytes(data)
            made.append(path)
    return made


def put_objects(folder: Path, data: bytes) -> dict[str, str | None]:
    """Make links, pipes, sockets and devices; return name -> words of the refusal, None where it is a photo."""
    (folder / "real.png").write_bytes(data)
    (folder / "link.png").symlink_to("real.png")
    (folder / "chain.png").symlink_to("link.png")
    (folder / "dangling.png").symlink_to("nowhere.png")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "zeros.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    (folder / "folder.png" / "inside.txt").touch()
    (folder / "linked-folder.png").symlink_to("folder.png")
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(folder)  # a socket's whole path may have a hundred bytes only
        try:
            server.bind("socket.png")
        finally:
            os.chdir(here)
    return {
        "real.png": None,
        "link.png": None,
        "chain.png": None,
        "dangling.png": "no such file",
        "loop.png": "symbolic links",
        "zeros.png": "not a regular file",
        "pipe.png": "not a regular file",
        "socket.png": "not a regular file",
    }
