import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

F64 = npt.NDArray[np.float64]

def svds(A: csr_array, k: int = ..., *, v0: F64 | None = ...) -> tuple[F64, F64, F64]: ...
