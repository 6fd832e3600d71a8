"""The one way to compile a kernel: cached on disk, strict floating point.

numba's cache looks at the file of the kernel alone: a kernel that calls into another file would go on with the
old callee after that file changed. So the cache lies in a folder named by a digest of all files with kernels, and
of those whose constants are compiled into them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from numba import config, njit

F = TypeVar("F", bound=Callable[..., Any])

_ROOT: Final = Path(__file__).resolve().parent
_SOURCES: Final = (_ROOT, _ROOT / "counts", _ROOT / "genres", _ROOT / "sources", _ROOT.parent / "streams")

_CONSTANTS: Final = ("items.py", "kernel.py", "signals.py")
"""Files without kernels whose constants kernels use, and this one, which says how they are compiled."""


def _cache_folder() -> Path:
    """Beside the sources where that may be written, else in the user's cache; never where others can write."""
    texts = {path: path.read_bytes() for folder in _SOURCES for path in sorted(folder.glob("*.py"))}
    compiled = [text for path, text in texts.items() if b"\n@kernel\n" in text or path.name in _CONSTANTS]
    name = f"kernels-{sha256(b''.join(compiled)).hexdigest()[:16]}"
    for home in (_ROOT / "__pycache__", Path.home() / ".cache" / "segue"):
        try:
            (home / name).mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        return home / name
    return Path(tempfile.mkdtemp(prefix="segue-kernels-"))


CACHE: Final = _cache_folder()
"""Empty until the first kernel is compiled for these sources."""

config.CACHE_DIR = str(CACHE)


def kernel(function: F) -> F:
    """Compile `function`. A kernel allocates nothing: arrays, also scratch ones, are arguments.

    So numba's counting of references is off (`_nrt`, private, hence numba is pinned). With it, each row view and each
    call with a tuple of arrays costs atomic operations: `history.has_played` took 138 ns, and takes 4 without.
    Division by zero is what IEEE 754 says and not an exception: a check at every division keeps loops from running eight at
    a time. Never with `fastmath`: it drops the checks for numbers that are not finite.
    """
    return cast(F, njit(cache=True, _nrt=False, forceinline=True, error_model="numpy")(function))
