"""What is done to eight numbers at a time: sums, the largest, and a logarithm.

Strict floating point lets no compiler change the order of a sum, so an ordinary loop adds one number after the other. Here
the order is fixed by hand: eight sums side by side, added up pairwise in the end, the same on every machine. For the largest
number no order matters, but a loop that looks for it must wait for one comparison before the next.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from online_models.arrays import F32
from online_models.kernel import kernel

_LANES = 8
_VECTOR = ir.VectorType(ir.FloatType(), _LANES)
_FLOATS = types.Array(types.float32, 1, "C")
_ALIGN = 4


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


def _eight(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Load `array[at:at + 8]`."""
    data = context.make_array(kind)(context, builder, array).data
    place = builder.bitcast(builder.gep(data, [at]), _VECTOR.as_pointer())
    return builder.load(place, align=_ALIGN)


def _larger(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _folded(builder: Any, n: Any, term: Any, join: Any) -> Any:
    """`term(at)`, eight lanes each, for `at` = 0, 8, .. below `n`, joined lane by lane from 0 on, then the lanes pairwise."""
    lanes = cgutils.alloca_once_value(builder, ir.Constant(_VECTOR, [0.0] * _LANES))
    steps = builder.udiv(n, ir.Constant(n.type, _LANES))
    with cgutils.for_range(builder, steps) as loop:
        at = builder.mul(loop.index, ir.Constant(n.type, _LANES))
        builder.store(join(builder.load(lanes), term(at)), lanes)
    whole = builder.load(lanes)
    parts = [builder.extract_element(whole, ir.Constant(ir.IntType(32), i)) for i in range(_LANES)]
    while len(parts) > 1:
        parts = [join(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


@intrinsic
def _total(typingctx: Any, row: Any, n: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _folded(builder, args[1], lambda at: _eight(context, builder, _FLOATS, args[0], at), builder.fadd)

    return types.float32(_FLOATS, types.int64), codegen


@intrinsic
def _largest(typingctx: Any, row: Any, n: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _folded(builder, args[1], lambda at: _eight(context, builder, _FLOATS, args[0], at), partial(_larger, builder))

    return types.float32(_FLOATS, types.int64), codegen


@intrinsic
def _product(typingctx: Any, x: Any, y: Any, n: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def term(at: Any) -> Any:
            return builder.fmul(*(_eight(context, builder, _FLOATS, array, at) for array in args[:2]))

        return _folded(builder, args[2], term, builder.fadd)

    return types.float32(_FLOATS, _FLOATS, types.int64), codegen


@kernel
def total(row: F32, n: int) -> float:
    """Sum of `row[:n]`."""
    found = _total(row, n)
    for i in range(n - n % _LANES, n):
        found += row[i]
    return found


@kernel
def largest(row: F32, n: int) -> float:
    """The largest of `row[:n]`, all of them 0 or more; 0 where there is none."""
    found = _largest(row, n)
    for i in range(n - n % _LANES, n):
        found = max(found, row[i])
    return found


@kernel
def product(x: F32, y: F32, n: int) -> float:
    """Sum of `x[:n] * y[:n]`; `n` is a multiple of eight."""
    return _product(x, y, n)
