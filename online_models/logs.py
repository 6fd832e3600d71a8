"""A logarithm that runs eight at a time, and sums that do."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from online_models.arrays import F32
from online_models.kernel import kernel


@intrinsic
def _bits(typingctx: Any, x: Any) -> Any:
    """The bits of a float32."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), codegen


@intrinsic
def _float(typingctx: Any, x: Any) -> Any:
    """The float32 of some bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), codegen


@kernel
def log_scaled(value: float, scale: float, norm: float) -> float:
    """`norm` x ln(1 + `scale` x `value`) for `value` >= 0, within `norm` x 0.0004: exponent, and a cubic of the mantissa."""
    x = np.float32(1.0) + np.float32(value) * np.float32(scale)
    b = _bits(x)
    exponent = np.float32((b >> np.int32(23)) - np.int32(127))
    m = _float((b & np.int32(0x7FFFFF)) | np.int32(0x3F800000))
    log2 = np.float32(-2.153620718) + m * (np.float32(3.047884161) + m * (np.float32(-1.051875031) + m * np.float32(0.1582487046)))
    return (exponent + log2) * np.float32(norm * 0.69314718)


@kernel
def total(row: F32, n: int) -> float:
    """Sum of `row[:n]`, in eight lanes: floating point does not let a compiler change the order by itself."""
    a = b = c = d = e = f = g = h = np.float32(0.0)
    whole = n - n % 8
    for i in range(0, whole, 8):
        a += row[i]
        b += row[i + 1]
        c += row[i + 2]
        d += row[i + 3]
        e += row[i + 4]
        f += row[i + 5]
        g += row[i + 6]
        h += row[i + 7]
    for i in range(whole, n):
        a += row[i]
    return ((a + b) + (c + d)) + ((e + f) + (g + h))  # type: ignore[return-value]


@kernel
def product(x: F32, y: F32, n: int) -> float:
    """Sum of `x[:n] * y[:n]`, in eight lanes; `n` is a multiple of eight."""
    a = b = c = d = e = f = g = h = np.float32(0.0)
    for i in range(0, n, 8):
        a += x[i] * y[i]
        b += x[i + 1] * y[i + 1]
        c += x[i + 2] * y[i + 2]
        d += x[i + 3] * y[i + 3]
        e += x[i + 4] * y[i + 4]
        f += x[i + 5] * y[i + 5]
        g += x[i + 6] * y[i + 6]
        h += x[i + 7] * y[i + 7]
    return ((a + b) + (c + d)) + ((e + f) + (g + h))  # type: ignore[return-value]
