"""Who made what, from the imported catalogue: as it was cleaned, each row read once, and found however a name is written."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from console.artists import Artists, ArtistsInRedis, makers
from console.trouble import Trouble
from infra.memory_store import MemoryRedis
from infra.settings import Settings
from tests.state_in_memory import MemoryState, put_catalogue

SETTINGS = Settings(catalogue_partitions=3)
ROWS = (
    {"track_id": "t:1", "artist": "Sigur  R&oacute;s"},
    {"track_id": "t2", "artist": "SIGUR RÓS"},
    {"track_id": "t3", "title": "x"},
    {"track_id": "t4", "artist": "Björk"},
)


@pytest.fixture
def state() -> MemoryState:
    state = MemoryState(SETTINGS, MemoryRedis())
    put_catalogue(state.redis, SETTINGS, ROWS)
    return state


def test_artists_are_those_of_the_imported_catalogue(state: MemoryState) -> None:
    found = makers(state, None)
    assert isinstance(found, ArtistsInRedis)
    assert (found.name("t:1"), found.name("t3"), found.name("nobody's"), found.key("t3")) == ("Sigur Rós", None, None, None)
    assert found.key("t:1") == found.key("t2") == "sigur rós"
    assert sorted(found.tracks("sigur rós")) == ["t2", "t:1"] and state.n_scans == 1
    with pytest.raises(Trouble, match="no artist 'Bjork'") as trouble:
        found.tracks("Bjork")
    assert trouble.value.next_command == f"segue similar --artist {shlex.quote('Björk')}", "the closest name"


def test_a_track_is_read_once(state: MemoryState) -> None:
    found = makers(state, None)
    found.know(["t:1", "t2", "nobody's"])
    state.redis.flush()
    assert (found.name("t:1"), found.name("nobody's"), found.name("t4")) == ("Sigur Rós", None, None)


def test_a_file_wins_and_without_any_catalogue_the_import_is_named(state: MemoryState, tmp_path: Path) -> None:
    (tmp_path / "songs.csv").write_text("track_id,artist\nt2,Somebody\n")
    assert makers(state, tmp_path / "songs.csv").name("t2") == "Somebody"
    nothing = makers(MemoryState(SETTINGS, MemoryRedis()), None)
    assert isinstance(nothing, Artists) and nothing.name("t2") is None
    with pytest.raises(Trouble, match="import one") as trouble:
        nothing.tracks("Björk")
    assert trouble.value.next_command == "segue import catalogue FILE --wait"
