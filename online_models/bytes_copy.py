"""memcpy between arrays of any type, for kernels that pack rows and texts: a loop over bytes costs four times as much."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from online_models.arrays import U8
from online_models.kernel import kernel

SLACK = 32
"""Bytes that `write_text` may touch beyond the end."""


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


@intrinsic
def _memcpy_32(typingctx: Any, to: Any, to_byte: Any, frm: Any, frm_byte: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        to_data = builder.bitcast(context.make_array(signature.args[0])(context, builder, args[0]).data, byte)
        frm_data = builder.bitcast(context.make_array(signature.args[2])(context, builder, args[2]).data, byte)
        n = ir.Constant(ir.IntType(64), SLACK)
        cgutils.raw_memcpy(builder, builder.gep(to_data, [args[1]]), builder.gep(frm_data, [args[3]]), n, 1)
        return context.get_dummy_value()

    return types.none(to, types.int64, frm, types.int64), codegen


@kernel
def write_text(out: U8, at: int, text: U8, start: int, end: int) -> int:
    """Copy `text[start:end]` to `out[at:]` in steps of 32 bytes, which cost a nanosecond each; returns the new end.

    Reads and writes up to `SLACK` bytes too many: both arrays must have that room, and what follows is written later.
    """
    for i in range(0, end - start, SLACK):
        _memcpy_32(out, at + i, text, start + i)
    return at + end - start


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
