"""`segue audit`: is everything in Redis and on the topics as the log implies?"""

from __future__ import annotations

import typer
from rich.table import Table

from console.addresses import settings_of
from console.audit_report import WORDS, AuditReport
from console.output import Json, guarded, say, say_json, screen
from console.trouble import Exit, Trouble


@guarded
def audit(context: typer.Context, as_json: Json = False) -> None:
    """Read the topics whole, recompute every play, transition, list and lesson, and compare; exit 1 with the difference."""
    settings = settings_of(context)
    # The kernels take seconds to import: only this command pays for them.
    from console.audit import audit as run

    say(f"auditing namespace {settings.namespace}; let producers pause meanwhile")
    report = run(settings)
    if as_json:
        say_json(report.shown())
    else:
        _show(report)
    if not report.ok:
        raise typer.Exit(Exit.FAILURE) if as_json else Trouble(Exit.FAILURE, _first_difference(report), "segue doctor")


def _show(report: AuditReport) -> None:
    table = Table("promise", "", "looked at", "broken", "says", title=f"audit of {report.namespace}, {report.seconds:g} s")
    for name, promise in report.promises.items():
        table.add_row(name, "ok" if promise.ok else "BROKEN", f"{promise.checked:,}", f"{promise.broken:,}", WORDS[name])
    out = screen()
    out.print(table)
    for name, promise in report.promises.items():
        for words in (*promise.differences, *(f"note: {note}" for note in promise.notes)):
            out.print(f"{name} {words}", markup=False)
    out.print(
        f"plays={report.plays} lists={report.lists} transitions={report.transitions} lessons={report.lessons} "
        f"lost={report.lost} double={report.double}",
        markup=False,
    )


def _first_difference(report: AuditReport) -> str:
    for name, promise in report.promises.items():
        if promise.differences:
            return f"{name} is broken: {promise.differences[0]}"
    return f"{report.lost} plays are lost and {report.double} counted twice"
