"""What cleaning says, as tables for people: of a file, and of an evaluation with faults made on purpose."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from console.evaluation_report import interval
from console.output import screen

Found = dict[str, Any]
WRITTEN = {"corrected_share": ">= 98 % of correctable faults", "changed_share": "<= 0.1 % of clean rows changed"}
WRITTEN |= {"not_finite": "no number that is not finite", "accuracy_loss": "<= 1 point of accuracy lost"}


def print_catalogue(report: Found) -> None:
    """A file: by field and rule, with examples."""
    out = screen()
    out.print(f"{report['file']}: {report['rows']:,} rows, {report['bad_rows']:,} without an id", markup=False)
    out.print("read: " + ", ".join(f"{field} from {column}" for field, column in report["mapping"].items()), markup=False)
    if report["unread"]:
        out.print("not read: " + ", ".join(report["unread"]), markup=False)
    for text in _unneeded(report["unneeded"]):
        out.print(text, markup=False)
    out.print(_by_rule(report), markup=False)
    if "titles" in report:
        out.print(f"titles that were taken apart: {_counts(report['titles']) or 'none'}", markup=False)
    repeated = report["repeated_rows"]
    out.print(
        f"rows of an id that had one: {repeated['rows']:,}; what they say otherwise: {_counts(repeated['changed']) or 'nothing'}",
        markup=False,
    )
    if "other_ids_of_a_recording" in report:
        out.print(f"other ids of a recording that had one: {report['other_ids_of_a_recording']:,}", markup=False)


def print_live(report: Found) -> None:
    """What came in: by field and rule, with examples."""
    out, counted = screen(), report["records"]
    out.print(
        f"{report['topic']}: {counted['applied']:,} records applied, {counted['withdrawn']:,} withdrew a row, "
        f"{counted['rejected']:,} became dead letters",
        markup=False,
    )
    out.print(_by_rule(report), markup=False)


def _unneeded(found: Found) -> list[str]:
    """Columns that can be left out, and why."""
    copies = [f"{column} (of {of})" for column, of in found["copies"].items()]
    kinds = {"empty": found["empty"], "the same in every row": found["constant"], "copies": copies}
    return [f"columns that say nothing, {why}: {', '.join(names)}" for why, names in kinds.items() if names]


def _by_rule(report: Found) -> Table:
    table = Table("field", "what", "values", "for example")
    for row in report["corrected"]:
        table.add_row(row["field"], row["rule"], f"{row['values']:,}", "; ".join(f"{a!r} → {b!r}" for a, b in row["examples"]))
    for row in report["refused"]:
        table.add_row(row["field"], f"refused: {row['reason']}", f"{row['values']:,}", "; ".join(repr(a) for a, _ in row["examples"]))
    for field, n in report["missing"].items():
        table.add_row(field, "missing", f"{n:,}", f"{report['estimated'][field]:,} estimated" if field in report["estimated"] else "")
    return table


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in sorted(found.items(), key=lambda pair: -pair[1]))


def print_evaluation(report: Found) -> None:
    """Goals, runs, kinds of faults, failures, and what dirt costs a model."""
    out = screen()
    out.print(f"{report['file']}: {report['rate']:.0%} of rows hit, seeds {', '.join(map(str, report['seeds']))}", markup=False)
    for part in (_runs(report["runs"], report["over_seeds"]), _kinds(report["kinds"]), _failures(report), _accuracy(report["runs"])):
        out.print(part, markup=False)
    for name, met in report["goals_met"].items():
        out.print(f"{'met' if met else 'MISSED'}: {WRITTEN[name]} (worst run: {report['worst'][name]:.5g})", markup=False)


def _runs(runs: list[Found], over_seeds: Found) -> Table:
    table = Table(
        "seed", "table", "rows", "faults", "correctable", "corrected", "clean rows", "changed", "changed beside a fault", "not finite"
    )
    for run in runs:
        for name in ("tracks", "users"):
            it = run[name]
            table.add_row(
                str(run["seed"]),
                name,
                *(f"{it[count]:,}" for count in ("rows", "faults", "correctable")),
                f"{it['corrected']:,} ({it['corrected_share']:.2%})",
                f"{it['clean_rows']:,}",
                f"{it['changed']:,} ({it['changed_share']:.3%})",
                f"{it['changed_beside']:,}",
                str(it["not_finite"]),
            )
    for name in ("tracks", "users"):
        corrected, changed = over_seeds[name]["corrected_share"][1], over_seeds[name]["changed_share"][1]
        table.add_row("mean", name, "", "", "", f"{corrected:.2%}", "", f"{changed:.3%}", "", "")
    return table


def _kinds(kinds: list[Found]) -> Table:
    columns = ("faults", "correctable", "corrected", "uncorrectable", "left_out", "right_all_the_same")
    table = Table("kind of fault, all seeds", *(name.replace("_", " ") for name in columns))
    for kind in kinds:
        table.add_row(kind["kind"], *(f"{kind[name]:,}" for name in columns))
    return table


def _failures(report: Found) -> Table:
    table = Table("not corrected", "field", "dirty", "after cleaning", "clean")
    for kind in report["kinds"]:
        for failure in kind["failures"]:
            table.add_row(kind["kind"], *failure)
    for run in report["runs"]:
        for name in ("tracks", "users"):
            for field, before, after in run[name]["changed_examples"]:
                table.add_row("clean row changed", field, before, after, before)
    return table


def _accuracy(runs: list[Found]) -> Table:
    table = Table("genre from audio", "seed", "clean", "dirty", "cleaned", "lost by dirt that was cleaned, with 95 % interval")
    for run in runs:
        for model, it in run["accuracy"].items():
            table.add_row(model, str(run["seed"]), *(f"{it[name]:.4f}" for name in ("clean", "dirty", "cleaned")), interval(it["loss"]))
    return table
