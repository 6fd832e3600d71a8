import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

def orthogonal_procrustes(A: F64, B: F64, check_finite: bool = ...) -> tuple[F64, float]: ...
