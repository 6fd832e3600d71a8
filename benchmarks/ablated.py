"""One variant of the ranker over a log, in a process of its own: `python -m benchmarks.ablated FILE PRESET VARIANT OUT [CACHE]`.

`OUT` becomes an npz file: `place` (plays,) and `seconds` (chunks,) as `micro_rank.run` says them. `CACHE` is the folder where compiled
kernels go instead of the usual one: a variant that replaces a kernel must neither find the real ones nor leave its own among them.
"""

from __future__ import annotations

import sys

import numpy as np
from numba import config

from online_models import kernel

assert kernel.CACHE.is_dir(), "importing it chooses the usual folder: the other one is chosen after that"


def replay(file: str, preset_name: str, name: str, out: str) -> None:
    """Replay the log and write what came of it."""
    # Kernels note their cache's folder when they are defined: nothing that defines one may be imported before `use`.
    from benchmarks.ablation_variants import VARIANTS, replace, set_up
    from benchmarks.micro_rank import CHUNK, read_log, run
    from online_models.presets import PRESETS

    log, variant = read_log(file), VARIANTS[name]
    replace(variant)
    for n_plays in (min(2 * CHUNK, len(log.key)), len(log.key)):  # compile, then measure
        setup = set_up(variant, PRESETS[preset_name], log.key_of)
        place, seconds = run(log, setup.preset, n_plays, setup.weights, setup.popular)
    np.savez(out, place=place, seconds=seconds)


def use(cache: str) -> None:
    """Compiled kernels are looked for and kept in `cache`."""
    config.CACHE_DIR = cache


if __name__ == "__main__":
    if len(sys.argv) > 5:
        use(sys.argv[5])
    replay(*sys.argv[1:5])
