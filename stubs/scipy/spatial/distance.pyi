import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

def cdist(XA: F64, XB: F64, metric: str = ...) -> F64: ...
