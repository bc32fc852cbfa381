"""The selective scan compiled by numba, on a CPU; an optional extra, and never a reason to fail: PyTorch steps in.

Threads are Python's own, each running compiled code that needs no interpreter lock. numba's parallel loops would bring
a threading layer that either stops PyTorch's threads or aborts the process when two threads dehaze at once.
"""

import functools
import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.scan import pure_torch
from cliphaze_cli.scan.directions import DIRECTIONS, is_backward
from cliphaze_cli.system.optional_kernel import OptionalKernel

KERNEL = OptionalKernel("numba", "cliphaze_cli.scan.numba_kernel", ' (pip install "cliphaze[fast]")')


def unavailable_because(device: torch.device) -> str:
    """Why the kernel cannot run on `device`; "" when it can."""
    return "needs a CPU" if device.type != "cpu" else KERNEL.unavailable_because()


def _scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    delta_softplus: bool,
) -> Tensor:
    if u.dtype == torch.float64:
        return pure_torch.scan(u, delta, A, B, C, D, delta_bias, delta_softplus)
    batch, channels, length = u.shape
    groups, group = B.shape[1], channels // B.shape[1]
    bias, skip = (u.new_zeros(channels, dtype=torch.float32) if x is None else x for x in (delta_bias, D))
    u_l, delta_l, B_l, C_l = (_array(x.transpose(-1, -2)) for x in (u, delta, B, C))  # positions before channels
    parameters = (_array(u.new_empty(0, channels, dtype=torch.float32)), _array(bias), delta_softplus, _log2_decay(A))
    y = u.new_empty(batch, length, channels, dtype=torch.float32)
    out = y.numpy()
    _run(
        (u_l[i], delta_l[i], *parameters, B_l[i, g], C_l[i, g], _array(skip), out[i], first, count, False)
        for i, g in itertools.product(range(batch), range(groups))
        for first, count in _channel_blocks(g * group, group)
    )
    return y.transpose(1, 2).to(u.dtype)


def _cross_scan(
    u: Tensor, low_rank: Tensor, delta_weight: Tensor, delta_bias: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
) -> Tensor:
    batch, channels, height, width = u.shape
    u_rows, u_columns = _array(_in_rows(u)), _array(_in_columns(u))
    y = u.new_empty(DIRECTIONS, batch, height * width, channels, dtype=torch.float32)
    out = y.numpy()
    tasks = []
    for k in range(DIRECTIONS):
        lay_out = _in_rows if k < 2 else _in_columns
        steps, B_k, C_k = (_array(lay_out(x[:, k])) for x in (low_rank, B, C))
        parameters = (_array(delta_weight[k].mT), _array(delta_bias[k]), True, _log2_decay(A[k]))
        for i, (first, count) in itertools.product(range(batch), _channel_blocks(0, channels)):
            sequence = (u_rows if k < 2 else u_columns)[i]
            tasks.append(
                (sequence, steps[i], *parameters, B_k[i], C_k[i], _array(D[k]), out[k, i], first, count, is_backward(k))
            )
    _run(iter(tasks))
    rows, columns = y[0].add_(y[1]), y[2].add_(y[3])
    return rows.unflatten(1, (height, width)).add_(columns.unflatten(1, (width, height)).transpose(1, 2)).movedim(-1, 1)


def _in_rows(x: Tensor) -> Tensor:
    """(b, C, H, W) -> (b, H*W, C)."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _in_columns(x: Tensor) -> Tensor:
    """(b, C, H, W) -> (b, W*H, C)."""
    return x.permute(0, 3, 2, 1).flatten(1, 2)


def _array(x: Tensor) -> NDArray:
    array: NDArray = x.detach().float().contiguous().numpy()
    return array


def _log2_decay(A: Tensor) -> NDArray:
    return _array(pure_torch.LOG2_E * A.float().mT)


def _channel_blocks(first: int, channels: int) -> Iterator[tuple[int, int]]:
    """(first, count) of each task's channels."""
    size = KERNEL.module.CHANNELS
    for start in range(0, channels, size):
        yield first + start, min(size, channels - start)


def _run(tasks: Iterator[tuple]) -> None:
    """Call the kernel for each task, on as many threads as PyTorch uses."""
    kernel, threads = KERNEL.module.scan_channels, torch.get_num_threads()
    if threads == 1:
        for task in tasks:
            kernel(*task)
        return
    for future in [_pool(threads).submit(kernel, *task) for task in tasks]:
        future.result()


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="scan")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked process has none of its parent's threads


scan = KERNEL.or_else(_scan, pure_torch.scan)
cross_scan = KERNEL.or_else(_cross_scan, pure_torch.cross_scan)
