"""Arrays that begin on a line of memory."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.arrays import LINE, zeros


@pytest.mark.parametrize(("shape", "dtype"), [(3, np.int32), ((5, 7), np.float32), ((2, 3, 4), np.int64), (0, np.uint16)])
def test_they_are_as_numpys_and_begin_on_a_line(shape: int | tuple[int, ...], dtype: type[np.generic]) -> None:
    made, plain = zeros(shape, dtype), np.zeros(shape, dtype)
    assert (made.shape, made.dtype) == (plain.shape, plain.dtype)
    assert not made.any() and made.flags.writeable and made.flags.aligned and made.flags.c_contiguous
    assert made.ctypes.data % LINE == 0 or made.size == 0
