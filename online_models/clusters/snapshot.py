"""Micro-genres as plain data, and back: JSON and little-endian arrays, all parts below 8 MB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
import numpy as np
from river.preprocessing import StandardScaler

from online_models.clusters.following import Event
from online_models.clusters.frame import Frame, Variant
from online_models.clusters.marks import Marks
from online_models.clusters.micro_genres import NUMBERS, MicroGenres
from online_models.clusters.naming import Name
from online_models.clusters.sample import SAMPLE_N
from online_models.clusters.track import N_NUMBERS, Track
from online_models.model import BadSnapshot
from online_models.tree_codec import RIVER_VERSION, check_river

FORMAT: Final = 1
"""Version of the snapshot's layout; another one whenever a constant that shapes vectors changes."""
Kind = TypeVar("Kind", bound=MicroGenres)


class Meta(msgspec.Struct, frozen=True):
    """The part "meta", field for field."""

    format: int
    river: str
    variant: Variant
    n_tracks: int
    next_id: int
    review_at: int
    ids: list[int]
    names: list[Name]
    events: list[Event]


class Said(msgspec.Struct, frozen=True, array_like=True):
    """The texts of a sampled track; its numbers are in an array."""

    artists: tuple[str, ...]
    album: str
    words: tuple[str, ...]
    labels: tuple[str, ...]


def parts_of(model: MicroGenres) -> dict[str, bytes]:
    """Named parts. Same state, same bytes."""
    assert np.isfinite(model.centres).all() and np.isfinite(model.company.moments).all(), "a number that is not finite was learned"
    tracks, scaler = model.rows.tracks, model.scaler
    scales = np.array([[row[i] for i in NUMBERS] for row in (scaler.counts, scaler.means, scaler.vars)])
    meta = Meta(FORMAT, RIVER_VERSION, model.variant, model.n_tracks, model.next_id, model.review_at, model.ids, model.names, model.events)
    return {
        "meta": msgspec.json.encode(meta),
        "scales": scales.astype("<f8").tobytes(),
        "frame": model.frame.to_bytes(),
        "centres": model.centres.astype("<f8").tobytes(),
        "texts": msgspec.json.encode([Said(*track[1:]) for track in tracks]),
        "since": model.rows.since[: len(tracks)].astype("<i8").tobytes(),
        "numbers": model.rows.marks.numbers[: len(tracks)].astype("<f8").tobytes(),
        **model.company.parts(),
    }


def model_of(kind: type[Kind], parts: Mapping[str, bytes]) -> Kind:
    """The model that made `parts`.

    Raises `BadSnapshot` for another format or River, and for torn parts.
    """
    check_river()
    try:
        meta = msgspec.json.decode(parts["meta"], type=Meta)
        if meta.format != FORMAT or meta.river != RIVER_VERSION:
            raise BadSnapshot(f"format {meta.format} of River {meta.river}; this build goes on from {FORMAT} of {RIVER_VERSION}")
        model = kind(meta.variant)
        _take(model, meta, parts)
    except BadSnapshot:
        raise
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
        raise BadSnapshot(f"parts do not fit together: {error!r}") from error
    return model


def _take(model: MicroGenres, meta: Meta, parts: Mapping[str, bytes]) -> None:
    scales = np.frombuffer(parts["scales"], "<f8").reshape(3, N_NUMBERS)
    counts, means, variances = (dict(zip(NUMBERS, row, strict=True)) for row in scales.tolist())
    model.scaler = StandardScaler._from_state({i: int(n) for i, n in counts.items()}, means, variances)
    model.frame = Frame.from_bytes(parts["frame"])
    model.company.take(parts)
    _take_rows(model, parts)
    centres = np.frombuffer(parts["centres"], "<f8")
    model.centres = centres.reshape(len(meta.ids), -1).copy() if meta.ids else np.zeros((0, 0))
    model.ids, model.names, model.events = list(meta.ids), list(meta.names), list(meta.events)
    model.n_tracks, model.next_id, model.review_at = meta.n_tracks, meta.next_id, meta.review_at
    if len(model.rows.tracks) != min(meta.n_tracks, SAMPLE_N) or len(meta.names) != len(meta.ids) or bool(meta.ids) != bool(len(centres)):
        raise BadSnapshot("the parts are of different versions")


def _take_rows(model: MicroGenres, parts: Mapping[str, bytes]) -> None:
    texts = msgspec.json.decode(parts["texts"], type=list[Said])
    numbers, since = np.frombuffer(parts["numbers"], "<f8").reshape(-1, N_NUMBERS), np.frombuffer(parts["since"], "<i8")
    for at, (said, row, n) in enumerate(zip(texts, numbers, since.tolist(), strict=True)):
        track = Track(row.copy(), said.artists, said.album, said.words, said.labels)
        model.rows.put(at, track, Marks.of([track]), n)
