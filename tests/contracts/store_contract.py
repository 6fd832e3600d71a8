"""What every store promises, told once. A subclass brings `store`, `other` (a second owner's client) and `raw`."""

from __future__ import annotations

import asyncio
from typing import Protocol
from uuid import uuid4

import pytest

from infra.fenced import Applied, Command, FencedCall, Field, Refused, Row, StoreBroken
from streams.ports import Store

NS = f"contract-{uuid4().hex[:8]}"
"""A namespace of this run, so that the suite may share a Redis with others."""


def key(tag: str, rest: str) -> str:
    return f"{NS}:{{{tag}}}:{rest}"


CURSOR = key("u3", "cursor")
PENDING = key("u3", "pending")
USER = key("u3", "user:")


class Raw(Protocol):
    """Looks at the database, and damages it, past the store."""

    async def hash(self, key: str) -> dict[str, bytes]: ...

    async def string(self, key: str) -> bytes | None: ...

    async def put_string(self, key: str, value: bytes) -> None: ...

    async def put_hash(self, key: str, fields: dict[str, bytes]) -> None: ...

    async def keys(self) -> list[str]: ...


def call_of(
    start: int = 0,
    end: int = 5,
    *,
    token: str = "ours",
    incarnation: str = "inc",
    cursor_fields: dict[str, Field] | None = None,
    pending: bytes = b"to publish",
    row_fields: tuple[str, ...] = ("about", "list", "row"),
    rows: list[Row] | None = None,
    commands: list[Command] | None = None,
    partition: str = "u3",
) -> FencedCall:
    return FencedCall(
        cursor=key(partition, "cursor"),
        pending_key=key(partition, "pending"),
        token=token,
        incarnation=incarnation,
        start=start,
        end=end,
        cursor_fields={"applied": end} if cursor_fields is None else cursor_fields,
        pending=pending,
        row_fields=row_fields,
        rows=[(USER + "ana", '{"plays":1}', b"[1]", b"\x01\x00\xff")] if rows is None else rows,
        commands=commands or [],
    )


async def begin(store: Store, cursor: str = CURSOR, *, token: str = "ours", next_: int = 0) -> None:
    assert await store.start_cursor(cursor, {"token": token, "next": next_, "incarnation": "inc"})


class StoreContract:
    """The promises. Every test begins with an empty namespace."""

    # -- the namespace --

    async def test_a_namespace_without_meta_reads_empty(self, store: Store) -> None:
        assert await store.meta() == {}

    async def test_the_first_to_found_a_namespace_wins_and_all_see_the_same(self, store: Store, other: Store) -> None:
        assert await store.found({"incarnation": "first", "events_partitions": 8}) == {"incarnation": b"first", "events_partitions": b"8"}
        assert await other.found({"incarnation": "second"}) == await store.meta() == {"incarnation": b"first", "events_partitions": b"8"}

    async def test_of_many_founders_at_once_exactly_one_wins(self, store: Store, other: Store) -> None:
        found = await asyncio.gather(*((store, other)[i % 2].found({"incarnation": f"i{i}"}) for i in range(20)))
        assert all(fields == found[0] for fields in found)

    async def test_a_mark_sets_one_field_and_leaves_the_others(self, store: Store) -> None:
        await store.found({"incarnation": "a"})
        assert await store.mark("a", "started:u3", 1)
        assert await store.meta() == {"incarnation": b"a", "started:u3": b"1"}

    async def test_a_mark_of_another_incarnation_or_after_a_flush_leaves_no_trace(self, store: Store, raw: Raw) -> None:
        assert not await store.mark("a", "started:u3", 1)
        assert await raw.keys() == []
        await store.found({"incarnation": "b"})
        assert not await store.mark("a", "started:u3", 1)
        assert await store.meta() == {"incarnation": b"b"}

    # -- cursors and claims --

    async def test_a_claim_does_not_create_a_cursor(self, store: Store, raw: Raw) -> None:
        claimed = await store.claim(CURSOR, PENDING, "ours")
        assert (claimed.fields, claimed.pending) == ({}, b"")
        assert await raw.keys() == []

    async def test_a_cursor_is_created_once(self, store: Store, other: Store) -> None:
        assert await store.start_cursor(CURSOR, {"token": "a", "next": 7, "incarnation": "inc"})
        assert not await other.start_cursor(CURSOR, {"token": "b", "next": 0, "incarnation": "other"})
        assert await store.owners([CURSOR]) == [("a", 7)]

    async def test_a_cursor_gives_way_to_another_only_while_its_token_is_the_one_named(self, store: Store, other: Store, raw: Raw) -> None:
        await begin(store)
        await other.claim(CURSOR, PENDING, "theirs")
        fresh: dict[str, Field] = {"token": "x", "next": 2, "incarnation": "new"}
        assert not await store.start_cursor(CURSOR, fresh, instead_of="ours")
        assert await other.start_cursor(CURSOR, fresh, instead_of="theirs")
        assert await raw.hash(CURSOR) == {"token": b"x", "next": b"2", "incarnation": b"new"}
        assert await other.start_cursor(CURSOR, fresh, instead_of="theirs"), "asked again, it is still ours"

    async def test_two_cursors_without_a_token_are_not_mistaken_for_one(self, store: Store, other: Store) -> None:
        nobody: dict[str, Field] = {"token": "", "next": 0, "incarnation": "inc"}
        assert await store.start_cursor(CURSOR, nobody)
        assert not await other.start_cursor(CURSOR, nobody)
        assert not await other.start_cursor(CURSOR, nobody, instead_of="")

    async def test_a_claim_writes_its_token_and_reads_cursor_and_pending(self, store: Store, other: Store) -> None:
        await begin(store)
        await store.apply([call_of()])
        claimed = await other.claim(CURSOR, PENDING, "theirs")
        assert claimed.fields == {"token": b"theirs", "next": b"5", "incarnation": b"inc", "applied": b"5", "claims": b"1"}
        assert claimed.pending == b"to publish"

    async def test_claims_are_counted_until_an_apply_lands(self, store: Store) -> None:
        await begin(store)
        for n in range(1, 4):
            assert (await store.claim(CURSOR, PENDING, f"token {n}")).fields["claims"] == b"%d" % n
        assert await store.apply([call_of(token="token 3")]) == [Applied()]
        assert (await store.claim(CURSOR, PENDING, "token 4")).fields["claims"] == b"1"

    async def test_the_same_claim_asked_twice_is_one_claim(self, store: Store) -> None:
        await begin(store)
        first = await store.claim(CURSOR, PENDING, "theirs")
        assert await store.claim(CURSOR, PENDING, "theirs") == first

    async def test_owners_names_token_and_next_and_the_missing(self, store: Store) -> None:
        await begin(store, next_=9)
        assert await store.owners([CURSOR, key("u4", "cursor")]) == [("ours", 9), ("", -1)]
        assert await store.owners([]) == []

    # -- the fence --

    async def test_an_apply_writes_rows_pending_commands_and_cursor_together(self, store: Store, raw: Raw) -> None:
        await begin(store)
        commands = [
            Command("HSET", key("u3", "ids"), ("a1", "t1", "a2", b"t2")),
            Command("SET", key("u3", "popular"), ("[]",)),
            Command("HINCRBY", key("u3", "quality"), ("2025-12-01:plays", 3)),
            Command("HINCRBY", key("u3", "quality"), ("2025-12-01:plays", -1)),
        ]
        assert await store.apply([call_of(commands=commands, cursor_fields={"applied": 5, "wm": "{}"})]) == [Applied()]
        assert await raw.hash(USER + "ana") == {"about": b'{"plays":1}', "list": b"[1]", "row": b"\x01\x00\xff"}
        assert await raw.string(PENDING) == b"to publish"
        assert await raw.hash(key("u3", "ids")) == {"a1": b"t1", "a2": b"t2"}
        assert await raw.string(key("u3", "popular")) == b"[]"
        assert await raw.hash(key("u3", "quality")) == {"2025-12-01:plays": b"2"}
        expected = {"token": b"ours", "next": b"5", "incarnation": b"inc", "applied": b"5", "wm": b"{}", "claims": b"0"}
        assert await raw.hash(CURSOR) == expected

    async def test_an_empty_pending_leaves_no_key(self, store: Store, raw: Raw) -> None:
        await begin(store)
        await store.apply([call_of()])
        await store.apply([call_of(5, 6, pending=b"")])
        assert await raw.string(PENDING) is None
        assert (await store.claim(CURSOR, PENDING, "theirs")).pending == b""

    async def test_a_row_keeps_the_fields_that_a_call_does_not_name(self, store: Store, raw: Raw) -> None:
        await begin(store)
        await store.apply([call_of()])
        await store.apply([call_of(5, 6, row_fields=("list",), rows=[(USER + "ana", b"[2]")])])
        assert await raw.hash(USER + "ana") == {"about": b'{"plays":1}', "list": b"[2]", "row": b"\x01\x00\xff"}

    @pytest.mark.parametrize("width", [1, 2, 3, 4, 7])
    async def test_rows_may_have_any_number_of_fields(self, store: Store, raw: Raw, width: int) -> None:
        await begin(store)
        fields = tuple(f"f{i}" for i in range(width))
        rows: list[Row] = [(f"{USER}{n}", *(b"%d.%d" % (n, i) for i in range(width))) for n in range(3)]
        assert await store.apply([call_of(row_fields=fields, rows=rows)]) == [Applied()]
        assert await raw.hash(USER + "2") == {f"f{i}": b"2.%d" % i for i in range(width)}

    async def test_a_deleted_row_is_gone_and_may_be_deleted_again(self, store: Store, raw: Raw) -> None:
        await begin(store)
        await store.apply([call_of()])
        for start in (5, 6):
            assert await store.apply([call_of(start, start + 1, rows=[], commands=[Command("DEL", USER + "ana")])]) == [Applied()]
        assert await raw.hash(USER + "ana") == {}

    @pytest.mark.parametrize(
        ("changed", "refused"),
        [
            ({"token": "theirs"}, Refused("ours", 0, "inc")),
            ({"incarnation": "older"}, Refused("ours", 0, "inc")),
            ({"start": 3}, Refused("ours", 0, "inc")),
        ],
        ids=["token", "incarnation", "next"],
    )
    async def test_a_call_with_another_fence_is_refused_whole(
        self, store: Store, raw: Raw, changed: dict[str, str], refused: Refused
    ) -> None:
        await begin(store)
        before = await raw.hash(CURSOR)
        commands = [Command("SET", key("u3", "popular"), ("x",)), Command("HINCRBY", key("u3", "quality"), ("f", 1))]
        assert await store.apply([call_of(commands=commands, **changed)]) == [refused]  # type: ignore[arg-type]
        assert await raw.keys() == [CURSOR]
        assert await raw.hash(CURSOR) == before

    async def test_a_call_without_a_cursor_is_refused(self, store: Store, raw: Raw) -> None:
        assert await store.apply([call_of()]) == [Refused("", -1, "")]
        assert await raw.keys() == []

    async def test_an_old_owner_is_refused_after_a_claim(self, store: Store, other: Store, raw: Raw) -> None:
        await begin(store)
        await other.claim(CURSOR, PENDING, "theirs")
        assert await store.apply([call_of()]) == [Refused("theirs", 0, "inc")]
        assert await other.apply([call_of(token="theirs")]) == [Applied()]
        assert await store.apply([call_of()]) == [Refused("theirs", 5, "inc")]

    async def test_a_repeated_call_is_applied_once(self, store: Store, raw: Raw) -> None:
        await begin(store)
        call = call_of(commands=[Command("HINCRBY", key("u3", "quality"), ("plays", 1))])
        assert [await store.apply([call]) for _ in range(3)] == [[Applied()]] * 3
        assert await raw.hash(key("u3", "quality")) == {"plays": b"1"}

    async def test_one_refused_call_does_not_stop_the_others(self, store: Store) -> None:
        await begin(store, key("u1", "cursor"))
        await begin(store, key("u2", "cursor"), token="somebody")
        await begin(store, key("u3", "cursor"))
        calls = [call_of(partition=p, rows=[]) for p in ("u1", "u2", "u3")]
        assert await store.apply(calls) == [Applied(), Refused("somebody", 0, "inc"), Applied()]

    async def test_no_calls_are_no_work(self, store: Store) -> None:
        assert await store.apply([]) == []

    async def test_a_claim_beside_a_call_under_way_leaves_one_order_of_the_two(self, store: Store, other: Store, raw: Raw) -> None:
        """Either the call landed before the claim, which then reads it, or it is refused: never a third thing."""
        await begin(store)
        for n in range(100):
            token = f"theirs {n}"
            claim = asyncio.create_task(other.claim(CURSOR, PENDING, token))
            apply = asyncio.create_task(store.apply([call_of(n, n + 1, token="ours", pending=b"%d" % n)]))
            first, second = (claim, apply) if n % 2 else (apply, claim)
            await first
            await second
            fields = claim.result().fields
            landed = apply.result() == [Applied()]
            assert fields["next"] == (b"%d" % (n + 1) if landed else b"%d" % n)
            assert landed or apply.result() == [Refused(token, n, "inc")]
            await raw.put_hash(CURSOR, {"token": b"ours", "next": b"%d" % (n + 1), "incarnation": b"inc"})

    # -- what must never be half written --

    async def test_a_thousand_rows_fit_one_call(self, store: Store, raw: Raw) -> None:
        await begin(store)
        rows: list[Row] = [(f"{USER}{i}", b"a" * 200, b"%05d" % i * 1000, bytes(1000)) for i in range(1000)]
        ids = tuple(part for i in range(5000) for part in (f"{i:016x}", f"t{i}"))
        assert await store.apply([call_of(rows=rows, commands=[Command("HSET", key("u3", "ids"), ids)])]) == [Applied()]
        lists = await store.read([(f"{USER}{i}", "list") for i in range(1000)])
        assert lists == [b"%05d" % i * 1000 for i in range(1000)]
        assert len(await raw.hash(key("u3", "ids"))) == 5000

    @pytest.mark.parametrize("damaged", ["cursor", "pending", "row", "hset", "set", "hincrby"])
    async def test_a_key_of_another_type_is_named_and_nothing_is_written(self, store: Store, raw: Raw, damaged: str) -> None:
        await begin(store)
        place = {"cursor": CURSOR, "pending": PENDING, "row": USER + "u7"}.get(damaged, key("u3", damaged))
        if damaged in {"pending", "set"}:
            await raw.put_hash(place, {"what": b"is this"})
        else:
            await raw.put_string(place, b"what is this")
        keys = await raw.keys()
        rows: list[Row] = [(f"{USER}u{i}", b"a", b"l", b"r") for i in range(10)]
        commands = [
            Command("HSET", key("u3", "hset"), ("f", "v")),
            Command("SET", key("u3", "set"), ("v",)),
            Command("HINCRBY", key("u3", "hincrby"), ("f", 1)),
        ]
        with pytest.raises(StoreBroken) as broken:
            await store.apply([call_of(rows=rows, commands=commands)])
        assert broken.value.key == place
        assert await raw.keys() == keys
        if damaged != "cursor":
            assert (await raw.hash(CURSOR))["next"] == b"0"

    @pytest.mark.parametrize("stored", [b"many", b"1.5", b"9007199254740993", b""])
    async def test_a_field_that_is_no_number_is_not_counted_up(self, store: Store, raw: Raw, stored: bytes) -> None:
        await begin(store)
        await raw.put_hash(key("u3", "quality"), {"plays": stored})
        with pytest.raises(StoreBroken, match="plays does not hold a number") as broken:
            await store.apply([call_of(commands=[Command("HINCRBY", key("u3", "quality"), ("plays", 1))])])
        assert broken.value.key == key("u3", "quality")
        assert await raw.keys() == [CURSOR, key("u3", "quality")]

    @pytest.mark.parametrize(
        "command",
        [
            Command("HSET", key("u3", "x"), ("f",)),
            Command("HSET", key("u3", "x"), ()),
            Command("SET", key("u3", "x"), ()),
            Command("SET", key("u3", "x"), ("a", "b")),
            Command("DEL", key("u3", "x"), ("a",)),
            Command("HINCRBY", key("u3", "x"), ("f", "one")),
            Command("HINCRBY", key("u3", "x"), ("f",)),
            Command("APPEND", key("u3", "x"), ("f",)),
        ],
        ids=lambda command: f"{command.verb} {len(command.args)}",
    )
    async def test_a_command_that_does_not_add_up_writes_nothing(self, store: Store, raw: Raw, command: Command) -> None:
        await begin(store)
        with pytest.raises(StoreBroken, match="does not add up") as broken:
            await store.apply([call_of(commands=[command])])
        assert broken.value.key == key("u3", "x")
        assert await raw.keys() == [CURSOR]

    @pytest.mark.parametrize(
        "call",
        [
            call_of(5, 4),
            call_of(5, 5, commands=[Command("HINCRBY", "k", ("f", 1))]),
            call_of(rows=[("k", b"one value for three fields")]),
            call_of(cursor_fields={"next": 3}),
            call_of(rows=[], commands=[Command("SET", "k", ("v",)), Command("HSET", "k", ("f", "v"))]),
            call_of(rows=[], commands=[Command("HSET", "k", ("f", "v")), Command("HINCRBY", "k", ("f", 1))]),
            call_of(rows=[], commands=[Command("SET", CURSOR, ("v",))]),
        ],
        ids=[
            "backwards",
            "counts without moving",
            "narrow row",
            "own fence field",
            "string and hash",
            "set and counted",
            "cursor as string",
        ],
    )
    async def test_a_call_that_could_not_bear_repeating_is_our_bug(self, store: Store, raw: Raw, call: FencedCall) -> None:
        with pytest.raises(AssertionError):
            await store.apply([call])
        assert await raw.keys() == []

    async def test_a_call_that_moves_nothing_may_write_what_bears_repeating(self, store: Store, raw: Raw) -> None:
        await begin(store, next_=5)
        for _ in range(2):
            assert await store.apply([call_of(5, 5, pending=b"again")]) == [Applied()]
        assert await raw.string(PENDING) == b"again"

    # -- reads --

    async def test_reads_keep_the_order_of_what_was_wanted(self, store: Store, raw: Raw) -> None:
        ana, bo, nobody, popular = key("u1", "user:a"), key("u2", "user:b"), key("u9", "user:no"), key("t1", "popular")
        await raw.put_hash(ana, {"row": b"\x00\r\n", "list": b"[]"})
        await raw.put_hash(bo, {"row": b"b"})
        await raw.put_string(popular, b"[1]")
        assert await store.read([(bo, "row"), (ana, "list"), (nobody, "row"), (ana, "row")]) == [b"b", b"[]", None, b"\x00\r\n"]
        wanted = [(bo, ("row", "list")), (ana, ("row",)), (ana, ("list", "row"))]
        assert await store.read_many(wanted) == [[b"b", None], [b"\x00\r\n"], [b"[]", b"\x00\r\n"]]
        assert await store.text([popular, key("t2", "popular")]) == [b"[1]", None]

    @pytest.mark.parametrize("n", [1, 3, 5_000])
    async def test_a_hash_is_read_whole_however_many_fields_it_has(self, store: Store, raw: Raw, n: int) -> None:
        fields = {f"field {i}": b"%d" % i for i in range(n)}
        await raw.put_hash(key("c1", "evidence"), fields)
        assert await store.whole(key("c1", "evidence")) == fields
        assert await store.whole(key("c2", "evidence")) == {}

    @pytest.mark.parametrize("n", [0, 1, 7, 2_500])
    async def test_keys_are_found_by_their_pattern_however_many_there_are(self, store: Store, raw: Raw, n: int) -> None:
        wanted = [key("c1", f"track:{i}") for i in range(n)]
        for name in (*wanted, key("c1", "other"), key("c2", "track:1")):
            await raw.put_hash(name, {"row": b"x"})
        found = [name async for some in store.scan(key("c1", "cursor"), key("c1", "track:*")) for name in some]
        assert sorted(set(found)) == sorted(wanted)

    async def test_reading_nothing_reads_nothing(self, store: Store) -> None:
        assert (await store.read([]), await store.read_many([]), await store.text([])) == ([], [], [])

    async def test_reading_a_key_of_another_type_names_it(self, store: Store, raw: Raw) -> None:
        hash_, string, pending = key("u1", "h"), key("u1", "s"), key("u1", "pending")
        await raw.put_hash(hash_, {"f": b"v"})
        await raw.put_string(string, b"v")
        for reading, named in (
            (store.read([(hash_, "f"), (string, "f")]), string),
            (store.read_many([(string, ("f", "g"))]), string),
            (store.text([string, hash_]), hash_),
            (store.whole(string), string),
            (store.owners([string]), string),
            (store.claim(string, pending, "x"), string),
            (store.claim(hash_, hash_, "x"), hash_),
            (store.start_cursor(string, {"token": "a", "next": 0, "incarnation": "i"}), string),
        ):
            with pytest.raises(StoreBroken) as broken:
                await reading
            assert broken.value.key == named
