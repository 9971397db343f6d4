"""The columns that say which model a row is about, and whether it has learned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from campaign.planning.work import Work, shown
from campaign.results.columns import Column
from campaign.results.seeds import reasons_by_seed

SYSTEM = Column("system", header="system")
MODEL = Column("model")
TITLE = Column("title", header="model", least=16)
SIZE = Column("size", header="size")
SEED = Column("seed", "int", header="seed")
LEARNED = Column("learned", "bool", header="learned")
VERDICT = Column("verdict")
KEY = Column("key")


def place(work: Work) -> dict[str, Any]:
    """Where `work` stands in the campaign."""
    return {
        "system": work.system,
        "model": work.model,
        "title": shown(work.model),
        "size": work.size,
        "seed": work.seed,
        "key": work.key,
    }


def verdict_notes(rows: Iterable[tuple[str, int, str]]) -> list[str]:
    """Why models have not learned, from (what, seed, verdict): one line for each what, each seed with its own reason."""
    found: dict[str, dict[int, str]] = {}
    for what, seed, verdict in rows:
        found.setdefault(what, {})[seed] = verdict or "see its parts"
    return [f"not learned: {what}, {reasons_by_seed(reasons)}" for what, reasons in found.items()]
