"""Titles are taken apart where they say so, and left whole where they might not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.cleaning.titles import Credit, Title, credited, take_apart


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
        ("ソング（ライブ）", Title("ソング", (), "ライブ", "live")),
        ("夜曲 - 現場", Title("夜曲", (), "現場", "live")),
        ("노래【리믹스】", Title("노래", (), "리믹스", "remix")),
        ("Песня (при участии Ёлка)", Title("Песня", ("Ёлка",))),
        ("Песня - Ремикс", Title("Песня", (), "Ремикс", "remix")),
        ("Sarà perché ti amo (Deluxe Edition)", Title("Sarà perché ti amo", (), "Deluxe Edition", "other")),
        ("07 - Jump.mp3", Title("Jump")),
        ("King Harvest (Has Surely Come) - Alternate Take", Title("King Harvest (Has Surely Come)", (), "Alternate Take", "demo")),
    ],
)
def test_what_a_title_says_is_taken_apart(title: str, parts: Title) -> None:
    assert take_apart(title) == parts


@pytest.mark.parametrize(
    "title",
    ["Live Forever", "(I Can't Get No) Satisfaction", "Dance with Me", "Twinz (Deep Cover 98)", "Sex (Let's Talk About Sex)",
     "1999", "(Live)", "Break On Through (To The Other Side)", "Defeat", "Soft", "Come - 1979", "Ribs (Take Me Home)", "-", "( )",
     "99 Luftballons", "7 rings", "24K Magic", "Larry 44 - Himalaya", ".mp3", "Концертина"],
)  # fmt: skip
def test_a_name_is_left_whole(title: str) -> None:
    assert take_apart(title) == Title(title)


@pytest.mark.parametrize(
    ("title", "artist", "name"),
    [
        ("Queen - Innuendo", "Queen", "Innuendo"),
        ("QUEEN – Take It Easy", "Queen", "Take It Easy"),
        ("Queen - Live at Wembley", "Queen", "Queen"),
        ("Eve - feat. Miss Kitty", "Eve", "Eve"),
        ("Queen", "Queen", "Queen"),
        ("Queen - Innuendo", "Kings", "Queen - Innuendo"),
    ],
)
def test_the_artist_before_a_name_is_no_part_of_it(title: str, artist: str, name: str) -> None:
    assert take_apart(title, artist).name == name


@pytest.mark.parametrize(
    ("artist", "credit"),
    [
        ("SWV Featuring Wu-Tang Clan", Credit("SWV", ("Wu-Tang Clan",))),
        ("Tallak feat,Viv Gee", Credit("Tallak", ("Viv Gee",))),
        ("Sech (ft. Ozuna & Anuel)", Credit("Sech", ("Ozuna", "Anuel"))),
        ("Little Feat", Credit("Little Feat")),
        ("feat. Nobody", Credit("feat. Nobody")),
    ],
)
def test_an_artist_stands_apart_from_guests(artist: str, credit: Credit) -> None:
    assert credited(artist) == credit


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
