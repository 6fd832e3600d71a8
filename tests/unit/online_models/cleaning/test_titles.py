"""Titles are taken apart where they say so, and left whole where they might not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.cleaning.titles import Title, take_apart


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        ("Despacito (Featuring Daddy Yankee)", Title("Despacito", ("Daddy Yankee",))),
        ("New Shoes - feat.Shun Murakami", Title("New Shoes", ("Shun Murakami",))),
        ("Airplanes ft. Hayley Williams", Title("Airplanes", ("Hayley Williams",))),
        ("Loin (feat. Dany Synthé & soFLY & Nius) - Pilule violette", Title("Loin - Pilule violette", ("Dany Synthé", "soFLY", "Nius"))),
        ("Island Boy (feat. Elephant Man & GC (Gate Citizens))", Title("Island Boy", ("Elephant Man", "GC (Gate Citizens)"))),
        ("Only You (feat. A, B and A)", Title("Only You", ("A", "B"))),
        ("Side 2 Side - feat. Bow Wow & Project Pat - Explicit", Title("Side 2 Side", ("Bow Wow", "Project Pat"), "Explicit", "edit")),
        ("Mother - Remastered 2010", Title("Mother", (), "Remastered 2010", "remaster")),
        ("Rebel Yell - 1999 - Remaster", Title("Rebel Yell", (), "1999; Remaster", "remaster")),
        ("Jump - Live [Remastered]", Title("Jump", (), "Remastered; Live", "live")),
        ("Save a Life - Live in Nashville - December 2006", Title("Save a Life", (), "Live in Nashville; December 2006", "live")),
        ("All In (CB Remix)", Title("All In", (), "CB Remix", "remix")),
        ("Silent (Instrumental Version)", Title("Silent", (), "Instrumental Version", "instrumental")),
        ("King Harvest (Has Surely Come) - Alternate Take", Title("King Harvest (Has Surely Come)", (), "Alternate Take", "demo")),
    ],
)
def test_what_a_title_says_is_taken_apart(title: str, parts: Title) -> None:
    assert take_apart(title) == parts


@pytest.mark.parametrize(
    "title",
    ["Live Forever", "(I Can't Get No) Satisfaction", "Dance with Me", "Twinz (Deep Cover 98)", "Sex (Let's Talk About Sex)",
     "1999", "(Live)", "Break On Through (To The Other Side)", "Defeat", "Soft", "Come - 1979", "Ribs (Take Me Home)", "-", "( )"],
)  # fmt: skip
def test_a_name_is_left_whole(title: str) -> None:
    assert take_apart(title) == Title(title)


@given(
    st.text()
    | st.lists(st.sampled_from(["Song", "(feat. X)", "[Live]", " - ", "Remix", "(", ")", "feat.", "1999", "with"]), max_size=8).map(
        " ".join
    )
)
def test_any_text_has_a_name(title: str) -> None:
    parts = take_apart(title)
    assert parts.name or not title
    assert all(parts.featured)
    assert (parts.kind == "") == (parts.version == "")
