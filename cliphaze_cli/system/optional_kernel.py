"""A kernel that needs a package which may be absent, broken, or fail at its first call: never a reason to fail."""

import importlib
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from cliphaze_cli.system.text import first_line

T = TypeVar("T")

_log = logging.getLogger(__name__)


class OptionalKernel:
    """A module of compiled kernels, imported at first use.

    Attributes:
        failures: what went wrong in this process, none at first; the first is the reason why the kernel isn't used.
    """

    def __init__(self, package: str, module: str, advice: str) -> None:
        self.package, self.name, self.advice = package, module, advice
        self.failures: list[str] = []
        self._module: Any = None

    @property
    def module(self) -> Any:
        """The module; only where `unavailable_because` is empty."""
        if self._module is None:
            self._module = importlib.import_module(self.name)
        return self._module

    def unavailable_because(self) -> str:
        """Why there is no kernel, or ""."""
        if not self.failures:
            try:
                _ = self.module
            except ModuleNotFoundError as error:
                absent = error.name == self.package
                self.failures.append(
                    f"{self.package} is not installed{self.advice}" if absent else self._reported(error)
                )
            except Exception as error:  # noqa: BLE001 - a package refuses its environment in many ways
                self.failures.append(self._reported(error))
        return self.failures[0] if self.failures else ""

    def or_else(self, compiled: Callable[..., T], substitute: Callable[..., T]) -> Callable[..., T]:
        """`compiled`, and `substitute` from the first time on that the kernel fails."""

        def attempt(*inputs: Any) -> T:
            try:
                return compiled(*inputs)
            except (MemoryError, torch.OutOfMemoryError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever a compiler raises, the photo is dehazed
                self.failures.append(self._reported(error))
                _log.warning("%s; PyTorch runs instead", self.failures[-1])
                return substitute(*inputs)

        return attempt

    def _reported(self, error: Exception) -> str:
        return f"{self.package} is not usable ({type(error).__name__}: {first_line(str(error))})"
