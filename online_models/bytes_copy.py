"""memcpy between arrays of any type, for kernels that pack rows and texts: a loop over bytes costs four times as much."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from online_models.arrays import U8
from online_models.kernel import kernel


@intrinsic
def _memcpy(typingctx: Any, to: Any, to_byte: Any, frm: Any, frm_byte: Any, n: Any) -> Any:
    def pointer(context: Any, builder: Any, array_type: Any, array: Any, byte: Any) -> Any:
        data = context.make_array(array_type)(context, builder, array).data
        return builder.gep(builder.bitcast(data, ir.IntType(8).as_pointer()), [byte])

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = pointer(context, builder, signature.args[0], args[0], args[1])
        source = pointer(context, builder, signature.args[2], args[2], args[3])
        cgutils.raw_memcpy(builder, target, source, args[4], 1)
        return context.get_dummy_value()

    return types.none(to, types.int64, frm, types.int64, types.int64), codegen


@kernel
def write(out: U8, at: int, frm: Any, frm_byte: int, n: int) -> int:
    """Copy `n` bytes of the contiguous array `frm`, from byte `frm_byte`, to `out[at:]`; returns `at + n`."""
    _memcpy(out, at, frm, frm_byte, n)
    return at + n


@kernel
def read(to: Any, to_byte: int, data: U8, at: int, n: int) -> int:
    """Copy `data[at:at + n]` into the contiguous array `to` from byte `to_byte`; returns `at + n`."""
    _memcpy(to, to_byte, data, at, n)
    return at + n
