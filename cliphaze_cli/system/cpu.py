"""What this machine has to compute with, as far as that is known without the seconds that importing PyTorch takes."""

import ctypes.util
import os
import platform
import sys
from pathlib import Path

_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA's, AMD's, and either of them below Windows (WSL)


def computes_on_cpu(device: str) -> bool:
    """Whether `device`, as people give it, comes to the CPU. PyTorch is asked only where there may be a GPU."""
    if device != "auto":
        return device == "cpu"
    if not _may_have_gpu():
        return True
    from cliphaze_cli.system.devices import resolve_device

    return resolve_device(device).type == "cpu"


def usable_cores() -> int:
    """How many cores this process may use; OMP_NUM_THREADS limits them, as it does for PyTorch."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> int | None:
    """Memory that is free or can be freed; where the system does not tell, all of it, or None."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return None
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _may_have_gpu() -> bool:
    from importlib import metadata  # a twentieth of what --help takes

    try:
        if metadata.version("torch").endswith("+cpu"):
            return False
    except metadata.PackageNotFoundError:
        pass
    if sys.platform == "linux":
        return any(Path(driver).exists() for driver in _DRIVERS)
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return ctypes.util.find_library("nvcuda") is not None
