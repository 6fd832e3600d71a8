"""Arrays to bytes, and back into arrays of the same shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from online_models.genres.members import Arrays
from online_models.model import BadSnapshot


def pack(arrays: Arrays) -> bytes:
    """All arrays one behind the other, little-endian, in the order of the mapping.

    >>> pack({"a": np.ones(2, np.int16), "b": np.zeros(1, np.int16)})
    b'\\x01\\x00\\x01\\x00\\x00\\x00'
    """
    assert all(_finite(array) for array in arrays.values()), "a lesson that is not finite was learned"
    return b"".join(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes() for array in arrays.values())


def unpack(part: bytes, arrays: Arrays) -> None:
    """Write a part into `arrays`. Raises `BadSnapshot` where it does not fit them or a number in it is not finite."""
    if len(part) != sum(array.nbytes for array in arrays.values()):
        raise BadSnapshot(f"{len(part)} bytes where {sum(array.nbytes for array in arrays.values())} are expected")
    at = 0
    for name, array in arrays.items():
        read = np.frombuffer(part, array.dtype.newbyteorder("<"), array.size, at).reshape(array.shape)
        if not _finite(read):
            raise BadSnapshot(f"{name} holds numbers that are not finite")
        array[...] = read
        at += array.nbytes


def _finite(array: npt.NDArray[Any]) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
