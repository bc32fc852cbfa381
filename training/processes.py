"""Several processes, one a core, that share the batches of every step.

A small network's step is many small operations, which a second thread hardly speeds up; a second process does.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.multiprocessing import start_processes


def share(work: Callable[[int], None], count: int) -> None:
    """Call `work(rank)` in `count` processes forked from this one, which share its memory; in this one where it is one.

    Raises:
        torch.multiprocessing.ProcessException: one of them failed; the others are stopped.
    """
    if count == 1:
        return work(0)
    with tempfile.TemporaryDirectory() as folder:
        start_processes(_join, (work, count, Path(folder) / "meeting"), nprocs=count, start_method="fork")


def _join(rank: int, work: Callable[[int], None], count: int, meeting: Path) -> None:
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)
    try:
        work(rank)
    finally:
        dist.destroy_process_group()


def average_gradients(network: nn.Module) -> None:
    """Give every process the mean of their gradients; nothing where there is one process."""
    if not dist.is_initialized():
        return
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(together)
    together /= dist.get_world_size()
    for gradient, mean in zip(gradients, together.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
