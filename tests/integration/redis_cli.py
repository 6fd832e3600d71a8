"""As much of redis-cli as the documents use: `redis_cli.py -u URL COMMAND…`, for machines where Redis runs in a container."""

from __future__ import annotations

import sys

import redis


def main(arguments: list[str]) -> int:
    """Print what the command answers."""
    flag, url, *command = arguments
    assert flag == "-u", "the documents always give the address"
    client = redis.Redis.from_url(url, decode_responses=True)
    answer = client.execute_command(*command)  # type: ignore[no-untyped-call]
    sys.stdout.write(f"{answer}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
