"""The real command as a process, for tests that may hurt it."""

import os
import subprocess
import sys
from pathlib import Path

# A shell may have started the tests with SIGINT ignored, and children inherit that.
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from cliphaze_cli.cli.app import main; main()"
)


def start(*arguments: str | Path, cwd: Path) -> "subprocess.Popen[str]":
    """Start `cliphaze ARGUMENTS` in the folder `cwd`, with this process's packages."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
