from typing import Literal

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

def vq(obs: F64, code_book: F64, check_finite: bool = ...) -> tuple[npt.NDArray[np.int32], F64]: ...
def kmeans2(
    data: F64,
    k: F64 | int,
    iter: int = ...,
    thresh: float = ...,
    minit: Literal["random", "points", "++", "matrix"] = ...,
    missing: Literal["warn", "raise"] = ...,
    check_finite: bool = ...,
    *,
    rng: np.random.Generator | int | None = ...,
    seed: np.random.Generator | int | None = ...,
) -> tuple[F64, npt.NDArray[np.int32]]: ...
