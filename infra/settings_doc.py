"""docs/settings.md, generated from `Settings`: the fields, their bounds and what their docstrings say."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import msgspec

from infra import settings
from infra.settings import PREFIX, Settings

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "settings.md"


def meanings() -> dict[str, str]:
    """Field -> the text that stands below it in the source (Python itself forgets it)."""
    (struct,) = (
        node for node in ast.parse(inspect.getsource(settings)).body if isinstance(node, ast.ClassDef) and node.name == Settings.__name__
    )
    found: dict[str, str] = {}
    for field, text in zip(struct.body, struct.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            found[field.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return found


def document() -> str:
    """The whole document."""
    texts, schema = meanings(), msgspec.json.schema(Settings)["$defs"][Settings.__name__]["properties"]
    default = Settings()
    lines = [
        "# Settings",
        "",
        "Generated from `infra/settings.py` by `make docs`; a test fails when it is stale. All are environment variables; a wrong",
        "value or an unknown name that starts with `SEGUE_` stops the process with a line that names it.",
        "",
        "| variable | default | bounds | meaning |",
        "|---|---|---|---|",
    ]
    for field in Settings.__struct_fields__:
        text = default.to_env()[PREFIX + field.upper()]
        shown = f"`{text}`" if text else ""
        lines.append(f"| `{PREFIX}{field.upper()}` | {shown} | {_bounds(schema[field])} | {texts[field]} |")
    return "\n".join(lines) + "\n"


def _bounds(schema: dict[str, object]) -> str:
    """What a value must be, in a few words.

    >>> _bounds({"type": "integer", "minimum": 1, "maximum": 9}), _bounds({"enum": ["info", "debug"]}), _bounds({"type": "boolean"})
    ('1 to 9', 'debug, info', 'true, false')
    """
    if "enum" in schema:
        return ", ".join(sorted(str(value) for value in schema["enum"] if value is not None))  # type: ignore[attr-defined]
    if schema.get("type") == "boolean":
        return "true, false"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None:
        return ""
    return f"{low} to {high}" if high is not None else f"at least {low}"


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(document())


if __name__ == "__main__":
    main()
