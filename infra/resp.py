"""Packs commands for the wire (RESP) with one copy of the bytes.

An apply of 1,000 rows is 6 MB. `hiredis.pack_command` copies it three times and took 5.9 us a row; one
`join` takes 1.2 (benchmarks/micro_store.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from infra.ready_texts import ReadyTexts

PIECE_TEXTS: Final = 128
"""Arguments and the lines before them, joined at a time: 64 arguments, 150 KB of an apply."""
_HEADS_KEPT_MAX = 65_536
"""Longer arguments get a header made on the spot, so that the table stays under 6 MB."""
_HEADS = ReadyTexts(b"\r\n$%d\r\n".__mod__, _HEADS_KEPT_MAX)
"""Length -> the line before an argument, with the line break that ends what came before."""


def pieces(commands: Sequence[Sequence[bytes]]) -> Iterator[bytes]:
    """The bytes of `commands`, some arguments at a time.

    asyncio copies what a socket does not take at once, all of what was given to it: an apply of 8 MB cost three copies
    into fresh pages. In pieces of some 100 KB only the last one waits.

    >>> b"".join(pieces([[b"GET", b"a"], [b"PING"]]))
    b'*2\\r\\n$3\\r\\nGET\\r\\n$1\\r\\na\\r\\n*1\\r\\n$4\\r\\nPING\\r\\n'
    """
    heads = _HEADS
    texts: list[bytes] = []
    for args in commands:
        texts.append(b"\r\n*%d" % len(args))
        pair = [b""] * (2 * len(args))
        pair[0::2] = [heads[n] for n in map(len, args)]
        pair[1::2] = args
        texts += pair
    texts.append(b"\r\n")
    texts[0] = texts[0][2:]
    for first in range(0, len(texts), PIECE_TEXTS):
        yield b"".join(texts[first : first + PIECE_TEXTS])
