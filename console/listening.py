"""What kind of listener a user is just now, and what they will play again: the served models, asked about the user's row."""

from __future__ import annotations

from typing import Any, Final

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


def segments(state: State, row: bytes, now_ms: int, *, explain: bool) -> dict[str, Any]:
    """By target: the probability, who says so, and, to `explain`, what it means and the tree's rule; under `kind`, as soon as there are
    some, what kind of listener they are, and which share of listeners is. {} before anything is served."""
    raw, past = state.text(state.keys.serving("segments")), past_of(row)
    if raw is None or past is None:
        return {}
    from online_models.segments.features import of_listener
    from online_models.segments.of_row import habits_of
    from online_models.segments.rule import rule
    from online_models.segments.serving import BadServing, parse

    habits = habits_of(past, _plays_by_all(state, past.track[-OF_LATE:].tolist()))
    if habits is None:
        return {}
    try:
        served = parse(raw)
    except BadServing as error:
        raise Trouble(Exit.FAILURE, f"{state.keys.serving('segments')}: {error}", "segue doctor") from None
    x, found = of_listener(habits, max(now_ms, habits.last_ms)), dict[str, Any]()
    for target, meaning in SEGMENTS.items():
        model = served.targets[target]
        found[target] = {"probability": round(model.predict(x), 4), "by": model.champion}
        if explain:
            found[target] |= {"meaning": meaning, "rule": rule(model.bounds(x))}
    kind = served.kinds.of(x)
    if kind is not None:
        found["kind"] = {"id": kind.id, "name": kind.name, "share": kind.share}
    return found


def expected_plays(state: State, row: bytes, now_ms: int) -> list[dict[str, Any]]:
    """The tracks that the user is likeliest to play again, and how often in the next 7 and 30 days; [] before anything is served."""
    raw, past = state.text(state.keys.serving("counts")), past_of(row)
    if raw is None or past is None or not len(past.track):
        return []
    from online_models.counts.of_row import listener_of
    from online_models.counts.serving import DAYS, BadServing, parse

    try:
        served = parse(raw)
    except BadServing as error:
        raise Trouble(Exit.FAILURE, f"{state.keys.serving('counts')}: {error}", "segue doctor") from None
    tracks, said = served.expect(listener_of(past), 0, max(now_ms, int(past.at_ms[-1])))
    order = sorted(range(len(tracks)), key=lambda i: (-said[i, 0], tracks[i]))[:AGAIN]
    names = state.track_ids([int(tracks[i]) for i in order])
    return [
        {"track_id": names[int(tracks[i])], **{f"in_{days}_days": round(float(n), 4) for days, n in zip(DAYS, said[i], strict=True)}}
        for i in order
        if int(tracks[i]) in names
    ]


def _plays_by_all(state: State, tracks: list[int]) -> dict[int, float]:
    names = state.track_ids(list(dict.fromkeys(tracks)))
    found = {track: state.document(track_key(state, name), "about") for track, name in names.items()}
    return {track: float(about["plays"]) for track, about in found.items() if about is not None}


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
