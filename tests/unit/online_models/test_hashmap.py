"""The kernels' map against a dictionary."""

from __future__ import annotations

from random import Random

from online_models.hashmap import find, new_map, put, remove


def test_it_does_what_a_dictionary_does_also_when_keys_collide() -> None:
    rng = Random(1)
    keys, values = new_map(200)
    held: dict[int, int] = {}
    for _ in range(20_000):
        key = rng.randrange(1, 40) * len(keys) + rng.randrange(3) + 1  # three home places for all keys
        if rng.random() < 0.5 and len(held) < 100:
            held[key] = rng.randrange(1000)
            put(keys, values, key, held[key])
        else:
            held.pop(key, None)
            remove(keys, values, key)
        probe = rng.choice([key, *held]) if held else key
        assert find(keys, values, probe) == held.get(probe, -1)
