"""`python -m tests.oracle --kafka 127.0.0.1:9092 --redis redis://127.0.0.1:6379/0 --namespace segue --json`"""

from __future__ import annotations

import argparse
import sys

import msgspec

from tests.oracle.judge import judge
from tests.oracle.verdict import Verdict


def main(arguments: list[str]) -> int:
    """Exit code 0 when nothing is wrong, 1 when something is."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--kafka", required=True, help="bootstrap servers")
    parser.add_argument("--redis", required=True, help="URL")
    parser.add_argument("--namespace", default="segue")
    parser.add_argument("--id-key", default="segue")
    parser.add_argument("--lessons-rate", type=float, default=1.0)
    parser.add_argument("--listening-rate", type=float, default=1.0)
    parser.add_argument("--rewound", action="store_true", help="Redis was flushed or rolled back on the way")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    given = parser.parse_args(arguments)
    verdict = judge(
        given.kafka,
        given.redis,
        given.namespace,
        id_key=given.id_key,
        lessons_rate=given.lessons_rate,
        listening_rate=given.listening_rate,
        rewound=given.rewound,
        progress=lambda step: print(f"oracle: {step}", file=sys.stderr, flush=True),
    )
    print(msgspec.json.encode(verdict).decode() if given.json else _in_words(verdict))
    return 0 if verdict.ok else 1


def _in_words(verdict: Verdict) -> str:
    lines = [f"{name}: {value}" for name, value in msgspec.to_builtins(verdict).items() if name != "errors"]
    return "\n".join([*lines, *verdict.errors])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
