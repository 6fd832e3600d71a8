"""A plays worker with a stopwatch at each stage: `python -m benchmarks.workers.stages`, settings by environment.

Everything is the real thing; functions are wrapped before it starts. A stage's time is CPU of the main thread between
its own steps: what other tasks do while a coroutine waits is theirs, and a stage inside another is taken out of it.
Reading the thread's clock costs 0.3 us and happens some hundred times a round, whatever its size.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil
from mode.threads import WorkerThread

import streams.worker as worker
from infra.settings import Settings
from infra.store import RedisStore
from online_models import plays
from streams.intake import Batch, Intake
from streams.loading import Loader
from streams.making import Maker
from streams.outbox import KafkaOutbox
from streams.pipeline import Pipeline
from streams.track_side import TrackSide
from streams.transport import ChunkConsumer
from streams.warm_up import warm_up

NOTE_EVERY_S: Final = 0.2
TRACKS: Final = "tracks side"
"""Whatever it does belongs to it, its fenced applies included."""


class Note(msgspec.Struct, frozen=True):
    """CPU since the start, ms: of the main thread by stage, of the other threads by name."""

    plays: int
    stages: dict[str, float]
    threads: dict[str, float]


class Stopwatch:
    """Sums exclusive CPU time of the main thread by stage."""

    def __init__(self) -> None:
        self.ns: Counter[str] = Counter()
        self.plays = 0
        self._stack = [""]
        self._mark_ns = 0

    def turn(self, name: str | None) -> None:
        """Enter stage `name`, or leave the present one (None)."""
        now_ns = time.thread_time_ns()
        self.ns[self._stack[-1]] += now_ns - self._mark_ns
        self._mark_ns = now_ns
        if name is None:
            self._stack.pop()
        else:
            self._stack.append(TRACKS if TRACKS in self._stack else name)

    def function(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call` as a stage."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            self.turn(name)
            try:
                return call(*args, **kwargs)
            finally:
                self.turn(None)

        return timed

    def coroutine(self, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The coroutine function `call` as a stage: its steps, not its waits."""

        async def timed(*args: Any, **kwargs: Any) -> Any:
            return await _Steps(self, name, call(*args, **kwargs))

        return timed


class _Steps:
    """Runs a coroutine step by step."""

    def __init__(self, watch: Stopwatch, name: str, inner: Awaitable[Any]) -> None:
        self._watch, self._name, self._inner = watch, name, inner

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._inner.__await__()
        step: Callable[[], Any] = lambda: next(steps)  # noqa: E731
        while True:
            self._watch.turn(self._name)
            try:
                waited = step()
            except StopIteration as end:
                return end.value
            finally:
                self._watch.turn(None)
            try:
                yield waited
                step = steps.__next__
            except BaseException as error:
                step = _thrower(steps, error)


def _thrower(steps: Any, error: BaseException) -> Callable[[], Any]:
    return lambda: steps.throw(error)


def wrap(watch: Stopwatch) -> None:
    """Put the stopwatch around every stage of a plays worker."""
    read = Intake.read

    def counted(self: Intake, records: Any, partition: int) -> Batch:
        watch.plays += len(records)
        return read(self, records, partition)

    _set(Intake, "read", watch.function("decode", counted))
    _set(Pipeline, "events", watch.function("columns", Pipeline.events))
    _set(plays, "handle", watch.function("learn and rank", plays.handle))
    _set(Pipeline, "_render", watch.function("lists as JSON", vars(Pipeline)["_render"]))
    _set(Maker, "make", watch.function("rows, items, records", Maker.make))
    for name in ("users", "tracks_for", "popular", "finish_model", "names"):
        _set(Loader, name, watch.coroutine("load rows", vars(Loader)[name]))
    _set(RedisStore, "apply", watch.coroutine("apply", RedisStore.apply))
    _set(KafkaOutbox, "publish", watch.coroutine("publish", KafkaOutbox.publish))
    _set(TrackSide, "fold", watch.coroutine(TRACKS, TrackSide.fold))
    _set(TrackSide, "flush", watch.coroutine(TRACKS, TrackSide.flush))
    _set(ChunkConsumer, "_deliver_some", watch.coroutine("receive", vars(ChunkConsumer)["_deliver_some"]))


def _set(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)


def note_for_ever(watch: Stopwatch, path: Path) -> None:
    """Append a `Note` now and then; runs on a thread of its own."""
    with path.open("wb") as out:
        while True:
            time.sleep(NOTE_EVERY_S)
            stages = {name or "loop, Faust and the rest": ns / 1e6 for name, ns in watch.ns.copy().items()}
            out.write(msgspec.json.encode(Note(watch.plays, stages, _other_threads_ms())) + b"\n")
            out.flush()


def _other_threads_ms() -> dict[str, float]:
    """CPU of every thread but the main one, ms."""
    kinds = {thread.native_id: thread_kind(thread) for thread in threading.enumerate()}
    used: Counter[str] = Counter()
    me = psutil.Process()
    for thread in me.threads():
        if thread.id != me.pid:
            used[kinds.get(thread.id, "librdkafka")] += 1000 * (thread.user_time + thread.system_time)
    return dict(used)


def thread_kind(thread: threading.Thread) -> str:
    """What a Python thread is there for."""
    if isinstance(thread, WorkerThread):
        return "consumer (aiokafka)"
    return "delivery callbacks" if thread.name == "segue-outbox" else "other"


def notes_path(data_dir: str) -> Path:
    """Where the notes stand."""
    return Path(data_dir) / "stages.jsonl"


def read_notes(path: Path) -> list[Note]:
    """All whole lines."""
    lines = path.read_bytes().split(b"\n")[:-1]
    return [msgspec.json.decode(line, type=Note) for line in lines]


def main() -> None:
    """Run one worker in this process until a signal."""
    settings = Settings.from_env()
    warm_up("plays")
    watch = Stopwatch()
    wrap(watch)
    path = notes_path(settings.data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    threading.Thread(target=note_for_ever, args=(watch, path), name="notes", daemon=True).start()
    worker.run_worker("plays", settings)


if __name__ == "__main__":
    main()
