"""Python processes that this one starts, and talks to through their standard streams."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import BinaryIO

from cliphaze_cli.pipes import enlarge_pipe

# The path of this process before any import, or the child would import what lies in the current folder, which may be
# one of somebody's photos. The program finds its own arguments where it would without.
_SAME_PATH = """\
import sys
last = 2 + int(sys.argv[1])
sys.path[:] = sys.argv[2:last]
del sys.argv[1:last]
"""


def start(program: str, *arguments: str, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start a process that runs the source text `program`, with pipes to its standard input and from its output.

    environment: variables besides this process's own. Raises OSError where the system refuses.
    """
    return subprocess.Popen(
        [sys.executable, "-c", _SAME_PATH + program, str(len(sys.path)), *sys.path, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        # Ctrl-C goes to all processes of a terminal; this one is ended by the one that asks.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def standard_output_alone() -> BinaryIO:
    """In a child: the stream for replies. Whatever else prints (libtiff does) prints to nowhere instead of into it."""
    replies = os.fdopen(os.dup(1), "wb")
    enlarge_pipe(replies.fileno())
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return replies


def how_it_ended(process: "subprocess.Popen[bytes]") -> str:
    """Its exit code or the name of the signal that ended it, for people."""
    code = process.returncode
    if code is None:
        return "it answers no more"
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
