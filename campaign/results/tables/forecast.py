"""How sure phonons by force constants are with so many labels: fitted, predicted, and what some of the labels would have given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from campaign.planning.outlook import outlook
from campaign.results.columns import Column, Table
from campaign.results.tables.places import KEY, MODEL, SYSTEM, TITLE, place
from flows.records import Forecast

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes

FITTED, PREDICTED = "fitted", "predicted"


def _rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    for one in campaign.forecasts():
        about = {name: value for name, value in place(one.work).items() if name not in ("size", "seed")}
        about |= {"labelled": one.record.labelled, "noise_meV_atom": one.record.noise_meV_atom, "assumed": one.record.assumed}
        yield from (about | row for row in _points(one.record))


def _points(found: Forecast) -> Iterator[dict[str, Any]]:
    for point in found.behind:
        numbers = {"modes_cm1": point.modes_cm1, "apart_cm1": point.apart_cm1, "left_meV_atom": point.left_meV_atom}
        yield {"count": point.count, "how": point.draw, **numbers}
    for how, reached in ((FITTED, [found.reached] if found.reached else []), (PREDICTED, found.ahead)):
        yield from ({"count": one.count, "how": how, "modes_cm1": one.modes_cm1, "gamma_cm1": one.gamma_cm1} for one in reached)


def sentences(campaign: Outcomes) -> list[str]:
    """What the forecasts of a campaign say, a line for each model."""
    made = ((one.work, one.record) for one in campaign.forecasts())
    return [one.text for one in outlook(campaign.spec, campaign.plan, made)]


FORECAST = Table(
    "forecast",
    "how sure phonons by force constants are with so many labels",
    (
        *(SYSTEM, MODEL, TITLE),
        Column("labelled", "int", "labelled"),
        Column("count", "int", "labels"),
        Column("how", header="how"),
        Column("modes_cm1", "float", "all modes\ncm^-1", 2),
        Column("gamma_cm1", "float", "Γ\ncm^-1", 2),
        Column("apart_cm1", "float", "from all\ncm^-1", 2),
        Column("left_meV_atom", "float", "others\nmeV/atom", 3),
        Column("noise_meV_atom", "float", "noise\nmeV/atom", 3),
        Column("assumed", "bool"),
        KEY,
    ),
    _rows,
    notes=lambda _: [
        "one standard error, RMS over all modes of the training cell made symmetric, and of the highest mode at Γ; chosen and random: fits to some of "
        "the labels, how far their frequencies are from those of the fit to all, and what they leave of the other structures; predicted: at the "
        "noise given; before there are labels it is assumed"
    ],
)
