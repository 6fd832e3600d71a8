"""Faults are made by chance that is told, where they are said to be, and are called correctable on evidence of their own."""

from __future__ import annotations

import ast
from pathlib import Path
from random import Random
from typing import Any

import pytest

import evaluation.faults
from evaluation.faults import in_dates, in_names, in_numbers, in_text, people
from evaluation.faults.dirt import TRACK_KINDS, Dirty, dirty, strictly
from evaluation.faults.fault import Clean, Kind
from evaluation.faults.known import WELL_KNOWN, Known
from online_models.cleaning.fields import TRACK
from online_models.cleaning.verdicts import Value
from tests.small_catalogue import catalogue

ROWS = catalogue(600)
CLEAN = strictly(ROWS, TRACK)


def made(seed: int = 1, rate: float = 0.3) -> Dirty:
    return dirty(ROWS, CLEAN, TRACK_KINDS, Random(seed), rate=rate, repeats=True)


def test_the_same_seed_makes_the_same_faults_and_another_seed_others() -> None:
    assert repr(made()) == repr(made())
    assert repr(made(1).faults) != repr(made(2).faults)


def test_rows_that_are_not_hit_are_as_they_were_and_the_others_have_their_faults() -> None:
    found = made()
    raw = {repr(row) for row in ROWS}
    for k, row in enumerate(found.rows):
        assert k in found.hit or repr(row) in raw
    for fault in found.faults:
        assert fault.row in found.hit
        assert fault.kind == "row twice" or repr(found.rows[fault.row][fault.field]) == repr(fault.dirty)
        if fault.look in ("value", "merged") and fault.kind != "row twice":
            assert fault.clean == found.clean[fault.row][fault.field]
            assert repr(fault.dirty) != repr(ROWS[0].get(fault.field)) or fault.clean != CLEAN[0].get(fault.field)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_so_many_rows_are_hit_as_is_told(rate: float) -> None:
    found = made(rate=rate)
    assert abs(len(found.hit) / len(found.rows) - rate) < 0.05
    assert abs(len(found.rows) / len(ROWS) - 1) < 0.1, "few come again"


def test_every_kind_is_made() -> None:
    kinds = {fault.kind for seed in range(3) for fault in made(seed, rate=0.9).faults}
    assert {kind.name for kind in TRACK_KINDS} | {"date of numbers alone", "row twice", "recording under another id"} == kinds
    rows = people.users(2_000, Random(1))
    found = dirty([dict(row) for row in rows], rows, people.KINDS, Random(1), rate=0.5, repeats=False)
    assert {fault.kind for fault in found.faults} == {kind.name for kind in people.KINDS}


def test_a_row_has_at_most_one_fault_among_its_names_and_one_among_the_rest() -> None:
    found = made(rate=0.9)
    per_row: dict[int, list[bool]] = {}
    for fault in found.faults:
        per_row.setdefault(fault.row, []).append(fault.field in ("title", "artist", "album", "genre", "subgenre"))
    assert all(len(names) == len(set(names)) for names in per_row.values())
    assert any(len(names) == 2 for names in per_row.values())


def kind(kinds: tuple[Kind, ...], name: str) -> Kind:
    return next(it for it in kinds if it.name == name)


def many(it: Kind, value: Value, field: str) -> list[Any]:
    found = (it.make(value, field, Random(seed)) for seed in range(60))
    return [damage.value for damage in found if damage is not None]


def test_writings_say_what_they_are_said_to_say() -> None:
    assert {float(text.replace(",", ".")) for text in many(kind(in_numbers.KINDS, "decimal comma"), 0.748, "energy")} == {0.748}
    assert {"".join(filter(str.isdigit, text)) for text in many(kind(in_numbers.KINDS, "thousands"), 194_754, "duration_ms")} == {"194754"}
    assert {text.encode("cp1252").decode() for text in many(kind(in_text.KINDS, "mojibake"), "ü", "title") if text == "Ã¼"} == {"ü"}
    assert all(text.isascii() for text in many(kind(in_names.KINDS, "accents missing"), "Motörhead", "artist"))
    assert "14. Juni 2019" in many(kind(in_dates.KINDS, "date in another language"), "2019-06-14", "released")
    assert {"43630", 43630} < set(many(kind(in_dates.KINDS, "date as a serial number"), "2019-06-14", "released"))
    assert "thirty-one" in many(kind(people.KINDS, "age in words"), 31, "age")


def test_a_kind_that_cannot_happen_to_a_value_does_not() -> None:
    assert many(kind(in_text.KINDS, "mojibake"), "Queen", "artist") == []
    assert many(kind(in_dates.KINDS, "date with a time"), "2019", "released") == []
    assert many(kind(in_names.KINDS, "article behind an artist"), "Queen", "artist") == []


def test_days_of_numbers_alone_are_lost_until_others_showed_their_order() -> None:
    order = in_dates.Order(day_first=True)
    first = order.make("2019-06-07", "released", Random(1))
    assert first is not None and first.lost
    for _ in range(in_dates.CLEAR_MIN):
        clear = order.make("2019-06-14", "released", Random(1))
        assert clear is not None and not clear.lost
    later = order.make("2019-06-07", "released", Random(1))
    assert later is not None and not later.lost


def knowing(*rows: Clean, times: int = WELL_KNOWN, others: tuple[Clean, ...] = ()) -> Known:
    known = Known([*rows, *others])
    for _ in range(times):
        for k, row in enumerate(rows):
            known.learn(f"t{k}", row, set())
    return known


METALLICA: Clean = {"track_id": "t0", "artist": "Metallica", "album": "Load"}
OAK: Clean = {"track_id": "t1", "artist": "Oaks", "album": "Wood"}


def test_a_slip_is_correctable_where_the_name_is_known_and_nothing_else_is_near() -> None:
    assert knowing(METALLICA).close("artist", METALLICA, "Metalica", {"artist"})
    assert not knowing(METALLICA, times=WELL_KNOWN - 1).close("artist", METALLICA, "Metalica", {"artist"})
    assert not knowing(METALLICA, others=({"artist": "Metalicka"},)).close("artist", METALLICA, "Metalicca", {"artist"})
    assert not knowing(METALLICA, others=({"artist": "METALLICA"},)).close("artist", METALLICA, "Metalica", {"artist"}), "written two ways"


def test_a_slip_in_a_short_name_is_correctable_beside_its_album_alone() -> None:
    known = knowing(OAK)
    assert known.close("artist", OAK, "Oasks", {"artist"})
    assert not known.close("artist", OAK, "Oasks", {"artist", "album"})
    assert not known.close("artist", {**OAK, "album": "Stone"}, "Oasks", {"artist"})


def test_a_lost_value_is_correctable_where_another_row_said_it_and_none_said_otherwise() -> None:
    known = knowing(METALLICA)
    assert known.said("t0", METALLICA, "album") and not known.said("t1", METALLICA, "album")
    known.learn("t0", {**METALLICA, "album": "Reload"}, {"artist"})
    assert not known.said("t0", METALLICA, "album")


def test_clean_rows_are_read_strictly() -> None:
    rows = [{"energy": "0.5", "tempo": "120 bpm", "key": "6.0", "released": "14/06/2019", "album": "NA", "track_id": "t"}]
    assert strictly(rows, TRACK) == [{"track_id": "t", "energy": 0.5}]
    assert list(strictly(rows, TRACK)[0]) == ["track_id", "energy"], "the identity comes first"


def test_the_generator_knows_nothing_of_the_cleaners_rules() -> None:
    allowed = {"online_models.cleaning.fields", "online_models.cleaning.verdicts"}
    for path in Path(next(iter(evaluation.faults.__path__))).glob("*.py"):
        imported = {node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
        assert {name for name in imported if name.startswith("online_models")} <= allowed, path.name
