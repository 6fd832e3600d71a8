"""`segue ranker show`: what the ranker has learned, in numbers that a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from console.addresses import settings_of
from console.output import Json, guarded, say_json, screen
from console.redis_door import State
from console.trouble import Exit, Trouble

if TYPE_CHECKING:
    from online_models.weights import Weights


@guarded
def show(
    context: typer.Context,
    n: Annotated[int, typer.Option("-n", min=1, help="How many features of stage 2, the weightiest first.")] = 20,
    as_json: Json = False,
) -> None:
    """Stage 1: how far each signal is trusted. Stage 2: what each feature adds to a score. By context, of which stage 2 has more."""
    # The kernels' modules take a second to import: only this command pays for it.
    from online_models.context import CONTEXTS, N_TRUST
    from online_models.features import FEATURES
    from online_models.signals import SIGNALS

    settings = settings_of(context)
    key, weights = _newest(State(settings), settings.events_partitions)
    gate = dict(zip(SIGNALS, weights.gate.weight.tolist(), strict=True))
    bilinear = dict(zip(FEATURES, weights.bilinear.weight.T.tolist(), strict=True))
    if as_json:
        contexts = {"stage_1": CONTEXTS[:N_TRUST], "stage_2": CONTEXTS}
        say_json({"key": key, "lessons": int(weights.lessons[0]), "contexts": contexts, "stage_1": gate, "stage_2": bilinear})
        return
    some = dict(sorted(bilinear.items(), key=lambda item: -max(map(abs, item[1])))[:n])
    screen().print(f"{key}: learned from {int(weights.lessons[0]):,} plays", markup=False)
    screen().print(_table("stage 1: trust in each signal (log; only differences count)", "signal", CONTEXTS[:N_TRUST], gate))
    screen().print(_table(f"stage 2: score per unit of each feature, {len(some)} of {len(bilinear)}", "feature", CONTEXTS, some))


def _newest(state: State, n_partitions: int) -> tuple[str, Weights]:
    """The copy that was learned from most plays, and where it stands."""
    from online_models.weights import BadWeights, newest

    keys = [state.keys.ranker(partition) for partition in range(n_partitions)]
    try:
        found = newest({key: state.text(key) for key in keys})
    except BadWeights as error:
        raise Trouble(Exit.FAILURE, str(error), "segue rebuild") from None
    if found is None:
        raise Trouble(Exit.FAILURE, "no worker has ranked yet: there are no weights", "segue send --user ana --track t42")
    return found


def _table(title: str, first: str, contexts: tuple[str, ...], rows: dict[str, list[float]]) -> Table:
    table = Table(first, *contexts, title=title)
    for name, values in rows.items():
        table.add_row(name, *(f"{value:.2f}" for value in values))
    return table
