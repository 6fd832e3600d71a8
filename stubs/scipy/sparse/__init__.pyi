import numpy as np
import numpy.typing as npt

class csr_array:
    shape: tuple[int, int]
    def __init__(
        self,
        arg1: tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]],
        *,
        shape: tuple[int, int],
    ) -> None: ...
