"""What kind of listener a user is just now, and what they will play again: the served models, asked about the user's row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from console.placing import track_key
from console.redis_door import State
from console.trouble import Exit, Trouble
from streams.past import past_of

AGAIN: Final = 5
"""Tracks that are told."""
OF_LATE: Final = 20
"""Tracks whose rows are asked how popular they are."""
SEGMENTS: Final = {
    "exploring": "more new tracks than usual among the next 20 plays",
    "returning": "comes back after 8 hours and within 7 days",
}
"""What is told of a listener, and what it means. Whether a play is heard out stands at each entry of their lists."""
EVEN: Final = 0.5
UNKNOWN: Final = "unknown"
"""Of somebody whose past is too short to say."""
NEITHER: Final = "neither"


class Segments:
    """The served models of segments, asked about users' rows.

    Raises `Trouble` where another build made them.
    """

    def __init__(self, state: State) -> None:
        from online_models.segments.serving import BadServing, parse

        self._state, raw = state, state.text(state.keys.serving("segments"))
        try:
            self.served = None if raw is None else parse(raw)
            """None = nothing is served yet."""
        except BadServing as error:
            raise Trouble(Exit.FAILURE, f"{state.keys.serving('segments')}: {error}", "segue doctor") from None
        self._plays: dict[int, float] = {}
        """Of tracks that were asked about, by all."""

    def features(self, row: bytes, now_ms: int) -> dict[str, float] | None:
        """What the models are asked; None where the row says too little."""
        from online_models.segments.features import of_listener
        from online_models.segments.of_row import habits_of

        past = past_of(row)
        if past is None:
            return None
        habits = habits_of(past, self._plays_by_all(past.track[-OF_LATE:].tolist()))
        return None if habits is None else of_listener(habits, max(now_ms, habits.last_ms))

    def name(self, row: bytes, now_ms: int) -> str:
        """The segments that the user is likelier in than not, for people: one of four names, or `UNKNOWN`."""
        x = None if self.served is None else self.features(row, now_ms)
        if self.served is None or x is None:
            return UNKNOWN
        return " and ".join(it for it in SEGMENTS if self.served.targets[it].predict(x) > EVEN) or NEITHER

    def kind(self, row: bytes, now_ms: int) -> str:
        """The kind of listener that the user is, for people, or `UNKNOWN`."""
        x = None if self.served is None else self.features(row, now_ms)
        found = None if self.served is None or x is None else self.served.kinds.of(x)
        return UNKNOWN if found is None else found.name

    def _plays_by_all(self, tracks: list[int]) -> dict[int, float]:
        unknown = [track for track in dict.fromkeys(tracks) if track not in self._plays]
        for track, name in self._state.track_ids(unknown).items():
            about = self._state.document(track_key(self._state, name), "about")
            if about is not None:
                self._plays[track] = float(about["plays"])
        return {track: self._plays[track] for track in tracks if track in self._plays}


def segments(state: State, row: bytes, now_ms: int, *, explain: bool) -> dict[str, Any]:
    """By target: the probability, who says so, and, to `explain`, what it means and the tree's rule; under `kind`, as soon as there are
    some, what kind of listener they are, and which share of listeners is. {} before anything is served."""
    asked = Segments(state)
    x = None if asked.served is None else asked.features(row, now_ms)
    if asked.served is None or x is None:
        return {}
    from online_models.segments.rule import rule

    found = dict[str, Any]()
    for target, meaning in SEGMENTS.items():
        model = asked.served.targets[target]
        found[target] = {"probability": round(model.predict(x), 4), "by": model.champion}
        if explain:
            found[target] |= {"meaning": meaning, "rule": rule(model.bounds(x))}
    kind = asked.served.kinds.of(x)
    if kind is not None:
        found["kind"] = {"id": kind.id, "name": kind.name, "share": kind.share}
    return found


class Foreseen(NamedTuple):
    """A track that the user played, and the plays to expect of it."""

    track: int
    """Keyed hash of its id."""
    plays: dict[str, float]
    """By `in_7_days` and `in_30_days`."""


def foreseen(state: State, row: bytes, now_ms: int) -> list[Foreseen] | None:
    """The user's newest tracks, those to be played most in the next 7 days first; None before anything is served.

    Raises `Trouble` where another build made what is served.
    """
    raw, past = state.text(state.keys.serving("counts")), past_of(row)
    if raw is None:
        return None
    if past is None or not len(past.track):
        return []
    from online_models.counts.of_row import listener_of
    from online_models.counts.serving import DAYS, BadServing, parse

    try:
        served = parse(raw)
    except BadServing as error:
        raise Trouble(Exit.FAILURE, f"{state.keys.serving('counts')}: {error}", "segue doctor") from None
    tracks, said = served.expect(listener_of(past), 0, max(now_ms, int(past.at_ms[-1])))
    order = sorted(range(len(tracks)), key=lambda i: (-said[i, 0], tracks[i]))
    return [Foreseen(int(tracks[i]), {f"in_{d}_days": round(float(n), 4) for d, n in zip(DAYS, said[i], strict=True)}) for i in order]


def expected_plays(state: State, row: bytes, now_ms: int) -> list[dict[str, Any]]:
    """The tracks that the user is likeliest to play again, and how often in the next 7 and 30 days; [] before anything is served."""
    return named(state, (foreseen(state, row, now_ms) or [])[:AGAIN])


def named(state: State, found: Sequence[Foreseen]) -> list[dict[str, Any]]:
    """The same by the tracks' ids, without those that nobody knows by name any more."""
    names = state.track_ids([one.track for one in found])
    return [{"track_id": names[one.track], **one.plays} for one in found if one.track in names]


def in_words(name: str, value: Any) -> str:
    """A field of the two above for people; "" for any other."""
    if name == "segments":
        return "\n".join(_segment(target, said) for target, said in value.items())
    if name == "expected_plays":
        return ", ".join(f"{it['track_id']} {it['in_7_days']:.2g} in 7 days, {it['in_30_days']:.2g} in 30" for it in value)
    return ""


def _segment(target: str, said: dict[str, Any]) -> str:
    """
    >>> _segment("kind", {"id": 3, "name": "much that is new, long sessions", "share": 0.21})
    'kind 3 (21 % of listeners): much that is new, long sessions'
    >>> _segment("exploring", {"probability": 0.71, "by": "blend", "meaning": "more", "rule": ["plays > 9", "last was new"]})
    'exploring 71 % (blend): more; plays > 9 and last was new'
    """
    if target == "kind":
        return f"kind {said['id']} ({said['share']:.0%} of listeners): {said['name']}".replace("%", " %")
    words = f"{target} {said['probability']:.0%} ({said['by']})".replace("%", " %")
    if "rule" not in said:
        return words
    return f"{words}: {said['meaning']}; {' and '.join(said['rule']) or 'the tree has no rule yet'}"
