"""The public contract: what each topic's values are, and how large they may be.

These Structs are the one definition. Input is decoded with them (`intake.py`), and the JSON Schemas and
the AsyncAPI document are generated from them (`schemas.py`); docs/contract.md says it in prose.

How the contract may change: a new optional field, a new `type` and a new value of an open text (`source`,
`reason_end`) are minor changes, and readers must bear them. Anything else is a new major version, that is
a new `ce_type` (`segue.play.v2`), which an older release answers with the reason `version`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from msgspec import Meta, Struct, field

from streams.radio_rules import DRIFT, LENGTH, LENGTH_MAX, SPACING, SPACING_MAX

EVENT_BYTES_MAX: Final = 10_240
"""Largest value of an event. ListenBrainz holds millions of users to the same limit per listen."""

TRACK_BYTES_MAX: Final = 65_536
"""Largest value of a track or a user: lyrics may be long."""

ID_CHARS_MAX: Final = 128
"""Longest id, in characters: room for any UUID, URI or digest, and still a sane Redis key."""

AT_MS_MIN: Final = 1_033_430_400_000
"""2002-10-01T00:00Z, before which nobody recorded plays (ListenBrainz's rule): seconds sent as ms fall here."""

AT_MS_MAX: Final = 253_402_300_799_999
"""The last ms of the year 9999; what really bounds a time is the record's append time."""

AHEAD_MS_MAX: Final = 600_000
"""How far a time may lie after its record was appended: 10 min cover a producer's skewed clock."""

SPAN_MS_MAX: Final = 2_073_600_000
"""Longest play or track, 24 days: fits 32 bits, and an audiobook fits it."""

ROW_MAX: Final = 9_007_199_254_740_991
"""2**53 - 1: the largest integer that every JSON reader keeps exactly."""

CONTEXT_ENTRIES_MAX: Final = 50
DEPTH_MAX: Final = 256
"""Deepest nesting of a value, unknown fields included. Fixed, so that no outcome depends on the stack that is left."""

Id = Annotated[str, Meta(min_length=1, max_length=ID_CHARS_MAX, extra_json_schema={"pattern": r"\S"})]
Text = Annotated[str, Meta(max_length=512)]
AtMs = Annotated[int, Meta(ge=AT_MS_MIN, le=AT_MS_MAX, description="epoch ms, as an integer")]
At = AtMs | Annotated[datetime, Meta(tz=True, description="RFC 3339, with its offset from UTC")]
SpanMs = Annotated[int, Meta(ge=0, le=SPAN_MS_MAX)]
Offset = Annotated[int, Meta(ge=0)]
Scalar = Annotated[str, Meta(max_length=256)] | int | float | bool | None
Written = Annotated[str, Meta(max_length=512)] | int | float | bool | list[Any] | dict[str, Any] | None
"""A value for the cleaning: whatever it cannot read is refused by itself, and the rest of its row goes on."""
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Place = Annotated[int, Meta(ge=0)]


class Reason(StrEnum):
    """Why a record became a dead letter: a closed enum, so that dashboards and replays can rely on it."""

    JSON = "json"
    SCHEMA = "schema"
    VERSION = "version"
    OVERSIZE = "oversize"
    TIMESTAMP = "timestamp"
    KEY = "key"
    NULL = "null"
    HANDLER = "handler"


class Import(Struct, frozen=True, gc=False, kw_only=True):
    """Where an imported event came from; rows at or below a user's mark for the source are duplicates."""

    source: Annotated[Id, Meta(description="sha256 of the file, hex")]
    row: Annotated[int, Meta(ge=0, le=ROW_MAX, description="row in the file, in the order it was sent")]


class Told(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every event says: who, and under which id."""

    user_id: Annotated[Id, Meta(description="also the record's key, as raw UTF-8")]
    event_id: Annotated[Id, Meta(description="required, here or as header ce_id; this one wins")] = ""


class Acted(Told, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """An event that is not a play."""

    at: Annotated[At | None, Meta(description="when it was done; absent: when it was appended")] = None


class Play(Told, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="play"):
    """A user listened to a track; sent when listening ends."""

    track_id: Id
    played_at: Annotated[At, Meta(description="start of listening")]
    ms_played: Annotated[SpanMs | None, Meta(description="absent: counts as finished unless the next event shows otherwise")] = None
    duration_ms: SpanMs | None = None
    session_id: Annotated[Id | None, Meta(description="absent: a gap of 30 minutes ends the session")] = None
    reason_end: Annotated[
        Annotated[str, Meta(max_length=64)] | None,
        Meta(description="trackdone = played to its end; any other text but unknown and none = broken off; open"),
    ] = None
    private: Annotated[bool, Meta(description="counted, and otherwise forgotten")] = False
    context: Annotated[
        Annotated[dict[Annotated[str, Meta(max_length=64)], Scalar], Meta(max_length=CONTEXT_ENTRIES_MAX)] | None,
        Meta(description="circumstances, such as the device"),
    ] = None
    recommendation_id: Annotated[Id | None, Meta(description="the list that the user picked it from")] = None
    track: Annotated[Text | None, Meta(description="title, for people")] = None
    artist: Annotated[Text | None, Meta(description="who made it; names are compared without regard to case and spacing")] = None
    album: Annotated[Text | None, Meta(description="which one the track is on; an album of the artist that is named beside it")] = None
    import_: Import | None = field(name="import", default=None)


class Like(Acted, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="like"):
    """The user likes a track: it is likelier in their lists."""

    track_id: Id


class Dislike(Acted, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="dislike"):
    """The user dislikes a track: it is in none of their lists."""

    track_id: Id


class Undo(Acted, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="undo"):
    """Takes an earlier like, dislike, block or unblock back, or forgets a play."""

    undone_event_id: Id


class Block(Acted, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="block"):
    """Do not list a track, or tracks of an artist, any more; one of the two is given."""

    track_id: Id | None = None
    artist: Text | None = None
    until: Annotated[At | None, Meta(description="absent: for ever")] = None


class Unblock(Acted, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="unblock"):
    """Takes blocks back; one of the two is given."""

    track_id: Id | None = None
    artist: Text | None = None


class Forget(Acted, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="forget"):
    """Forget one play, or all plays of a track; one of the two is given."""

    track_id: Id | None = None
    forgotten_event_id: Id | None = None


class Pause(Acted, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="pause"):
    """Stop learning from this user's plays: they are counted as private ones."""


class Resume(Acted, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="resume"):
    """Learn from this user again."""


class Radio(Acted, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="radio"):
    """Asks for a radio, which is published to the answers; teaches nothing."""

    track_id: Annotated[Id | None, Meta(description="start from this track")] = None
    artist: Annotated[
        Text | None, Meta(description="start from what this artist of the catalogue made; with neither the session goes on")
    ] = None
    n: Annotated[int, Meta(ge=1, le=LENGTH_MAX, description="how many tracks")] = LENGTH
    spacing: Annotated[int, Meta(ge=0, le=SPACING_MAX, description="no artist twice within so many, as far as they are known")] = SPACING
    drift: Annotated[Share, Meta(description="0 = as near to the start as its surroundings are, 1 = anywhere")] = DRIFT


class Erase(Acted, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag="erase"):
    """Delete everything that is kept about this user; a later play starts a new one."""


Event = Play | Like | Dislike | Undo | Block | Unblock | Forget | Pause | Resume | Radio | Erase
EVENTS: Final[tuple[type[Event], ...]] = (Play, Like, Dislike, Undo, Block, Unblock, Forget, Pause, Resume, Radio, Erase)
EVENT_BY_TYPE: Final[dict[str, type[Event]]] = {str(event.__struct_config__.tag): event for event in EVENTS}


class Cause(Struct, frozen=True, gc=False, kw_only=True):
    """The event that a list answers. Of two lists of a user, the one with the larger offset is the newer."""

    event_id: Id
    partition: Annotated[int, Meta(ge=0)]
    offset: Offset


class Entry(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One recommended track."""

    track_id: Id
    score: Annotated[float, Meta(description="compares within this list only")]
    source: Annotated[
        str,
        Meta(
            max_length=64,
            description="what proposed it: follows, alike, own, again, past, popular, liked, made, album, releases, others to come",
        ),
    ]
    because: Annotated[list[Id], Meta(max_length=10, description="tracks whose plays caused it")]
    propensity: Annotated[float, Meta(gt=0, le=1, description="chance with which this track was put at this place")]
    finish: Annotated[Share | None, Meta(description="chance that the user finishes it, by the model of `model.finish`")] = None


class Explore(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """How `discover` explored."""

    share: Annotated[float, Meta(gt=0, le=1, description="chance that a place is explored")]
    places: Annotated[list[Place], Meta(max_length=100, description="that were, from 0: another track than the best stands there")]
    kept: Annotated[
        list[Place], Meta(max_length=100, description="that were, and the track drawn could not be shown: the best stands there")
    ] = []
    candidates: Annotated[int, Meta(ge=1, description="that each track was drawn from")]


class MadeBy(Struct, frozen=True, gc=False, kw_only=True):
    """What made the list."""

    ranker: Annotated[str, Meta(max_length=64)]
    finish: Annotated[int | None, Meta(description="version of the finish model; null: none yet")] = None


class Recommendation(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The newest lists of a user; the key is the user_id, and a null value says that the user was erased."""

    recommendation_id: Annotated[Id, Meta(description="<incarnation>-<partition>-<offset> of the cause: the same when sent again")]
    user_id: Id
    at: Annotated[int, Meta(ge=0, description="when the list was made, epoch ms")]
    cause: Cause
    explore: Annotated[Explore | None, Meta(description="absent: nothing of `discover` was left to chance")] = None
    next: Annotated[list[Entry], Meta(max_length=100, description="best first; tracks may be repeats")]
    discover: Annotated[
        list[Entry], Meta(max_length=100, description="best first, but for places that explore; tracks this user never played")
    ]
    model: MadeBy


class RadioSeed(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What a radio was asked to start from; {} = from the user's session."""

    track_id: Id | None = None
    artist: Text | None = None
    tracks: Annotated[list[Id], Meta(max_length=10, description="of the artist, that it began with; the last weighs most")] = []


class Step(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One track of a radio."""

    track_id: Id
    score: Annotated[float, Meta(description="chance of being next, where it was chosen")]
    source: Annotated[str, Meta(max_length=64, description="as in a list; similar: no step proposed it, it is like the start")]
    because: Annotated[list[Id], Meta(max_length=10, description="tracks that brought it, of the radio or of the session")]
    near: Annotated[float, Meta(description="cosine of its vector with the start's, -1 to 1")]
    far: Annotated[bool, Meta(description="nothing near enough was left: it is the nearest there was")] = False


class Unanswered(StrEnum):
    """Why there is no sequence: an open enum."""

    UNKNOWN_TRACK = "unknown_track"
    UNKNOWN_ARTIST = "unknown_artist"
    NO_COMPANY = "no_company"
    STALE = "stale"
    STATE = "state"


class AnswerError(Struct, frozen=True, gc=False, kw_only=True):
    """Why a question has no answer."""

    reason: Annotated[str, Meta(max_length=64, description=f"{', '.join(Unanswered)}, and others to come")]
    message: Annotated[str, Meta(description="for people; its wording may change")]


class Answer(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A radio that somebody asked for; the key is the user_id."""

    answer_id: Annotated[Id, Meta(description="radio-<incarnation>-<partition>-<offset> of the cause: the same when sent again")]
    user_id: Id
    at: Annotated[int, Meta(ge=0, description="when it was made, epoch ms")]
    cause: Cause
    asked: Annotated[str, Meta(max_length=64, description="type of the event that asked: radio, and others to come")]
    seed: RadioSeed
    entries: Annotated[
        list[Step], Meta(max_length=LENGTH_MAX, description="in the order to play them; fewer than asked: nothing else is within reach")
    ]
    error: Annotated[AnswerError | None, Meta(description="absent: the question was answered")] = None
    model: MadeBy


class Decision(Struct, frozen=True, gc=False, kw_only=True):
    """What a model decided by itself; the key is the model's name."""

    decision_id: Id
    model: Annotated[str, Meta(min_length=1, max_length=64)]
    at: Annotated[int, Meta(ge=0, description="time of the event that tipped it, epoch ms")]
    decision: Annotated[str, Meta(max_length=64, description="champion, born, merged, split, drift, rollback, and others to come")]
    detail: Annotated[dict[str, Scalar], Meta(max_length=CONTEXT_ENTRIES_MAX)]


class Track(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A track of the catalogue; the key is the track_id, and a null value withdraws it.

    Values come as whoever wrote them: docs/cleaning.md says which writings are understood, and what becomes of others.
    """

    track_id: Id
    title: Written = None
    artist: Written = None
    album: Written = None
    genre: Written = None
    subgenre: Written = None
    tags: Annotated[Any, Meta(description="texts, or one text with `;` between them")] = None
    country: Annotated[Written, Meta(description="a code or a name")] = None
    language: Annotated[Written, Meta(description="a code or a name")] = None
    lyrics: Annotated[Any, Meta(description="plain text")] = None
    duration_ms: Annotated[Written, Meta(description="201000, also `3:21` and the like")] = None
    released: Annotated[Written, Meta(description="2019-06-14, 2019-06, 2019, also 14/06/2019 and the like")] = None
    popularity: Annotated[Written, Meta(description="0 to 100")] = None
    explicit: Annotated[Written, Meta(description="0 or 1")] = None
    features: Annotated[
        Annotated[dict[Annotated[str, Meta(max_length=64)], Written], Meta(max_length=256)] | None,
        Meta(
            description="audio features: danceability, energy, speechiness, acousticness, instrumentalness, liveness, valence (0 to 1), "
            "loudness (dB), tempo (bpm), key (0 = C), mode (1 = major), time_signature"
        ),
    ] = None


class User(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Optional attributes of a user, as whoever wrote them; the key is the user_id, and a null value takes them back."""

    user_id: Id
    country: Annotated[Written, Meta(description="a code or a name")] = None
    language: Annotated[Written, Meta(description="a code or a name")] = None
    age: Annotated[Written, Meta(description="years, when it was written")] = None
    birth_year: Written = None
    gender: Written = None


class CloudEventHeaders(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """CloudEvents 1.0 headers (Kafka, binary mode): written by Segue, optional on what it reads."""

    ce_specversion: Annotated[str, Meta(description="1.0")] = ""
    ce_id: Annotated[str, Meta(description="stands for event_id where the value has none")] = ""
    ce_type: Annotated[str, Meta(description="segue.<type>.v1, in agreement with the value's type")] = ""
    ce_source: Annotated[str, Meta(description="a URI reference that names the sender")] = ""
    ce_time: Annotated[str, Meta(description="RFC 3339")] = ""
    content_type: Annotated[str, Meta(description="application/json")] = field(name="content-type", default="")


class DeadLetterHeaders(Struct, frozen=True, gc=False, kw_only=True):
    """Headers that a dead letter has besides the original ones; all values are UTF-8 text."""

    topic: str = field(name="__dlq.errors.topic")
    partition: Annotated[str, Meta(pattern="^[0-9]+$")] = field(name="__dlq.errors.partition")
    offset: Annotated[str, Meta(pattern="^[0-9]+$")] = field(name="__dlq.errors.offset")
    reason: Reason = field(name="__dlq.errors.reason")
    message: Annotated[str, Meta(description="for people; its wording may change")] = field(name="__dlq.errors.message")
    app: Annotated[str, Meta(description="the namespace that refused it")] = field(name="__dlq.errors.app")
