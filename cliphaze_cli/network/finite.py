"""Noticing activations that are not finite, wherever in the network they arise.

The maps alone do not tell: an infinite optical depth is clamped like a large one, and a gate turns infinity into one.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from cliphaze_cli.network.tramba import TrambaStage


class ActivationWatch:
    """Watches what the convolutions that open and end a network, and its stages, put out; of each thread on its own."""

    def __init__(self, network: nn.Module) -> None:
        self._calls = threading.local()
        for name, module in network.named_modules():
            if isinstance(module, TrambaStage) or name.rpartition(".")[2] in ("stem", "head"):
                module.register_forward_hook(self._note)

    def __getstate__(self) -> dict[str, Any]:
        return {}  # what threads are computing stays with this process

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._calls = threading.local()

    @contextmanager
    def watching(self) -> Iterator[Callable[[], bool]]:
        """Yield what tells whether everything that this thread computed within the block was finite."""
        checks: list[Tensor] = []
        self._calls.checks = checks
        try:
            yield lambda: all(bool(check) for check in checks)
        finally:
            self._calls.checks = None

    def _note(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        checks = getattr(self._calls, "checks", None)
        if checks is not None:
            checks.append(output.isfinite().all())  # on a GPU it is waited for only at the end
