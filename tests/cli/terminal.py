"""A pseudo terminal that answers what programs ask it, for tests of what people see."""

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence

PATIENCE = 60.0  # seconds after which a test that would hang fails instead
ROWS, COLUMNS = 30, 80
_CELL = (10, 20)


def seen(
    arguments: Sequence[str], *, sixel: bool = False, kitty: bool = False, environment: Mapping[str, str] | None = None
) -> str:
    """What `python ARGUMENTS` writes on a terminal of its own, and asks of it; its exit code has to be 0.

    sixel, kitty: which pictures the terminal says it can show. environment: on top of ours.
    """
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, COLUMNS * _CELL[0], ROWS * _CELL[1]))
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env={
            **{name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")},
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "TERM": "xterm-256color",
            **(environment or {}),
        },
        preexec_fn=lambda: os.login_tty(slave),  # noqa: PLW1509 - it only takes the terminal
    )
    os.close(slave)
    written, deadline = b"", time.monotonic() + PATIENCE
    answered = 0
    try:
        while time.monotonic() < deadline:
            if not select.select([master], [], [], 1.0)[0]:
                continue
            try:
                written += os.read(master, 1 << 16)
            except OSError:  # the last of its ends was closed
                break
            for question in re.finditer(rb"\x1b\[c|\x1b_Gi=(\d+)[^;]*a=q[^;]*;AAAA\x1b\\", written[answered:]):
                if question[1] is None:
                    os.write(master, b"\x1b[?62;4;22c" if sixel else b"\x1b[?62;22c")
                elif kitty:
                    os.write(master, b"\x1b_Gi=" + question[1] + b";OK\x1b\\")
                answered += question.end()
                break
        assert process.wait(PATIENCE) == 0, written
    finally:
        process.kill()
        os.close(master)
    return written.decode("utf-8", "replace").replace("\r\n", "\n")
