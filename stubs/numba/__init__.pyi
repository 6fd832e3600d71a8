# numba ships no types. With these a kernel keeps its result's type; its arguments stay unchecked, because numba takes
# numpy's scalars wherever int and float are written, which a checker would refuse at every call.
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

_Result = TypeVar("_Result", covariant=True)
_T = TypeVar("_T")

class Kernel(Generic[_Result]):
    py_func: Callable[..., _Result]
    signatures: list[Any]
    stats: Any
    targetoptions: dict[str, Any]
    __name__: str
    __wrapped__: Callable[..., _Result]
    def __call__(self, *args: Any) -> _Result: ...
    def compile(self, signature: Any) -> Any: ...

@overload
def njit(function: Callable[..., _T], /) -> Kernel[_T]: ...
@overload
def njit(*signatures: Any, **options: Any) -> Callable[[Callable[..., _T]], Kernel[_T]]: ...

prange: type[range]
types: Any
config: Any
