"""What did not work, and what cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from campaign.planning.work import shown
from campaign.results.columns import Column, Table
from campaign.results.tables.places import KEY, MODEL, SEED, SIZE, SYSTEM, TITLE, place

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes

SHORT_KEY = 12
"""Digits of a key that a terminal shows; `plan --show` and `retry` take them."""


def _failure_rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    for failed in campaign.failures():
        reason = failed.record
        yield {
            **place(failed.work),
            "short_key": failed.work.key[:SHORT_KEY],
            "what": failed.what,
            "text": failed.text,
            "structure": failed.structure or None,
            "stage": failed.work.stage,
            **{name: getattr(reason, name) for name in ("kind", "message", "advice", "level", "structure_key")},
            "fw_id": failed.fw_id,
            "run_directory": failed.run_directory,
            "blocked": failed.blocked,
        }


def _gap_rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    for gap in campaign.plan.gaps:
        yield {"system": gap.system, "model": gap.model, "title": shown(gap.model), "why": gap.why}


def _notes(frame: Any) -> list[str]:
    notes = [f"{row.short_key}: {row.advice}" for row in frame.itertuples() if row.advice]
    notes += [
        f"{row.short_key}: ran in {row.run_directory}" for row in frame.itertuples() if row.run_directory
    ]
    explained = "fw: the number for `lpad get_fws -i`; blocked: work that needs it"
    return [*dict.fromkeys(notes), explained] if len(frame) else []


FAILURES = Table(
    "failures",
    "failed work: why, where it ran, and how much it blocks",
    (
        Column("short_key"),
        Column("stage"),
        *(SYSTEM, MODEL, TITLE, SEED, SIZE),
        Column("kind"),
        Column("what"),
        Column("text"),
        Column("message"),
        Column("advice"),
        Column("level"),
        Column("structure"),
        Column("structure_key"),
        Column("fw_id", "int"),
        Column("blocked", "int"),
        Column("run_directory"),
        KEY,
    ),
    _failure_rows,
    view_columns=(
        Column("short_key", header="key"),
        Column("stage", header="stage"),
        SYSTEM,
        Column("text", header="what failed, and why", least=20),
        Column("kind", header="kind"),
        Column("fw_id", "int", "fw"),
        Column("blocked", "int", "blocked"),
    ),
    notes=_notes,
)

GAPS = Table(
    "gaps",
    "models that the labels at hand do not allow, and why",
    (SYSTEM, MODEL, TITLE, Column("why", header="why", least=20)),
    _gap_rows,
)
