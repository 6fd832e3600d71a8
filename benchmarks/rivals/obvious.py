"""The obvious build: a stock Faust agent, River's `reco.BiasedMF` over 1,000 candidates, redis-py, a list pair per play.

What one writes in an afternoon to answer the same events with the same pair of lists. Each play is decoded and learned
(1 = finished, 0 = broken off); one pipeline updates the user and reads the 1,000 most popular tracks and the user's
history from Redis; the candidates are ranked; a logistic regression says whether each entry will be finished; the pair is
written to the user's hash and sent to the recommendations topic. No duplicate is found, no crash is survived exactly.
`python -m benchmarks.rivals.obvious`, settings by environment.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, Final

import faust
from redis.asyncio import Redis
from river import linear_model, preprocessing, reco

from infra.settings import Settings

CANDIDATES_N: Final = 1_000
LISTED_N: Final = 20
HISTORY_N: Final = 100
HANDLED: Final = "handled"
"""Field of `handled_key` that counts plays."""


def handled_key(namespace: str) -> str:
    """The hash in which the build counts."""
    return f"{namespace}:stats"


def popular_key(namespace: str) -> str:
    """The sorted set of tracks by plays."""
    return f"{namespace}:popular"


class Build:
    """State in Redis, the model in memory."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._namespace = settings.namespace
        self._redis: Any = Redis.from_url(settings.redis, decode_responses=True)
        self._model = reco.BiasedMF(n_factors=10, seed=seed)
        self._finish = preprocessing.StandardScaler() | linear_model.LogisticRegression()
        self._plays: Counter[str] = Counter()
        self._finishes: Counter[str] = Counter()

    async def answer(self, play: dict[str, Any]) -> bytes:
        """Learn one play; the JSON of the user's two lists."""
        user, track = play["user_id"], play["track_id"]
        candidates, heard = await self._note(user, track, play["played_at"])
        self._learn(user, track, play.get("reason_end") == "trackdone")
        ranked = self._model.rank(user, candidates)
        fresh = [candidate for candidate in ranked if candidate not in heard]
        lists = {"next": self._entries(user, track, ranked), "discover": self._entries(user, track, fresh)}
        value = json.dumps({"user_id": user, "cause": {"event_id": play["event_id"]}, **lists})
        await self._redis.hset(self._user_key(user), "list", value)
        return value.encode()

    def _learn(self, user: str, track: str, finished: bool) -> None:
        self._model.learn_one(user, track, float(finished))
        self._finish.learn_one(self._features(user, track), finished)
        for who in (user, track):
            self._plays[who] += 1
            self._finishes[who] += finished

    def _features(self, user: str, track: str) -> dict[str, float]:
        """What is known of the two."""
        plays, finishes = self._plays, self._finishes
        return {
            "user": finishes[user] / max(1, plays[user]),
            "track": finishes[track] / max(1, plays[track]),
            "user_plays": math.log1p(plays[user]),
            "track_plays": math.log1p(plays[track]),
        }

    async def _note(self, user: str, track: str, at_ms: int) -> tuple[list[str], set[str]]:
        """Update the user and the counts; the candidates and what the user heard lately."""
        key, history = self._user_key(user), f"{self._user_key(user)}:history"
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hset(key, mapping={"last_track": track, "last_at": at_ms})
            pipeline.lpush(history, track)
            pipeline.ltrim(history, 0, HISTORY_N - 1)
            pipeline.zincrby(popular_key(self._namespace), 1, track)
            pipeline.hincrby(handled_key(self._namespace), HANDLED, 1)
            pipeline.zrevrange(popular_key(self._namespace), 0, CANDIDATES_N - 1)
            pipeline.lrange(history, 0, HISTORY_N - 1)
            *_, candidates, heard = await pipeline.execute()
        return candidates, set(heard)

    def _entries(self, user: str, track: str, ranked: list[str]) -> list[dict[str, Any]]:
        return [self._entry(user, track, listed) for listed in ranked[:LISTED_N]]

    def _entry(self, user: str, track: str, listed: str) -> dict[str, Any]:
        return {
            "track_id": listed,
            "score": self._model.predict_one(user, listed),
            "source": "factors",
            "because": [track],
            "propensity": 1.0,
            "finish": round(self._finish.predict_proba_one(self._features(user, listed))[True], 3),
        }

    def _user_key(self, user: str) -> str:
        return f"{self._namespace}:user:{user}"


def build_app(settings: Settings, seed: int) -> faust.App:
    """The app, as Faust's introduction has it."""
    app = faust.App(
        f"{settings.namespace}.obvious",
        broker=f"kafka://{settings.kafka}",
        store="memory://",
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    events = app.topic(f"{settings.namespace}.events", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    lists = app.topic(f"{settings.namespace}.recommendations", key_serializer="raw", value_serializer="raw")
    build = Build(settings, seed)

    @app.agent(events)  # type: ignore[untyped-decorator]
    async def recommend(stream: Any) -> None:
        async for value in stream:
            play = json.loads(value)
            await lists.send(key=play["user_id"].encode(), value=await build.answer(play))

    return app


def main() -> None:
    """Run the worker until a signal."""
    faust.Worker(build_app(Settings.from_env(), seed=1), loglevel="WARNING").execute_from_commandline()


if __name__ == "__main__":
    main()
