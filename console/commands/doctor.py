"""`segue doctor`: is everything as Segue needs it, and if not, what to do."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.table import Table

from console.addresses import settings_of
from console.checks import Finding, examine
from console.output import Json, finish, guarded, say, say_json, screen
from console.trouble import Exit
from streams.clock import SystemClock

COLOURS = {"PASS": "green", "WARN": "yellow", "FAIL": "red"}


@guarded
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check Kafka, topics, partitioner, Redis, clocks and versions. Exit 4: something is away; 1: something is wrong."""
    findings = examine(settings_of(context), SystemClock())
    if as_json:
        say_json({"ok": verdict(findings) == Exit.OK, "checks": [finding._asdict() for finding in findings]})
    else:
        table = Table("check", "", "seen", "what to do")
        for finding in findings:
            table.add_row(finding.name, f"[{COLOURS[finding.status]}]{finding.status}[/]", finding.seen, finding.fix)
        screen().print(table)
    worst = next((finding for finding in findings if finding.status == "FAIL"), None)
    if worst is not None:
        say(f"segue: {worst.name}: {worst.seen}")
        say(f"  next: {worst.fix}")
    finish(verdict(findings))


def verdict(findings: Sequence[Finding]) -> Exit:
    """Unreachable before wrong before well; a warning is well."""
    if any(finding.unreachable for finding in findings):
        return Exit.UNREACHABLE
    return Exit.FAILURE if any(finding.status == "FAIL" for finding in findings) else Exit.OK
