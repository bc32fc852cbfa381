"""The selective scan of one sequence, compiled by numba for CPUs; imported only where numba is installed.

A sequence is walked once, a block of positions and a few neighbouring channels at a time, so that step sizes and decays
live in the first-level cache and only the inputs and y touch memory. numba knows no vectorised exp and log: those here
are polynomials, exact to float32 rounding.

Glossary: L positions, D channels, N state size, R rank; all float32 and contiguous, channels last.
"""

import math
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from cliphaze_cli.system.numba_compile import OPTIONS, compiled

CHANNELS = 32  # handled together; fewer leave vector registers idle
POSITIONS = 64  # of a block
LOG2_E = np.float32(math.log2(math.e))
SMALLEST = np.float32(-126)  # exponent below which a float32 has no full precision; the decay is zero for our purposes
# 2^f = sum c_i f^i on [-0.5, 0.5], the Taylor series of exp(f ln 2); its remainder is 1e-9
_C1, _C2, _C3, _C4, _C5, _C6, _C7 = (np.float32(math.log(2) ** i / math.factorial(i)) for i in range(1, 8))
# log1p(z) = 2 atanh(s) = 2 (s + s^3/3 + s^5/5 ...), s = z / (2 + z) <= 1/3; the remainder is 2e-8 of it
_S3, _S5, _S7, _S9, _S11, _S13, _S15 = (np.float32(1 / i) for i in range(3, 16, 2))
ONE, TWO, ZERO, HALF = np.float32(1), np.float32(2), np.float32(0), np.float32(0.5)


@intrinsic
def _float_of_bits(typing_context: Any, bits: Any) -> Any:
    """The float32 whose bits are those of an int32."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), code


@numba.njit(inline="always", **OPTIONS)
def _exp2(x):  # type: ignore[no-untyped-def]
    """2^x of a float32 x <= 126; zero below the smallest exponent."""
    clipped = max(x, SMALLEST)
    whole = math.floor(clipped + HALF)
    f = clipped - whole
    power = ONE + f * (_C1 + f * (_C2 + f * (_C3 + f * (_C4 + f * (_C5 + f * (_C6 + f * _C7))))))
    scaled = power * _float_of_bits(np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)))
    return scaled if x >= SMALLEST else ZERO


@numba.njit(inline="always", **OPTIONS)
def _softplus(x):  # type: ignore[no-untyped-def]
    """log(1 + exp(x)) of a float32."""
    z = _exp2(-abs(x) * LOG2_E)
    s = z / (TWO + z)
    q = s * s
    series = ONE + q * (_S3 + q * (_S5 + q * (_S7 + q * (_S9 + q * (_S11 + q * (_S13 + q * _S15))))))
    return max(x, ZERO) + TWO * s * series


@compiled
def scan_channels(  # type: ignore[no-untyped-def]  # noqa: PLR0912 - loops of one kernel
    u,
    steps,
    weight,
    bias,
    softplus,
    log2_decay,
    B,
    C,
    D,
    y,
    first,
    count,
    reverse,
):
    """Write the scan of channels first .. first + count to y.

    u, y: (L, D). steps: (L, R), contracted with weight (R, D), or delta itself (L, D) where R = 0 in weight.
    bias, D: (D,). log2_decay: A / ln 2, (N, D). B, C: (L, N).
    """
    # The loops over channels become vector instructions because rows are taken as views before them, so that no index
    # may be negative, and because their trip count is not known to the compiler, which would unroll them instead.
    length, states, rank = u.shape[0], log2_decay.shape[0], weight.shape[0]
    h = np.zeros((states, count), np.float32)
    inputs = np.empty((POSITIONS, count), np.float32)
    delta = np.empty((POSITIONS, count), np.float32)
    decay = np.empty((POSITIONS, count), np.float32)
    total = np.empty((POSITIONS, count), np.float32)
    own_weight, own_rate = weight[:, first : first + count].copy(), log2_decay[:, first : first + count].copy()
    own_bias, own_skip = bias[first : first + count].copy(), D[first : first + count].copy()
    blocks = (length + POSITIONS - 1) // POSITIONS
    for i in range(blocks):
        start = (blocks - 1 - i if reverse else i) * POSITIONS
        positions = min(POSITIONS, length - start)
        for p in range(positions):
            row, x, d, out = u[start + p, first : first + count], inputs[p], delta[p], total[p]
            for c in range(count):
                x[c] = row[c]
            for c in range(count):
                d[c] = own_bias[c]
                out[c] = own_skip[c] * x[c]
            if rank == 0:
                given = steps[start + p, first : first + count]
                for c in range(count):
                    d[c] += given[c]
            for r in range(rank):
                factor, w = steps[start + p, r], own_weight[r]
                for c in range(count):
                    d[c] += factor * w[c]
        if softplus:
            for p in range(positions):
                d = delta[p]
                for c in range(count):
                    d[c] = _softplus(d[c])
        for p in range(positions):
            x, d = inputs[p], delta[p]
            for c in range(count):
                x[c] *= d[c]
        for s in range(states):
            rate, state = own_rate[s], h[s]
            for p in range(positions):
                d, a = delta[p], decay[p]
                for c in range(count):
                    a[c] = _exp2(d[c] * rate[c])
            for k in range(positions):
                p = positions - 1 - k if reverse else k
                a, x, out = decay[p], inputs[p], total[p]
                b, read = B[start + p, s], C[start + p, s]
                for c in range(count):
                    entered = a[c] * state[c] + x[c] * b
                    state[c] = entered
                    out[c] += read * entered
        for p in range(positions):
            row, out = y[start + p, first : first + count], total[p]
            for c in range(count):
                row[c] = out[c]
