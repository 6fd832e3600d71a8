"""`segue map` writes one page that needs nothing else; `segue evaluate clusters` and `maps` print what others build on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from console.cli import app
from console.cluster_report import tables
from console.commands import mapping
from console.commands.mapping import _measured
from console.map_page import page
from evaluation import text_contest
from online_models.clusters import micro_genres
from online_models.texts import text_clusters

SOUNDS = ("danceability", "energy", "valence", "acousticness", "speechiness")


def run(*args: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, args)
    return found.exit_code, found.stdout, found.stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Tracks of three sub-genres of two genres."""
    rng = np.random.default_rng(1)
    lines = ["track_id,title,artist,genre,subgenre," + ",".join(SOUNDS)]
    for i in range(240):
        s = i % 3
        sounds = np.clip(np.array([0.2, 0.5, 0.8])[(s + np.arange(5)) % 3] + 0.03 * rng.normal(size=5), 0, 1)
        lines.append(
            f"t{i},Song {i} </script>,Band {s}{i % 7},{'rock' if s else 'rap'},style {s}," + ",".join(f"{it:.3f}" for it in sounds)
        )
    path = tmp_path / "tracks.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(("colour", "dims"), [("genre", 2), ("cluster", 3)])
def test_a_map_is_one_page_of_its_own(file: Path, tmp_path: Path, colour: str, dims: int) -> None:
    out = tmp_path / "map.html"
    code, said, _ = run("map", str(file), "--out", str(out), "--colour", colour, "--dims", str(dims), "--json")
    html = out.read_text()
    assert code == 0 and json.loads(said)["tracks"] == 240
    assert html.count("</script>") == 2 and "http" not in html, "titles end no script, and nothing is loaded from elsewhere"
    data = json.loads(re.findall(r'id="data">(.*?)</script>', html, re.DOTALL)[0])
    assert len(data["at"]) == 240 * dims and data["names"][5] == "Band 25 - Song 5 </script>"
    assert sum(group["tracks"] for group in data["groups"]) == 240
    assert colour != "genre" or [group["name"] for group in data["groups"]] == ["rock", "rap"]


@pytest.mark.parametrize(("name", "dims", "begins"), [("map.png", 2, b"\x89PNG"), ("map.svg", 3, b"<?xml")])
def test_a_map_is_a_picture_by_its_ending(file: Path, tmp_path: Path, name: str, dims: int, begins: bytes) -> None:
    out = tmp_path / name
    code, _, said = run("map", str(file), "--out", str(out), "--dims", str(dims))
    assert code == 0 and "240 tracks in 2 groups" in said and out.read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("args", "said", "next_command"),
    [
        (("--out", "map.gif"), "a picture ends in one of .png, .svg, .pdf", "--out map.html"),
        (("--out", "/nowhere/map.png"), "there is no folder", "map.html"),
        (("--out", "/nowhere/map.html"), "cannot be written", "map.html"),
    ],
)
def test_errors_name_the_next_command(file: Path, args: tuple[str, ...], said: str, next_command: str) -> None:
    code, _, err = run("map", str(file), *args)
    assert code == 2 and said in err and next_command in err


def test_a_map_of_points_that_fall_together_has_a_scale() -> None:
    assert '"radius":0.001' in page(np.zeros((2, 2)), ["a", "b"], ["x", "x"], "two")


def test_clusters_are_reported_with_rivals(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_genres, "FIRST_N", 150)
    code, out, _ = run("evaluate", "clusters", str(file), "--seeds", "2", "--json")
    report = json.loads(out)
    assert code == 0 and (report["target"], report["targets"], report["tracks"]) == ("subgenre", 3, 240)
    audio = report["variants"]["audio"]
    assert audio["number"]["mean"] == 3.0 and audio["ami"]["least"] > 0.9 and audio["orders_agree"]["least"] > 0.9
    assert audio["kept_share"]["least"] > 0.9 and len(audio["rivals"]["batch k-means, plain audio"]["ahead"]) == 2
    assert sum(cluster["tracks"] for cluster in audio["clusters"]) == 240
    shown = "".join(_text(part) for part in tables(report))
    assert "orders agree" in shown and "River's KMeans" in shown


def test_clusters_of_words_are_reported_beside_those_of_sound(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_genres, "FIRST_N", 150)
    monkeypatch.setattr(text_clusters, "FIRST_N", 150)
    monkeypatch.setattr(text_contest, "RIVER_N", 60)
    words = ("storm stone steel", "river honey moon", "flow street cash")
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], *(_titled(line, words[i % 3].split(), i) for i, line in enumerate(lines[1:]))]) + "\n")
    code, out, _ = run("evaluate", "clusters", str(file), "--seeds", "2", "--json")
    report = json.loads(out)
    texts = report["texts"]
    assert code == 0 and set(texts) == set(report["variants"]["audio"]), "told in the same way"
    assert texts["ami_now"]["least"] > 0.9 and sum(cluster["tracks"] for cluster in texts["clusters"]) == 240
    rivals = texts["rivals"]
    assert {name: found["tracks"] for name, found in rivals.items()} == {
        "batch k-means, the same words": 240,
        "latent semantic analysis, batch k-means": 240,
        "River's TextClust": 60,
    }
    assert all(len(found["ahead"]) == 2 and found["ami"]["most"] > 0.5 < found["ours"]["least"] for found in rivals.values())
    shown = "".join(_text(part) for part in tables(report))
    assert "River's TextClust" in shown and "clusters of 60" in shown and "texts: clusters of the first seed" in shown


def _titled(line: str, words: list[str], i: int) -> str:
    """A row of the file with a title of two of these words."""
    track, _, rest = line.split(",", 2)
    return f"{track},{words[i % 3]} {words[(i // 3 + 1) % 3]},{rest}"


def _text(part: RenderableType) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(part)
    return captured.get()


def test_maps_are_reported_beside_scikit_learns(file: Path) -> None:
    code, out, _ = run("evaluate", "maps", str(file), "--seeds", "2", "--json")
    report = json.loads(out)
    found = report["variants"]["audio"]
    ours, landmarks, batch, classical = (found[who] for who in ("ours", "library_landmarks", "batch", "classical"))
    assert code == 0 and (report["compared"], list(report["variants"])) == (240, ["audio", "company", "labels"])
    assert 0.8 < ours["over_batch"]["mean"] < 1.2 and ours["versions"]["mean"] >= 1
    assert batch["stress"]["mean"] < classical["stress"]["mean"], "scaling goes on from where the classical one ends"
    assert ours["neighbours"]["least"] > 0.8 and landmarks["neighbours"]["least"] > 0.8
    assert abs(landmarks["landmarks_stress"]["mean"] / ours["landmarks_stress"]["mean"] - 1.0) < 0.1 and ours["stress"]["deviation"] > 0.0
    shown = "".join(_text(part) for part in _measured(report))
    assert shown.count("neighbours kept") == 3 and "labels: 240 tracks" in shown


def test_without_scikit_learn_it_is_said_what_to_install(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "find_spec", lambda name: None)
    code, _, err = run("evaluate", "maps", str(file))
    assert code == 1 and "scikit-learn" in err and "pip install 'segue[rivals]'" in err


def test_a_catalogue_without_genres_cannot_be_measured(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text("track_id,title\nt1,a\n")
    code, _, err = run("evaluate", "clusters", str(path))
    assert code == 3 and "--map genre=COLUMN" in err
