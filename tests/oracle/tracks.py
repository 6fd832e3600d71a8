"""Judges the track side: items on the deltas topic against the log, rows in Redis against the items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import isclose, isfinite

import msgspec

from tests.oracle.fold import Item, Sum
from tests.oracle.logs import Read
from tests.oracle.names import Names, hex_hash
from tests.oracle.people import MADE, ON_ALBUM, WINDOW
from tests.oracle.redis_reads import Keyspace
from tests.oracle.rows import BadRow, TrackRow, track_row
from tests.oracle.sections import DELTAS, Malformed, Watermark, delta_items, sections_of
from tests.oracle.tables import FRESH, Track
from tests.oracle.verdict import Findings

Expected = Callable[[int, int], Counter[Item]]
"""(source, target) -> the items that the log implies: asked only when the sums differ."""


class Deltas:
    """One target's log of deltas, each number taken once."""

    def __init__(self, target: int, n_sources: int, incarnation: str, findings: Findings) -> None:
        self.target = target
        self.marks = [Watermark() for _ in range(n_sources)]
        self.sums = [Sum() for _ in range(n_sources)]
        self.tracks: dict[int, Track] = {}
        self.artists: dict[int, Track] = {}
        self.albums: dict[int, Track] = {}
        self.next = 0
        self._incarnation = incarnation
        self._findings = findings

    def run(self, log: Iterable[Read]) -> None:
        """Fold every section of this incarnation, in the order of the topic."""
        for read in log:
            self.next = read.offset + 1
            try:
                self._record(read)
            except Malformed as error:
                self._findings.fault("transitions_wrong", f"deltas {self.target}@{read.offset}: {error}")

    def judge_cursor(self, cursor: Mapping[str, bytes], end: int) -> None:
        """Has the tracks' partition taken every item, each once (P3)?"""
        marks = msgspec.json.decode(cursor.get("wm", b"{}"), type=dict[int, int], strict=False)
        taken = {source: number for source, number in marks.items() if number}
        wanted = {source: len(mark.hashes) for source, mark in enumerate(self.marks) if mark.hashes}
        applied, at = int(cursor.get("applied", b"0")), int(cursor.get("next", b"0"))
        if taken != wanted or applied != sum(wanted.values()):
            self._findings.fault("cursors_wrong", f"deltas {self.target}: took {applied} items, {taken}; the topic has {wanted}")
        if not self.next <= at <= max(end, self.next):
            self._findings.fault("cursors_wrong", f"deltas {self.target}: next is {at}, the log ends at {end}")

    def _record(self, read: Read) -> None:
        for section in sections_of(read.value or b""):
            if section.incarnation != self._incarnation:
                continue
            if section.kind != DELTAS or section.source >= len(self.marks):
                raise Malformed(f"kind {section.kind} from source {section.source}")
            fresh = self.marks[section.source].new_of(section.first, delta_items(section))
            if fresh is None:
                had = len(self.marks[section.source].hashes)
                message = f"deltas {self.target}@{read.offset}: source {section.source} goes from {had} to {section.first}"
                self._findings.fault("transitions_wrong", message)
                continue
            for item in fresh:
                self._item(section.source, item)

    def _item(self, source: int, item: Item) -> None:
        self.sums[source].add(item)
        self._findings.seen("transitions", 0 < item[5] <= WINDOW)
        rows = self.artists if item[6] & MADE else self.albums if item[6] & ON_ALBUM else self.tracks
        track = rows.get(item[0])
        if track is None:
            track = rows[item[0]] = Track()
        track.take(item)


def judge_items(
    deltas: Deltas, sums: list[Sum], expected: Expected, topic_items: Callable[[int], Counter[Item]], findings: Findings
) -> None:
    """Is what stands on the topic, each number once, what the log implies?"""
    for source, (seen, implied) in enumerate(zip(deltas.sums, sums, strict=True)):
        changed = deltas.marks[source].repeats_changed
        if changed:
            message = f"deltas {deltas.target} from {source}: {changed} items were sent again with other content"
            findings.fault("transitions_wrong", message, changed)
        if seen == implied:
            continue
        there, wanted = topic_items(source), expected(source, deltas.target)
        wrong = (there - wanted).total() + (wanted - there).total()
        example = next(iter((wanted - there) or (there - wanted)), None)
        findings.fault(
            "transitions_wrong",
            f"deltas {deltas.target} from {source}: the log implies {implied.n} items, the topic has {seen.n}; "
            f"{(wanted - there).total()} missing, {(there - wanted).total()} too many, for example {example}",
            max(wrong, 1),
        )


class TrackAbout(msgspec.Struct):
    """What people read about a track."""

    track_id: str
    plays: int
    skips: int
    finishes: int
    followed: int
    preceded: int


class ArtistAbout(msgspec.Struct, forbid_unknown_fields=True):
    """What people read about an artist."""

    artist: str
    plays: int


class AlbumAbout(msgspec.Struct, forbid_unknown_fields=True):
    """What people read about an album."""

    album: str
    plays: int


About = TrackAbout | ArtistAbout | AlbumAbout
_SEEN = {TrackAbout: "tracks", ArtistAbout: "artists", AlbumAbout: "albums"}


def judge_rows(deltas: Deltas, names: Names, keyspace: Keyspace, findings: Findings) -> list[str]:
    """Does every track's, every artist's and every album's hash in Redis equal the fold? Returns the keys that may stand."""
    keys = {names.track(deltas.target, track.name.decode("utf-8", "replace")): h for h, track in deltas.tracks.items()}
    for key, (about, row) in zip(keys, keyspace.fields(list(keys), "about", "row"), strict=True):
        track = deltas.tracks[keys[key]]
        wanted = TrackAbout(track.name.decode(), track.plays, track.skips, track.finishes, track.followed, track.preceded)
        _judge_row(f"{key} ({hex_hash(keys[key])})", track, wanted, about, row, findings)
    artists = {names.artist(deltas.target, h): (ArtistAbout(hex_hash(h), row.plays), row) for h, row in deltas.artists.items()}
    albums = {names.album(deltas.target, h): (AlbumAbout(hex_hash(h), row.plays), row) for h, row in deltas.albums.items()}
    others: dict[str, tuple[About, Track]] = {**artists, **albums}
    for key, (about, row) in zip(others, keyspace.fields(list(others), "about", "row"), strict=True):
        wanted_about, fold = others[key]
        _judge_row(key, fold, wanted_about, about, row, findings)
    return [*keys, *others]


def _judge_row(key: str, track: Track, wanted: About, about: bytes | None, row: bytes | None, findings: Findings) -> None:
    findings.seen(_SEEN[type(wanted)])
    difference = _about_difference(wanted, about) or _row_difference(track, row)
    if difference:
        findings.fault("tracks_wrong", f"{key}: {difference}")


def _about_difference(wanted: About, about: bytes | None) -> str:
    if about is None:
        return "no `about` in Redis"
    try:
        told = msgspec.json.decode(about, type=type(wanted))
    except msgspec.MsgspecError as error:
        return f"`about` cannot be read: {error}"
    return "" if told == wanted else f"`about` is {told}, the fold gives {wanted}"


def _row_difference(track: Track, row: bytes | None) -> str:
    if row is None:
        return "no `row` in Redis"
    try:
        told = track_row(row)
    except BadRow as error:
        return str(error)
    counts = (track.plays, track.skips, track.finishes, track.followed, track.preceded, track.duration_s, track.artist)
    if told[:7] != counts:
        return f"`row` has {told[:7]}, the fold gives {counts} (plays, skips, finishes, followed, preceded, length, artist)"
    if not all(map(isfinite, (told.popular, *told.totals, *told.vector))):
        return f"`row` has numbers that are not finite: {told.popular}, {told.totals}, {told.vector}"
    return _near_difference(track, told) or _rest_difference(track, told)


def _near_difference(track: Track, told: TrackRow) -> str:
    """FRESH alone is compared with a tolerance: two exponential functions may round differently."""
    wanted = [(entry.dst, tuple(map(float, entry.counts[:FRESH])), entry.at_s, entry.person) for entry in track.near]
    there = [(dst, counts[:FRESH], at_s, person) for dst, counts, at_s, person in told.near]
    fresh = zip((counts[FRESH] for _, counts, _, _ in told.near), (float(entry.counts[FRESH]) for entry in track.near), strict=False)
    if there == wanted and all(isclose(a, b, rel_tol=1e-4) for a, b in fresh):
        return ""
    place = next((i for i, (a, b) in enumerate(zip(there, wanted, strict=False)) if a != b), min(len(there), len(wanted)))
    return f"neighbours differ at place {place}: {there[place : place + 1]}, the fold gives {wanted[place : place + 1]}, or their FRESH"


def _rest_difference(track: Track, told: TrackRow) -> str:
    visits = [(visit.session, tuple(visit.after)) for visit in track.visits]
    if told.visits != visits:
        return f"visits are {told.visits}, the fold gives {visits}"
    if told.listeners != list(track.listeners):
        return f"listeners are {told.listeners}, the fold gives {list(track.listeners)}"
    if told.totals != tuple(map(float, track.totals)):
        return f"sums are {told.totals}, the fold gives {track.totals}"
    return "" if told.vector == tuple(track.vector.tolist()) else f"vector is {told.vector}, the fold gives {track.vector}"
