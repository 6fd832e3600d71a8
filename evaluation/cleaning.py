"""Does cleaning bring faults back to what stood there, and leave clean rows alone? Faults are made on purpose, with seeds.

The rows of a file that is clean are shuffled, one in ten is hit (`evaluation.faults`), and all go through the cleaner once, in order:
each is cleaned with what the rows before it taught. Beside them a table of users is made up, for files of tracks have no ages.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from random import Random
from statistics import mean
from typing import Any, Final, NamedTuple

from evaluation.cleaned_accuracy import losses
from evaluation.faults.dirt import TRACK_KINDS, Dirty, dirty, strictly
from evaluation.faults.fault import Clean, Fault, Row
from evaluation.faults.people import KINDS as USER_KINDS
from evaluation.faults.people import users
from online_models.cleaning.duplicates import Recordings, merge
from online_models.cleaning.fields import TRACK, USER, Field
from online_models.cleaning.rows import BadRow, CleanRow, RowCleaner
from online_models.cleaning.verdicts import Value

USERS_N: Final = 10_000
EXAMPLES_MAX: Final = 5
SHOWN_CHARS_MAX: Final = 60
CORRECTED_MIN: Final = 0.98
CHANGED_MAX: Final = 0.001
LOSS_MAX: Final = 0.01
"""Goals: of correctable faults, of clean rows, and of accuracy."""

Steps = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows progress: what, of how many; the manager gives what is to be told how many are done."""


class Judged(NamedTuple):
    """A fault, and what cleaning says where it was."""

    fault: Fault
    answer: Value | None
    is_right: bool


class Cleaned(NamedTuple):
    """What became of a dirty row."""

    row: CleanRow | None
    """None = it was refused."""
    merged: Mapping[str, Value]
    """All that the rows of its track said so far."""
    same_as: str
    """The id under which its recording came first."""


def evaluate(rows: Sequence[Row], seeds: Sequence[int], rate: float, steps: Steps) -> dict[str, Any]:
    """The report, as `--json` prints it; `rows` of tracks (field -> raw value) are clean.

    Raises ValueError where they have no row that can be read.
    """
    runs = [_one(rows, seed, rate, steps) for seed in seeds]
    tables = [run[table] for run in runs for table in ("tracks", "users")]
    worst = {
        "corrected_share": min(table["corrected_share"] for table in tables),
        "changed_share": max(table["changed_share"] for table in tables),
        "not_finite": sum(table["not_finite"] for table in tables),
        "accuracy_loss": max((found["loss"][1] for run in runs for found in run["accuracy"].values()), default=0.0),
    }
    return {
        "rate": rate,
        "seeds": list(seeds),
        "over_seeds": _over_seeds(runs),
        "worst": worst,
        "goals_met": {
            "corrected_share": worst["corrected_share"] >= CORRECTED_MIN,
            "changed_share": worst["changed_share"] <= CHANGED_MAX,
            "not_finite": worst["not_finite"] == 0,
            "accuracy_loss": worst["accuracy_loss"] <= LOSS_MAX,
        },
        "kinds": _kinds([it for run in runs for it in run["judged"]]),
        "runs": [{name: run[name] for name in ("seed", "tracks", "users", "accuracy")} for run in runs],
    }


def _over_seeds(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Table or model -> its figures as [lowest, mean, highest] of the runs."""
    tables = {
        table: {name: _spread([run[table][name] for run in runs]) for name in ("corrected_share", "changed_share")}
        for table in ("tracks", "users")
    }
    models = {model: {"loss": _spread([run["accuracy"][model]["loss"][1] for run in runs])} for model in runs[0]["accuracy"]}
    return {**tables, **models}


def _spread(values: Sequence[float]) -> list[float]:
    return [min(values), round(mean(values), 6), max(values)]


def _one(rows: Sequence[Row], seed: int, rate: float, steps: Steps) -> dict[str, Any]:
    chance = Random(seed)
    shuffled = chance.sample(rows, len(rows))  # a file in the order of its genres teaches one after the other
    truth = strictly(shuffled, TRACK)
    known = [k for k, row in enumerate(truth) if "track_id" in row]
    if not known:
        raise ValueError("no row has an id")
    tracks = dirty([shuffled[k] for k in known], [truth[k] for k in known], TRACK_KINDS, chance, rate=rate, repeats=True)
    people = users(USERS_N, chance)
    made_up = dirty([dict(row) for row in people], people, USER_KINDS, chance, rate=rate, repeats=False)
    found, us_per_row = _clean(tracks.rows, TRACK, f"seed {seed}: tracks", steps)
    found_users, _ = _clean(made_up.rows, USER, f"seed {seed}: users", steps)
    judged, judged_users = _judge(tracks, found), _judge(made_up, found_users)
    return {
        "seed": seed,
        "tracks": {**_table(tracks, found, judged), "us_per_row": us_per_row},
        "users": _table(made_up, found_users, judged_users),
        "judged": judged + judged_users,
        "accuracy": losses(tracks, [it.row for it in found], seed, steps),
    }


def _clean(rows: Sequence[Row], fields: Mapping[str, Field], what: str, steps: Steps) -> tuple[list[Cleaned], float]:
    """Every row, cleaned with what those before it taught, and us of CPU per row."""
    cleaner, recordings = RowCleaner(fields.values()), Recordings()
    merged: dict[str, dict[str, Value]] = {}
    same_as: dict[str, str] = {}
    found = []
    began = time.process_time()
    with steps(what, len(rows)) as show:
        for n, raw in enumerate(rows, 1):
            try:
                row = cleaner.clean_one(raw)
            except BadRow:
                found.append(Cleaned(None, {}, ""))
                continue
            cleaner.learn_one(raw, row)
            identity = str(row.values[cleaner.identity])
            merged[identity] = merge(merged.get(identity, {}), row.values).values
            other = recordings.add(identity, row)
            same_as.setdefault(identity, other or identity)
            found.append(Cleaned(row, merged[identity], same_as[identity]))
            show(n)
    return found, round((time.process_time() - began) * 1e6 / len(rows), 1)


def _table(made: Dirty, found: Sequence[Cleaned], judged: Sequence[Judged]) -> dict[str, Any]:
    """The figures of one table of rows."""
    correctable = [it for it in judged if it.fault.correctable]
    corrected = sum(it.is_right for it in correctable)
    changed = [change for k in range(len(made.rows)) if k not in made.hit and (change := _change(made.clean[k], found[k]))]
    beside = sum(_changed_beside(made, k, found[k]) for k in made.hit)
    n_clean = len(made.rows) - len(made.hit)
    return {
        "rows": len(made.rows),
        "hit": len(made.hit),
        "faults": len(made.faults),
        "correctable": len(correctable),
        "corrected": corrected,
        "corrected_share": round(corrected / max(len(correctable), 1), 5),
        "clean_rows": n_clean,
        "changed": len(changed),
        "changed_share": round(len(changed) / max(n_clean, 1), 6),
        "changed_examples": changed[:EXAMPLES_MAX],
        "changed_beside": beside,
        "not_finite": sum(_not_finite(it) for it in found),
    }


def _change(true: Clean, it: Cleaned) -> list[str]:
    """[field, before, after] of the first field of a clean row that is not as it was; [] = all are."""
    values = it.row.values if it.row is not None else {}
    for field in {**true, **values}:
        if true.get(field) != values.get(field):
            return [field, shown(true.get(field)), shown(values.get(field))]
    return []


def _changed_beside(made: Dirty, k: int, it: Cleaned) -> int:
    """Values of a hit row that had no fault, and are not as they were."""
    values = it.row.values if it.row is not None else made.clean[k]
    return sum(values.get(field) != value for field, value in made.clean[k].items() if (k, field) not in made.damaged)


def _not_finite(it: Cleaned) -> int:
    numbers = [] if it.row is None else [*it.row.values.values(), *it.row.estimates.values()]
    return sum(isinstance(number, int | float) and not math.isfinite(number) for number in numbers)


def _judge(made: Dirty, found: Sequence[Cleaned]) -> list[Judged]:
    """Every fault, in the order in which they were made."""
    identity = next(iter(made.clean[0]))
    first = {str(it.row.values[identity]): it.same_as for it in reversed(found) if it.row is not None}
    judged = []
    for fault in made.faults:
        answer, true = _answer(fault, found), made.clean[fault.row]
        if fault.look == "link":  # the first id may itself be another one's recording
            is_right = answer is not None and answer == first.get(str(fault.clean))
        elif fault.field == identity:  # a row that comes again: all that the track's rows say is what they said
            is_right = all(found[fault.row].merged.get(field) == value for field, value in true.items())
        else:
            is_right = _is_near(answer, fault)
        judged.append(Judged(fault, answer, is_right))
    return judged


def _answer(fault: Fault, found: Sequence[Cleaned]) -> Value | None:
    """What cleaning says where the fault is."""
    it = found[fault.row]
    if it.row is None:
        return None
    if fault.look == "name":
        return it.row.title.name if it.row.title is not None else None
    if fault.look == "credit":
        return it.row.credit.name if it.row.credit is not None else None
    if fault.look == "link":
        return it.same_as
    return (it.merged if fault.look == "merged" else it.row.values).get(fault.field)


def _is_near(answer: Value | None, fault: Fault) -> bool:
    if isinstance(answer, int | float) and isinstance(fault.clean, int | float):
        return abs(answer - fault.clean) <= fault.within + 1e-9 * abs(fault.clean)
    return answer == fault.clean


def _kinds(judged: Iterable[Judged]) -> list[dict[str, Any]]:
    """Faults of all seeds by kind."""
    by_kind: dict[str, list[Judged]] = {}
    for it in judged:
        by_kind.setdefault(it.fault.kind, []).append(it)
    return [_kind(name, by_kind[name]) for name in sorted(by_kind)]


def _kind(name: str, judged: Sequence[Judged]) -> dict[str, Any]:
    correctable = [it for it in judged if it.fault.correctable]
    lost = [it for it in judged if not it.fault.correctable]
    failed = [it for it in correctable if not it.is_right]
    return {
        "kind": name,
        "faults": len(judged),
        "correctable": len(correctable),
        "corrected": len(correctable) - len(failed),
        "uncorrectable": len(lost),
        "left_out": sum(it.answer is None for it in lost),
        "right_all_the_same": sum(it.is_right for it in lost),
        "failures": [[it.fault.field, shown(it.fault.dirty), shown(it.answer), shown(it.fault.clean)] for it in failed[:EXAMPLES_MAX]],
    }


def shown(value: object) -> str:
    """For people, of any length and kind.

    >>> shown("x" * 100)[-3:], shown(10**5_000), shown(None)
    ('xx…', 'int', '')
    """
    try:
        text = value if isinstance(value, str) else "" if value is None else repr(value)
    except ValueError:  # an int of thousands of digits
        text = type(value).__name__
    return text if len(text) <= SHOWN_CHARS_MAX else text[: SHOWN_CHARS_MAX - 1] + "…"
