"""What a track's company says of it."""

from __future__ import annotations

import numpy as np

from online_models.clusters.company import Company
from online_models.clusters.marks import DIRECTIONS, Marks, direction
from online_models.clusters.track import N_NUMBERS, Track

NONE = np.zeros((N_NUMBERS + 1, DIRECTIONS))


def track(artist: str, label: str = "", sound: float = 0.0) -> Track:
    return Track(np.full(N_NUMBERS, sound), (artist,), "", (), (label,) if label else ())


def meet(company: Company, *tracks: Track) -> None:
    for it in tracks:
        marks = Marks.of([it])
        company.learn_one(it.numbers, marks.label[0] if marks.has_label[0] else None, marks.tokens)


def said(company: Company, it: Track, *, learned: bool = False) -> tuple[list[float], list[float]]:
    marks = Marks.of([it])
    alike, labels = company.say(marks.numbers, marks.tokens, NONE, marks.own if learned else None)
    return alike[0].tolist(), labels[0].tolist()


def test_an_artist_whose_tracks_are_rock_is_rock() -> None:
    company = Company()
    meet(company, *[track("Queen", "rock", 1.0)] * 5)
    alike, labels = said(company, track("QUEEN"))
    assert np.dot(labels, direction("rock")) > 0.7 and min(alike) > 0.7


def test_nothing_is_said_of_who_is_unknown() -> None:
    company = Company()
    meet(company, track("Queen", "rock", 1.0))
    assert said(company, track("Rhye")) == ([0.0] * N_NUMBERS, [0.0] * DIRECTIONS)


def test_a_track_is_no_evidence_about_itself() -> None:
    company = Company()
    one = track("Queen", "rock", 1.0)
    before = said(company, one)
    meet(company, one)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(said(company, one, learned=True), before, strict=True))


def test_tracks_without_a_label_do_not_make_a_label_weaker() -> None:
    company = Company()
    meet(company, track("Queen", "rock"), *[track("Queen")] * 20)
    assert np.dot(said(company, track("Queen"))[1], direction("rock")) > 0.5


def test_the_sound_speaks_for_those_who_are_unknown() -> None:
    company = Company()
    rng = np.random.default_rng(1)
    for i in range(200):
        meet(company, track(f"artist {i}", "rap" if i % 2 else "rock", (1.0 if i % 2 else -1.0) + 0.1 * rng.normal()))
    marks = Marks.of([track("nobody", "", 1.0)])
    labels = company.say(marks.numbers, marks.tokens, company.regression())[1][0]
    assert labels @ direction("rap") > labels @ direction("rock") + 0.3
