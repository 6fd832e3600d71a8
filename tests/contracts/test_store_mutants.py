"""Proof that the contract bites: each safeguard of the scripts is taken out, and a named promise must break.

A mutant that survives is a missing test.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import pytest
from redis.asyncio import Redis

from infra import scripts
from infra.fenced import Command, StoreBroken
from infra.redis_process import LocalRedis
from infra.scripts import Script
from infra.store import RedisStore
from tests.contracts.raw_redis import RawRedis
from tests.contracts.store_contract import NS, StoreContract, key

pytestmark = pytest.mark.timeout(30)


class Mutant(NamedTuple):
    """`script` with `was` replaced by `becomes`; `promise` (a test of StoreContract) must fail with `arguments`."""

    script: str
    was: str
    becomes: str
    promise: str
    arguments: dict[str, object] = {}


FENCE = "if stored[1] ~= A[1] or stored[2] ~= A[3] or stored[3] ~= A[2] then"
OLD_OWNER = "test_an_old_owner_is_refused_after_a_claim"
ANOTHER_FENCE = "test_a_call_with_another_fence_is_refused_whole"
OTHER_TYPE = "test_a_key_of_another_type_is_named_and_nothing_is_written"
ADDS_UP = "test_a_command_that_does_not_add_up_writes_nothing"

MUTANTS = [
    Mutant("APPLY", "stored[1] ~= A[1] or ", "", OLD_OWNER),
    Mutant("APPLY", "stored[2] ~= A[3] or ", "", "test_a_repeated_call_is_applied_once"),
    Mutant("APPLY", " or stored[3] ~= A[2]", "", ANOTHER_FENCE, {"changed": {"incarnation": "older"}, "refused": None}),
    Mutant("APPLY", FENCE, "if false then", "test_a_call_without_a_cursor_is_refused"),
    Mutant("APPLY", "reply = pcall('HLEN', K[i])", "reply = 0", OTHER_TYPE, {"damaged": "row"}),
    Mutant("APPLY", "pcall('STRLEN', K[2])", "0", OTHER_TYPE, {"damaged": "pending"}),
    Mutant("APPLY", "reply = pcall('STRLEN', key)", "reply = 0", OTHER_TYPE, {"damaged": "set"}),
    Mutant("APPLY", "reply = pcall('HLEN', key)", "reply = 0", OTHER_TYPE, {"damaged": "hset"}),
    Mutant("APPLY", "if not fits then", "if false then", ADDS_UP, {"command": Command("HSET", key("u3", "x"), ("f",))}),
    Mutant("APPLY", "not countable(call(", "not tostring(call(", "test_a_field_that_is_no_number_is_not_counted_up", {"stored": b"many"}),
    Mutant("APPLY", "'next', A[4]", "'next', A[3]", "test_an_apply_writes_rows_pending_commands_and_cursor_together"),
    Mutant("APPLY", "'claims', '0'", "'at', '0'", "test_claims_are_counted_until_an_apply_lands"),
    Mutant("APPLY", "if A[5] == '' then", "if false then", "test_an_empty_pending_leaves_no_key"),
    Mutant("APPLY", "first + 3999", "first + 3", "test_a_thousand_rows_fit_one_call"),
    Mutant("CLAIM", "if #fields == 0 then return {} end", "", "test_a_claim_does_not_create_a_cursor"),
    Mutant("CLAIM", ", 'token', ARGV[1])", ")", OLD_OWNER),
    Mutant("CLAIM", "if stored[1] ~= ARGV[1] then", "do", "test_the_same_claim_asked_twice_is_one_claim"),
    Mutant("FOUND", "#fields == 0 and", "", "test_the_first_to_found_a_namespace_wins_and_all_see_the_same"),
    Mutant("START", "  return 0\n", "", "test_a_cursor_is_created_once"),
    Mutant("START", "token == ARGV[2]", "true", "test_a_cursor_gives_way_to_another_only_while_its_token_is_the_one_named"),
    Mutant("MARK", "stored ~= ARGV[1]", "false", "test_a_mark_of_another_incarnation_or_after_a_flush_leaves_no_trace"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.script} {mutant.was[:30]}")
async def test_the_contract_catches(mutant: Mutant, clean_redis: LocalRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    whole: Script = getattr(scripts, mutant.script)
    text = whole.text.replace(mutant.was.encode(), mutant.becomes.encode())
    assert text != whole.text, f"{mutant.was} is no longer in {mutant.script}: name what took its place"
    broken = Script(text, hashlib.sha1(text, usedforsecurity=False).hexdigest().encode())
    monkeypatch.setattr(scripts, mutant.script, broken)
    monkeypatch.setitem(scripts.BY_SHA, broken.sha, broken)
    store, other = RedisStore(clean_redis.url, namespace=NS), RedisStore(clean_redis.url, namespace=NS)
    async with Redis.from_url(clean_redis.url) as client:
        promise = getattr(StoreContract(), mutant.promise)
        wanted = promise.__code__.co_varnames[: promise.__code__.co_argcount]
        given = {"store": store, "other": other, "raw": RawRedis(client), **mutant.arguments}
        with pytest.raises((AssertionError, StoreBroken, pytest.fail.Exception)):
            await promise(**{name: given[name] for name in wanted if name in given})
    await store.close()
    await other.close()
