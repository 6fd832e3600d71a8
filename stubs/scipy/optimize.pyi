from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

def minimize(fun: Callable[[npt.NDArray[np.float64]], float], x0: npt.NDArray[np.float64], *, method: str = ...) -> Any: ...
