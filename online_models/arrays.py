"""Names of the array types that cross function borders."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
I8 = npt.NDArray[np.int8]
I16 = npt.NDArray[np.int16]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Items = npt.NDArray[Any]
"""A structured array (see `online_models/items.py`)."""

LINE = 64
"""Bytes that come from memory with one read."""


def zeros(shape: int | tuple[int, ...], dtype: type[Any]) -> npt.NDArray[Any]:
    """As `np.zeros`, but beginning on a line of memory: rows of whole lines then lie on no more lines than they fill."""
    n = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(n + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + n].view(dtype).reshape(shape)
