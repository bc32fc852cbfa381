"""Compiling functions by numba for CPUs; imported only where numba is installed."""

from collections.abc import Callable

import numba

OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz", "arcp"}}


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile at the first call and keep the code on disk, beside the module or in the user's cache."""
    try:
        return numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # no place to keep it: compiled anew in every process
        return numba.njit(**OPTIONS)(function)
