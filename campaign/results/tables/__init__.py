"""The tables of a campaign by name: labels, set-aside, training, learning, forecast, phonons, points, agreement, frozen,
reference, thermal, vibrations, time, failures, gaps."""

from __future__ import annotations

from campaign.results.columns import Table
from campaign.results.errors import UnknownTable
from campaign.results.tables.agreement import AGREEMENT
from campaign.results.tables.failures import FAILURES, GAPS
from campaign.results.tables.forecast import FORECAST
from campaign.results.tables.frozen import FROZEN
from campaign.results.tables.labels import LABELS, SET_ASIDE
from campaign.results.tables.learning import LEARNING
from campaign.results.tables.phonons import PHONONS, POINTS
from campaign.results.tables.reference import REFERENCE
from campaign.results.tables.thermal import THERMAL
from campaign.results.tables.time import TIME
from campaign.results.tables.training import TRAINING
from campaign.results.tables.vibrations import VIBRATIONS
from campaign.spec.errors import nearest

_ALL = (
    *(LABELS, SET_ASIDE, TRAINING, LEARNING, FORECAST, PHONONS, POINTS, AGREEMENT, FROZEN, REFERENCE, THERMAL, VIBRATIONS, TIME),
    *(FAILURES, GAPS),
)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}


def find_table(name: str) -> Table:
    """The table of that name.

    Raises:
        UnknownTable: there is none; the message names the nearest.
    """
    if name not in TABLES:
        raise UnknownTable(f"no table {name!r}; {nearest(name, TABLES)}")
    return TABLES[name]
