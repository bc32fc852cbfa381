"""Ending a computation from another thread: a large photo at full resolution takes many seconds."""

import threading
from typing import Any

from torch import nn

from cliphaze_cli.errors import CliphazeError
from cliphaze_cli.network.tramba import TrambaDA


class Cancellation:
    """Looks, after each block of a network, whether to go on."""

    def __init__(self, network: nn.Module) -> None:
        self._cancelled = threading.Event()
        for module in network.modules():
            if isinstance(module, TrambaDA):
                module.register_forward_hook(self._check)

    def cancel(self) -> None:
        """Let whatever is computed raise CliphazeError, now and later."""
        self._cancelled.set()

    def _check(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if self._cancelled.is_set():
            raise CliphazeError("cancelled")
