"""cliphaze: remove haze from photographs with the CLIPHaze network."""

import _signal  # type: ignore[import-not-found]  # what `signal` is made of, without the time to import that
import os
import sys

# As the command, not as a library: until `main` takes over, Ctrl-C ends the process without a traceback.
if (
    os.path.basename(sys.argv[0] if getattr(sys, "argv", None) else "") in ("cliphaze", "-m")  # noqa: PTH119
    and _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler
):
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

from typing import TYPE_CHECKING, Any

from cliphaze_cli.system.versions import __version__

if TYPE_CHECKING:
    from cliphaze_cli.dehazer import Dehazed, Dehazer

__all__ = ["Dehazed", "Dehazer", "__version__"]

# Threads that wait for each other shall sleep, not spin: on a busy machine spinning made a batch ten times slower.
# OpenMP reads this when torch is imported; where that has happened already, nothing changes.
if "torch" not in sys.modules:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    # Lazy: importing the package must not import torch, or `cliphaze --help` takes seconds.
    if name in ("Dehazed", "Dehazer"):
        from cliphaze_cli import dehazer

        return getattr(dehazer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
