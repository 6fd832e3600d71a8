"""Every Redis key of Segue, spelled once. `docs/keys.md` is generated from `PATTERNS`.

Ids are percent-encoded, so that an id never forms a key's structure. Everything that one apply
writes shares the hash tag in braces, so Redis may be a Cluster.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote


class Pattern(NamedTuple):
    """One row of docs/keys.md."""

    pattern: str
    kind: str
    writer: str
    bound: str
    expiry: str
    holds: str


PATTERNS: tuple[Pattern, ...] = (
    Pattern("NS:meta", "hash", "any worker (once)", "one", "never", "incarnation, partition counts, rules version, started partitions"),
    Pattern(
        "NS:{uP}:cursor",
        "hash",
        "plays worker owning P",
        "one per partition",
        "never",
        "token, next, incarnation, counters, numbers sent per target",
    ),
    Pattern(
        "NS:{uP}:pending",
        "string",
        "plays worker owning P",
        "one round; absent when empty",
        "never",
        "what the last apply still had to publish",
    ),
    Pattern(
        "NS:{uP}:ranker",
        "string",
        "plays worker owning P",
        "<= 16 KB",
        "never",
        "weights of the ranker, binary, as of the last 5 s (learned state)",
    ),
    Pattern("NS:{uP}:quality", "hash", "plays worker owning P", "days x 8", "never", "prequential measures by day of played_at"),
    Pattern(
        "NS:{uP}:user:ID",
        "hash",
        "plays worker owning P",
        "<= 32 KB",
        "never",
        "about (JSON for people), list (JSON, the published pair in short), row (binary)",
    ),
    Pattern(
        "NS:{tQ}:cursor", "hash", "plays worker owning Q", "one per partition", "never", "token, next, incarnation, watermarks per source"
    ),
    Pattern("NS:{tQ}:pending", "string", "plays worker owning Q", "absent", "never", "nothing: the track side publishes nothing"),
    Pattern(
        "NS:{tQ}:track:ID",
        "hash",
        "plays worker owning Q",
        "<= 8 KB",
        "never",
        "about (JSON for people), row (binary: neighbours, visits, listeners, vector)",
    ),
    Pattern(
        "NS:{tQ}:ids", "hash", "plays worker owning Q", "one field per track", "never", "16 hex digits of the track's keyed hash -> its id"
    ),
    Pattern(
        "NS:{tQ}:artists",
        "hash",
        "plays worker owning Q",
        "one field per track whose artist a play said",
        "never",
        "16 hex digits of the track's keyed hash -> 16 of its artist's",
    ),
    Pattern(
        "NS:{tQ}:artist:HASH",
        "hash",
        "plays worker owning Q",
        "<= 8 KB; one per artist whom a play named",
        "never",
        "about (JSON for people), row (binary: the artist's tracks); HASH is the name's keyed hash, 16 hex digits",
    ),
    Pattern(
        "NS:{tQ}:album:HASH",
        "hash",
        "plays worker owning Q",
        "<= 4 KB; one per album that a play named beside its artist",
        "never",
        "about (JSON for people), row (binary: the album's tracks); HASH is the keyed hash of both names, 16 hex digits",
    ),
    Pattern("NS:{tQ}:popular", "string", "plays worker owning Q", "100 tracks", "never", "JSON [[id, log2 score], ...], best first"),
    Pattern(
        "NS:{cQ}:cursor",
        "hash",
        "catalogue worker owning Q",
        "one per partition",
        "never",
        "token, next, incarnation, counters (applied, withdrawn, rejected), lessons sent",
    ),
    Pattern(
        "NS:{cQ}:pending", "string", "catalogue worker owning Q", "absent when empty", "never", "refused records still to be published"
    ),
    Pattern(
        "NS:{cQ}:track:ID",
        "hash",
        "catalogue worker owning Q",
        "<= 256 KB",
        "until withdrawn",
        "row (JSON, the clean values), estimates (JSON), cleaning (JSON: corrected, refused, same_as), "
        "taught (JSON: the number of its lesson, by model)",
    ),
    Pattern(
        "NS:{cQ}:evidence",
        "hash",
        "catalogue worker owning Q",
        "<= 900,000 fields",
        "never",
        "what the cleaning knows: names, what stands beside them, songs, usual numbers",
    ),
    Pattern(
        "NS:{cQ}:counts",
        "hash",
        "catalogue worker owning Q",
        "<= 100 KB",
        "never",
        "JSON by field and rule: what was corrected, refused, missing",
    ),
    Pattern(
        "NS:{aP}:cursor", "hash", "catalogue worker owning P", "one per partition", "never", "as of the catalogue, of users' attributes"
    ),
    Pattern(
        "NS:{aP}:pending", "string", "catalogue worker owning P", "absent when empty", "never", "refused records still to be published"
    ),
    Pattern(
        "NS:{aP}:user:ID",
        "hash",
        "catalogue worker owning P",
        "<= 256 KB",
        "until withdrawn",
        "row, estimates, cleaning: as of a track; taught: empty",
    ),
    Pattern("NS:{aP}:evidence", "hash", "catalogue worker owning P", "<= 100,000 fields", "never", "what the cleaning knows, without ids"),
    Pattern("NS:{aP}:counts", "hash", "catalogue worker owning P", "<= 100 KB", "never", "JSON by field and rule"),
    Pattern(
        "NS:{qP}:cursor",
        "hash",
        "answers worker owning P",
        "one per partition",
        "never",
        "token, next, incarnation, questions applied (answered), and how many of them with an error",
    ),
    Pattern(
        "NS:{qP}:pending", "string", "answers worker owning P", "absent", "never", "nothing: an answer is published before it is noted"
    ),
    Pattern("NS:{m:MODEL}:cursor", "hash", "models worker", "one per model", "never", "token, next, incarnation, watermarks per source"),
    Pattern(
        "NS:{m:MODEL}:pending",
        "string",
        "models worker",
        "one snapshot's; absent when none",
        "never",
        "JSON: decisions that the last apply still had to publish",
    ),
    Pattern(
        "NS:{m:MODEL}:manifest",
        "hash",
        "models worker",
        "one per model",
        "never",
        "version, sha256, parts, signature, River and numpy versions, scores, champion, what is served or pinned, the wish answered last",
    ),
    Pattern(
        "NS:{m:MODEL}:versions",
        "string",
        "models worker",
        "3 to 6 versions",
        "never",
        "JSON: the versions that stay, with scores, oldest first",
    ),
    Pattern("NS:{m:MODEL}:wish", "string", "`segue model`", "one", "never", "JSON: pin, rollback or unpin; the worker answers it once"),
    Pattern(
        "NS:{m:MODEL}:part:VERSION:N",
        "string",
        "models worker",
        "<= 8 MB",
        "with its version",
        "one part of a snapshot, plain data",
    ),
    Pattern(
        "NS:{m:MODEL}:answer:ID",
        "string",
        "models worker",
        "<= 1 KB; one per row without a label (genre), one per track (micro_genres, text_clusters, map)",
        "deleted when a label comes (genre); never (micro_genres, text_clusters, map)",
        "JSON: the likeliest label, its probability, those of all labels, lessons the model had learned; "
        "of micro_genres and text_clusters `cluster`, the id of the one the track is in, and tracks seen when this was said; "
        "of map `two` and `three`, coordinates, `drawn`, the map they were said of, and tracks seen",
    ),
    Pattern(
        "NS:{m:MODEL}:serving",
        "string",
        "models worker",
        "<= 1 MB",
        "never",
        "JSON: what a plays worker needs to predict; of micro_genres and text_clusters the clusters (id, name, size, share, genre, genres, "
        "words, artists), `merged`, where ids that are gone went, "
        "and of micro_genres `newest`, the last 16 tracks of each; of map how often it was drawn, its stress and its diameter",
    ),
    Pattern("NS:{m:MODEL}:serving:VERSION", "string", "models worker", "<= 1 MB", "with its version", "the same of one version"),
)


Side = Literal["c", "a"]
"""c = the catalogue's tracks, a = users' attributes."""

_is_plain = re.compile(r"[A-Za-z0-9_.~-]+").fullmatch


def _escaped(name: str) -> str:
    """An id as it stands in a key; most are plain, and to see that costs a seventh of spelling one."""
    return name if _is_plain(name) else _spelled(name)


@lru_cache(maxsize=16_384)
def _spelled(name: str) -> str:
    """Percent-encoding takes 2 us, and a busy worker meets the same ids again and again."""
    return quote(name, safe="")


class Keys(NamedTuple):
    """Spells keys under one namespace.

    >>> Keys("segue").user(3, "ana b")
    'segue:{u3}:user:ana%20b'
    """

    namespace: str = "segue"

    def meta(self) -> str:
        return f"{self.namespace}:meta"

    def user_cursor(self, partition: int) -> str:
        return f"{self.namespace}:{{u{partition}}}:cursor"

    def user_pending(self, partition: int) -> str:
        return f"{self.namespace}:{{u{partition}}}:pending"

    def ranker(self, partition: int) -> str:
        return f"{self.namespace}:{{u{partition}}}:ranker"

    def quality(self, partition: int) -> str:
        return f"{self.namespace}:{{u{partition}}}:quality"

    def user(self, partition: int, user_id: str) -> str:
        return f"{self.namespace}:{{u{partition}}}:user:{_escaped(user_id)}"

    def track_cursor(self, partition: int) -> str:
        return f"{self.namespace}:{{t{partition}}}:cursor"

    def track_pending(self, partition: int) -> str:
        return f"{self.namespace}:{{t{partition}}}:pending"

    def track(self, partition: int, track_id: str) -> str:
        return f"{self.namespace}:{{t{partition}}}:track:{_escaped(track_id)}"

    def track_ids(self, partition: int) -> str:
        return f"{self.namespace}:{{t{partition}}}:ids"

    def track_artists(self, partition: int) -> str:
        """Hash of a tracks' partition: from hashes of ids to hashes of artists."""
        return f"{self.namespace}:{{t{partition}}}:artists"

    def artist(self, partition: int, artist_hash: str) -> str:
        """Row of an artist, by the hash of the name as 16 hex digits: names are compared, not spelled, so the hash is the id."""
        return f"{self.namespace}:{{t{partition}}}:artist:{artist_hash}"

    def album(self, partition: int, album_hash: str) -> str:
        """Row of an album, by the hash of the artist's and the album's names as 16 hex digits."""
        return f"{self.namespace}:{{t{partition}}}:album:{album_hash}"

    def popular(self, partition: int) -> str:
        return f"{self.namespace}:{{t{partition}}}:popular"

    def answers_cursor(self, partition: int) -> str:
        return f"{self.namespace}:{{q{partition}}}:cursor"

    def answers_pending(self, partition: int) -> str:
        return f"{self.namespace}:{{q{partition}}}:pending"

    def clean_cursor(self, side: Side, partition: int) -> str:
        return f"{self.namespace}:{{{side}{partition}}}:cursor"

    def clean_pending(self, side: Side, partition: int) -> str:
        return f"{self.namespace}:{{{side}{partition}}}:pending"

    def clean_evidence(self, side: Side, partition: int) -> str:
        return f"{self.namespace}:{{{side}{partition}}}:evidence"

    def clean_counts(self, side: Side, partition: int) -> str:
        return f"{self.namespace}:{{{side}{partition}}}:counts"

    def clean_row(self, side: Side, partition: int, some_id: str) -> str:
        return f"{self.namespace}:{{{side}{partition}}}:{'track' if side == 'c' else 'user'}:{_escaped(some_id)}"

    def model_cursor(self, model: str) -> str:
        return f"{self.namespace}:{{m:{model}}}:cursor"

    def model_pending(self, model: str) -> str:
        return f"{self.namespace}:{{m:{model}}}:pending"

    def manifest(self, model: str) -> str:
        return f"{self.namespace}:{{m:{model}}}:manifest"

    def part(self, model: str, version: int, n: int) -> str:
        return f"{self.namespace}:{{m:{model}}}:part:{version}:{n}"

    def serving(self, model: str) -> str:
        return f"{self.namespace}:{{m:{model}}}:serving"

    def answer(self, model: str, about: str) -> str:
        return f"{self.namespace}:{{m:{model}}}:answer:{_escaped(about)}"

    def serving_of(self, model: str, version: int) -> str:
        return f"{self.namespace}:{{m:{model}}}:serving:{version}"

    def versions(self, model: str) -> str:
        return f"{self.namespace}:{{m:{model}}}:versions"

    def wish(self, model: str) -> str:
        return f"{self.namespace}:{{m:{model}}}:wish"


DOCS = Path(__file__).resolve().parents[1] / "docs" / "keys.md"

_HEAD = """# Keys in Redis

Generated from `infra/keys.py` by `python -m infra.keys`; a test fails when this file is stale, and another when a
running instance holds a key that is not in the table.

`NS` is the namespace (default `segue`), `P` a partition of the events (in `{aP}` of `users`, which has as many), `Q` one of the track
deltas (in `{cQ}` of `tracks`), `ID` an id with everything but letters, digits and `_.-~` percent-encoded (`segue where ID` prints the
key). What stands in braces is the hash tag: everything that one apply writes shares it, so Redis may be a Cluster. Nothing expires
by itself, and Redis must not evict (`maxmemory-policy noeviction`): `segue doctor` looks.

"""


def table() -> str:
    """The text of docs/keys.md."""
    rows = [Pattern("key", "type", "writer", "bound", "expires", "holds"), *PATTERNS]
    lines = [f"| `{row.pattern}` | " + " | ".join(row[1:]) + " |" for row in rows]
    lines[0] = lines[0].replace("`", "")
    lines.insert(1, "|---" * len(Pattern._fields) + "|")
    return _HEAD + "\n".join(lines) + "\n"


def pattern_of(key: str, namespace: str) -> Pattern | None:
    """The row of docs/keys.md that `key` belongs to, None if it has none.

    >>> pattern_of("segue:{u3}:user:ana%20b", "segue").pattern
    'NS:{uP}:user:ID'
    >>> pattern_of("segue:{u3}:user:ana:b", "segue") is None
    True
    """
    return next((row for row in PATTERNS if _expression(row.pattern, namespace).fullmatch(key)), None)


_PLACES = {
    "NS": "{ns}",
    "P": r"\d+",
    "Q": r"\d+",
    "ID": r"[A-Za-z0-9_.~%-]+",
    "HASH": r"[0-9a-f]{16}",
    "MODEL": r"[a-z0-9_-]+",
    "VERSION": r"\d+",
    "N": r"\d+",
}
"""What may stand for each capital word of a pattern."""


@cache
def _expression(pattern: str, namespace: str) -> re.Pattern[str]:
    places = _PLACES | {"NS": re.escape(namespace)}
    parts = re.split(r"(\bNS\b|(?<=\{[utcaq])[PQ](?=\})|\bID\b|\bMODEL\b|\bVERSION\b|\bN\b|\bHASH\b)", pattern)
    return re.compile("".join(places.get(part) or re.escape(part) for part in parts))


def main() -> None:
    """Write docs/keys.md."""
    DOCS.parent.mkdir(exist_ok=True)
    DOCS.write_text(table())


if __name__ == "__main__":
    main()
