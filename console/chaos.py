"""Chaos runs: real services and workers, a producer that keeps them busy, faults from a seed, and a verdict from outside.

The verdict is not ours: `python -m tests.oracle` judges as a process of its own, from the topics and Redis alone.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import msgspec

from console.chaos_acts import Stage, Struck
from console.chaos_feed import Feed
from console.chaos_load import Load
from console.chaos_plan import GAP_S, SUPERVISORS, plan_kills
from console.chaos_site import ChaosSite
from console.output import say
from console.owed import Cursor, items_owed, lessons_owed
from console.trouble import Exit, Trouble
from infra.kafka_jars import project_dir
from infra.settings import Settings
from streams.listening import PUPILS
from streams.making import FINISH
from streams.ports import Clock

NAMESPACE: Final = "chaos"
FINISH_S: Final = 180.0
DRAIN_S: Final = 300.0
JUDGE_S: Final = 600.0
BURSTS_SHARE: Final = 0.6
"""Of the plays, this share comes in bursts at the faults, and most of the rest as a trickle between them."""
TRICKLE_SHARE: Final = 0.3
REST_S: Final = 6.0
"""Time between two faults of a service, after the recovery."""


class Options(NamedTuple):
    """What the command was asked for; `times` = how many faults."""

    what: str
    plays: int
    times: int
    seed: int
    keep: bool = False


class Result(msgspec.Struct):
    """What came of a run; `verdict` is the oracle's."""

    what: str
    ok: bool
    lost: int
    double: int
    kills: int
    recovery_p50_s: float | None
    recovery_p95_s: float | None
    recovery_max_s: float | None
    lag_min: int
    """Smallest lag at which a fault struck."""
    faults: dict[str, int]
    """How often each kind of fault struck, fail points by name."""
    supervisor_recovery_s: list[float | None]
    plays: int
    seed: int
    seconds: float
    folder: str
    verdict: dict[str, Any]


def run(settings: Settings, options: Options, clock: Clock) -> Result:
    """One run from nothing to verdict.

    Raises
    ------
    Trouble : the tests are not there (a chaos run needs a checkout), or the run itself broke (exit 1)
    """
    if not (project_dir() / "tests" / "oracle").is_dir():
        raise Trouble(Exit.USAGE, "a chaos run is judged by tests/oracle, which only a checkout has", "git clone")
    started_s = time.monotonic()
    folder = _folder(Path(settings.data_dir) / "chaos", options)
    own = msgspec.structs.replace(settings, namespace=NAMESPACE)
    with ChaosSite(folder, own) as site:
        struck, feed = _strike(site, options, clock)
        verdict = _judge(site, options)
        result = _result(options, struck, feed, verdict, time.monotonic() - started_s, folder)
    (folder / "verdict.json").write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    if result.ok and not options.keep:
        shutil.rmtree(folder / "data", ignore_errors=True)
    return result


def _strike(site: ChaosSite, options: Options, clock: Clock) -> tuple[list[Struck], Feed]:
    """Let everything happen, then wait until every record is applied and the workers have stopped."""
    script = SCRIPTS[options.what](options)
    n_bursts, seconds = script.n_bursts, script.seconds
    load = Load(options.seed, clock.now_ms(), partitions=site.settings.events_partitions)
    feed = Feed(site.settings, load.records(), plays=options.plays, per_s=options.plays * TRICKLE_SHARE / seconds)
    stage = Stage(site, feed, max(200, int(options.plays * BURSTS_SHARE / n_bursts)))
    feed.start()
    try:
        struck = list(script.acts(stage))
        say(f"all faults done; {feed.plays_left:,} plays are still to be sent")
        feed.finish(FINISH_S)
        _drain(site, feed)
        if script.idle is not None:
            struck.append(script.idle(stage))
            _drain(site, feed)
    finally:
        feed.stop()
    site.history.add("drained", acked=feed.n_acked)
    site.stop_workers()
    return struck, feed


def _drain(site: ChaosSite, feed: Feed) -> None:
    """Until events, then deltas, then lessons are taken."""
    deadline_s = time.monotonic() + DRAIN_S
    _wait(site, deadline_s, "events", lambda: site.progress(feed.ends).lag == 0 and bool(site.progress({}).at))
    _wait(site, deadline_s, "track deltas", partial(_is_taken, site, site.delta_cursors(), items_owed))
    for name in (FINISH, *(name for name, _ in PUPILS)):
        owed = partial(_lessons_owed, name)
        _wait(site, deadline_s, f"lessons of {name}", partial(_is_taken, site, [site.keys.model_cursor(name)], owed))


def _is_taken(site: ChaosSite, by: Sequence[str], owed: Callable[[Sequence[Cursor], Sequence[Cursor]], int]) -> bool:
    """Did those with the cursors `by` take all that users' partitions numbered for them? Ends of topics do not tell (`console/owed.py`)."""
    users, takers = site.hashes(site.event_cursors()), site.hashes(by)
    return bool(users) and bool(takers) and owed(users, takers) == 0


def _lessons_owed(model: str, users: Sequence[Cursor], cursors: Sequence[Cursor]) -> int:
    return lessons_owed(users, model, cursors[0])


def _wait(site: ChaosSite, deadline_s: float, what: str, done: Callable[[], bool]) -> None:
    while not done():
        site.check()
        if time.monotonic() > deadline_s:
            site.history.add("stuck", what=what, cursors=site.progress({}).at)
            say(f"the {what} are not taken {DRAIN_S:.0f} s after the last fault; judging what stands")
            return
        time.sleep(0.2)


def _judge(site: ChaosSite, options: Options) -> dict[str, Any]:
    """The oracle's verdict, from a process of its own."""
    say("judging: the topics and Redis are read by tests/oracle")
    s = site.settings
    where = ["--kafka", s.kafka, "--redis", s.redis, "--namespace", s.namespace]
    how = ["--id-key", s.id_key, "--lessons-rate", str(s.lessons_rate), "--listening-rate", str(s.listening_rate), "--json"] + (
        ["--rewound"] if SCRIPTS[options.what](options).rewound else []
    )
    done = subprocess.run([sys.executable, "-m", "tests.oracle", *where, *how], cwd=project_dir(), stdout=subprocess.PIPE, timeout=JUDGE_S)
    if done.returncode not in (0, 1) or not done.stdout:
        raise Trouble(
            Exit.FAILURE, f"the oracle could not judge (exit {done.returncode}); data is in {site.folder}", "python -m tests.oracle --help"
        )
    verdict: dict[str, Any] = msgspec.json.decode(done.stdout)
    return verdict


def _result(options: Options, struck: Sequence[Struck], feed: Feed, verdict: dict[str, Any], seconds: float, folder: Path) -> Result:
    if verdict["records"] != feed.n_acked:
        verdict["errors"].append(f"the producer has {feed.n_acked} acknowledgements, the log {verdict['records']} records")
    apart = ("supervisor", "models")
    counted = [each for each in struck if each.what not in apart]
    times = sorted(each.recovery_s if each.recovery_s is not None else math.inf for each in counted)
    faults: dict[str, int] = {}
    for each in struck:
        faults[each.what] = faults.get(each.what, 0) + 1
    return Result(
        what=options.what,
        ok=bool(verdict["ok"]) and verdict["records"] == feed.n_acked and all(each.recovery_s is not None for each in struck),
        lost=verdict["lost"],
        double=verdict["double"],
        kills=len(counted),
        recovery_p50_s=_percentile(times, 0.50),
        recovery_p95_s=_percentile(times, 0.95),
        recovery_max_s=_percentile(times, 1.0),
        lag_min=min((each.lag for each in struck if not each.what.endswith("idle")), default=0),
        faults=faults,
        supervisor_recovery_s=[each.recovery_s for each in struck if each.what == "supervisor"],
        plays=verdict["plays"],
        seed=options.seed,
        seconds=round(seconds, 1),
        folder=str(folder),
        verdict=verdict,
    )


def _percentile(times: Sequence[float], share: float) -> float | None:
    """Nearest rank; None where it is never.

    >>> _percentile([1.0, 2.0, 3.0], 0.95), _percentile([1.0, math.inf], 0.95), _percentile([], 0.5)
    (3.0, None, None)
    """
    if not times:
        return None
    found = times[max(0, math.ceil(len(times) * share) - 1)]
    return found if math.isfinite(found) else None


def _folder(home: Path, options: Options) -> Path:
    """A new folder for this run."""
    home.mkdir(parents=True, exist_ok=True)
    for n in range(1, 10_000):
        folder = home / f"{options.what}-{options.seed}-{n}"
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise Trouble(Exit.FAILURE, f"{home} is full of runs", f"rm -r {home}")


# --- scripts ----------------------------------------------------------------------------------------


class Script(NamedTuple):
    """What happens in a run: its faults in order, how many bursts they send, how long they last about."""

    acts: Callable[[Stage], Iterator[Struck]]
    n_bursts: int
    seconds: float
    rewound: bool = False
    """Redis loses state: see `judge` of tests/oracle."""
    idle: Callable[[Stage], Struck] | None = None
    """One more fault when everything is applied and nothing comes any more."""


def _kills(options: Options) -> Script:
    plan = plan_kills(options.times, options.seed)

    def acts(stage: Stage) -> Iterator[Struck]:
        for n, kill in enumerate(plan, 1):
            time.sleep(max(0.0, stage.killed_s + kill.after_s - time.monotonic()))
            say(f"kill {n} of {len(plan)}: {kill.target} {kill.victim or kill.point}")
            yield stage.kill(kill)

    return Script(acts, len(plan), len(plan) * sum(GAP_S) / 2)


def _repeated(
    options: Options, act: Callable[[Stage, Random, int], Struck], each_s: float, *, rewound: bool = False, bursts: int = 1
) -> Script:
    def acts(stage: Stage) -> Iterator[Struck]:
        rng = Random(options.seed)
        for n in range(options.times):
            time.sleep(REST_S)
            say(f"{options.what} {n + 1} of {options.times}")
            yield act(stage, rng, n)

    return Script(acts, options.times * bursts, options.times * (each_s + REST_S), rewound)


def _redis_kill(options: Options) -> Script:
    return _repeated(options, lambda stage, rng, _: stage.redis_kill(rng.uniform(0.2, 3.0)), 3.0)


def _redis_flush(options: Options) -> Script:
    script = _repeated(options, lambda stage, _rng, _n: stage.redis_flush(), 10.0, rewound=True)
    return script._replace(idle=Stage.redis_flush_idle)


def _redis_rollback(options: Options) -> Script:
    script = _repeated(options, lambda stage, rng, _: stage.redis_rollback(rng.uniform(1.0, 5.0)), 8.0, rewound=True, bursts=2)
    return script._replace(idle=Stage.redis_rollback_idle)


def _broker_kill(options: Options) -> Script:
    return _repeated(options, lambda stage, rng, _: stage.broker_kill(rng.uniform(0.2, 3.0)), 20.0)


def _sleep(stage: Stage, rng: Random, n: int) -> Struck:
    """A zombie: it sleeps until its session is over and others have taken its partitions."""
    asleep_s = stage.site.settings.session_timeout_ms / 1000 + rng.uniform(3.0, 6.0)
    return stage.zombie(SUPERVISORS[n % len(SUPERVISORS)], asleep_s)


def _zombie(options: Options) -> Script:
    return _repeated(options, _sleep, 16.0, bursts=2)


def _mixed(options: Options) -> Script:
    """Every fault of a service and a zombie, in an order of the seed's; `times` rounds of all five."""
    faults: list[Callable[[Stage, Random, int], Struck]] = [
        lambda stage, rng, _: stage.redis_kill(rng.uniform(0.2, 3.0)),
        lambda stage, rng, _: stage.broker_kill(rng.uniform(0.2, 3.0)),
        lambda stage, rng, _: stage.redis_rollback(rng.uniform(1.0, 5.0)),
        lambda stage, _rng, _n: stage.redis_flush(),
        _sleep,
    ]
    order = Random(options.seed)
    acts = [fault for _ in range(options.times) for fault in order.sample(faults, len(faults))]
    script = _repeated(options._replace(times=len(acts)), lambda stage, rng, n: acts[n](stage, rng, n), 12.0, rewound=True, bursts=2)
    return script._replace(idle=Stage.redis_flush_idle)


SCRIPTS: Final[dict[str, Callable[[Options], Script]]] = {
    "kills": _kills,
    "redis-kill": _redis_kill,
    "redis-flush": _redis_flush,
    "redis-rollback": _redis_rollback,
    "broker-kill": _broker_kill,
    "zombie": _zombie,
    "mixed": _mixed,
}
