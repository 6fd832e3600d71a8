"""The variants of `vectors.py` over a log, in one process of their own: `python -m benchmarks.vector_replay FILE PRESET FOLDER NAME ...`.

`FOLDER/NAME.npz` become what `benchmarks/ablated.py` writes. The source `past` is replaced before anything is compiled, so kernels go into
`FOLDER/kernels`: they must neither find the usual ones nor lie among them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numba import config

from online_models import kernel

if TYPE_CHECKING:
    from benchmarks.micro_rank import Log
    from benchmarks.vector_variants import Variant
    from online_models.arrays import F64, I32
    from online_models.presets import Preset

assert kernel.CACHE.is_dir(), "importing it chooses the usual folder: the other one is chosen after that"


def run(log: Log, preset: Preset, variant: Variant, n: int) -> tuple[I32, F64]:
    """Places of the first `n` plays, and seconds of CPU for each chunk, as `micro_rank.run` says them."""
    from benchmarks.micro_rank import CHUNK, Popular, new_events, new_known
    from benchmarks.vector_kernels import KnownToo, new_space, replay
    from online_models.aims import N_AIMS
    from online_models.artists import nobody_said
    from online_models.plays import NO_FINISH, NOT_TESTED, World, new_outcomes
    from online_models.presets import new_ranker
    from online_models.rank import new_best, new_lists
    from online_models.weights import new_weights

    rows, events, popular, seconds = new_known(log, preset), new_events(log), Popular(log.key_of), []
    space = new_space(log.key_of, variant.place, variant.k, variant.dimensions, N_AIMS)
    read = rows.tracks._replace(vectors=space.near) if variant.dimensions else rows.tracks
    known = KnownToo(*rows._replace(tracks=read), space=space)
    world = World(nobody_said(read.map_keys, read.map_slots), NO_FINISH, 0.0, True)
    ranker, weights, out, best = new_ranker(preset), new_weights(), new_outcomes(n), new_best()
    lists, missing = new_lists(2), np.zeros(2, np.int64)
    for a in range(0, n, CHUNK):
        b = min(n, a + CHUNK)
        began = time.process_time()
        replay(known, rows.tracks, events, log.track, a, b, world, ranker, weights, best, lists, out, missing)
        seconds.append(time.process_time() - began)
        hashes, weight = popular.after(rows.tracks, log.track[a:b])
        known = known._replace(popular=hashes, popular_weight=weight)
    return np.where(out.in_session == 1, out.rank, NOT_TESTED), np.array(seconds)


def main(file: str, preset: str, folder: Path, names: list[str]) -> None:
    """Replay the variants, one after the other."""
    config.CACHE_DIR = str(folder / "kernels")
    # Kernels note their cache's folder when they are defined: nothing that defines one is imported before.
    from benchmarks.micro_rank import CHUNK, read_log
    from benchmarks.vector_kernels import add
    from benchmarks.vector_variants import VARIANTS
    from online_models.presets import PRESETS
    from online_models.sources import past

    past.add = add
    log = read_log(file)
    run(log, PRESETS[preset], VARIANTS[names[0]], min(2 * CHUNK, len(log.key)))  # compile
    for name in names:
        place, seconds = run(log, PRESETS[preset], VARIANTS[name], len(log.key))
        np.savez(folder / f"{name}.npz", place=place, seconds=seconds)
        print(name, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
