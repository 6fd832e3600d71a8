"""Hints to the processor to fetch memory that will be needed soon, for kernels that wait for scattered rows.

Rows of 10,000 users and tracks do not fit into a core's own caches, and a read that misses them costs as much as a
hundred additions. A hint changes no value and may name any place: asking for the wrong one costs a nanosecond.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from online_models.arrays import LINE
from online_models.kernel import kernel

_NEAR = 3
"""Keep it in all caches."""


@intrinsic
def _prefetch(typingctx: Any, array: Any, byte: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        data = builder.bitcast(context.make_array(signature.args[0])(context, builder, args[0]).data, pointer)
        i32 = ir.IntType(32)
        fetch = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [pointer, i32, i32, i32]), "llvm.prefetch.p0")
        builder.call(fetch, [builder.gep(data, [args[1]]), i32(0), i32(_NEAR), i32(1)])
        return context.get_dummy_value()

    return types.none(array, types.int64), codegen


@kernel
def fetch(array: Any, byte: int, n: int) -> None:
    """Ask for bytes `byte` to `byte + n` of the contiguous `array`."""
    for at in range(byte, byte + n, LINE):
        _prefetch(array, at)
