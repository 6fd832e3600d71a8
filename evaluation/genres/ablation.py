"""What each group of features adds: the ensemble without it, over one order; and what each feature tells by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, get_args

from evaluation.genres.chances import measures
from evaluation.genres.contest import ENSEMBLE, Order, Steps, Track, ensemble_run, orders
from online_models.genres.features import GROUPS
from online_models.genres.inputs import EVERYTHING, Inputs, Sight
from online_models.genres.selection import Selection
from online_models.genres.tokens import KINDS, Kind

NAMES: Final[dict[str, tuple[Kind, ...]]] = {
    "artists": ("artist", "artist_word"),
    "albums": ("album", "album_word"),
    "titles": ("title", "title_word"),
    "all names": get_args(Kind),
}
NOTHING: Final = "(nothing)"


def sights() -> dict[str, Sight]:
    """What is left out -> what is left to see."""
    without_group: dict[str, Sight] = {group: Sight(tuple(it for it in GROUPS if it != group), KINDS) for group in GROUPS}
    without_names = {name: Sight(GROUPS, tuple(kind for kind in KINDS if kind not in kinds)) for name, kinds in NAMES.items()}
    return {NOTHING: EVERYTHING, **without_group, **without_names}


def ablate(tracks: Sequence[Track], seed: int, steps: Steps) -> list[dict[str, Any]]:
    """Accuracy and log-loss of the ensemble without each group, on the second half of one order."""
    genres, (order,) = sorted({track.genre for track in tracks}), orders(tracks, [seed])
    found: dict[str, dict[str, float]] = {}
    for name, sight in sights().items():
        with steps(f"without {name}", len(tracks)) as show:
            run = ensemble_run(sight, tracks, genres, order, show)[ENSEMBLE]
        found[name] = measures(run.chances, order.truth[order.reported])
    whole = found[NOTHING]["accuracy"]
    return [
        {"without": name, "lost": round(whole - row["accuracy"], 5), **{measure: round(value, 5) for measure, value in row.items()}}
        for name, row in found.items()
    ]


def select(tracks: Sequence[Track], seed: int) -> dict[str, Any]:
    """What each feature tells of the genre, over the whole of one order; a name's evidence is what was counted before its track."""
    (order,) = orders(tracks, [seed])
    inputs, n_genres = Inputs(EVERYTHING), len({track.genre for track in tracks})
    selection = Selection(inputs)
    for track, genre in _lessons(order):
        seen = inputs.look_at(tracks[track].values)
        selection.learn_one(inputs.transform_one(seen, n_genres), genre, n_genres)
        inputs.learn_one(seen, genre)
    return selection.report()


def _lessons(order: Order) -> list[tuple[int, int]]:
    return list(zip(order.tracks.tolist(), order.truth.tolist(), strict=True))
