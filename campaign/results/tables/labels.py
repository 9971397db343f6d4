"""What the labels of each system and level are like, and what was set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from campaign.results.columns import Column, Table
from flows.records import LabelSet, LevelAudit

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes

_AUDITED = (
    Column("count", "int", "labels"),
    Column("with_forces", "int", "with\nforces"),
    Column("atoms", "int", "atoms"),
    Column("energy_min_eV", "float"),
    Column("energy_max_eV", "float"),
    Column("force_rms_eV_A", "float", "RMS F\neV/Å"),
    Column("effective_temperature_K", "float", "T max\nK", 0),
    Column("effective_temperature_mean_K", "float"),
    Column("delta_base", header="ΔE to"),
    Column("delta_count", "int"),
    Column("delta_std_meV_atom", "float", "ΔE std\nmeV/at"),
    Column("line_slope", "float", "line\nslope", 4),
    Column("line_rmse_meV_atom", "float", "line RMSE\nmeV/at"),
)


def _label_rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    for system, labels in campaign.label_sets().items():
        aside = Counter(item.level for item in labels.set_aside)
        for level in dict.fromkeys([*labels.audit, *aside]):
            yield {"system": system, "level": level, "set_aside": aside[level], **_audited(labels, level)}


def _audited(labels: LabelSet, level: str) -> dict[str, Any]:
    """A level that was set aside as a whole has no audit: it has no labels."""
    audit = labels.audit.get(level)
    if audit is None:
        return {"count": 0, "with_forces": 0, "warning_count": 0, "outlier_count": 0}
    facts = {column.name: getattr(audit, column.name) for column in _AUDITED}
    return facts | _remarks(audit)


def _remarks(audit: LevelAudit) -> dict[str, Any]:
    return {
        "outlier_count": len(audit.outliers),
        "warning_count": len(audit.warnings),
        "warnings": "; ".join(audit.warnings) or None,
    }


def _set_aside_rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    for system, labels in campaign.label_sets().items():
        asked = campaign.plan.requests.get(system)
        for item in labels.set_aside:
            named = asked.name(item.structure_key) if asked is not None and item.file is None and item.structure_key else None
            yield {"system": system, "structure": named, **item.model_dump(exclude={"schema_version"})}


def _warnings(frame: Any) -> list[str]:
    rows = frame[frame["warning_count"] > 0].itertuples()
    return [f"{row.system}, {row.level}: {row.warnings}" for row in rows]


LABELS = Table(
    "labels",
    "labels per system and level: counts, spread of ΔE and what a straight line leaves of it",
    (
        Column("system", header="system"),
        Column("level", header="level"),
        *_AUDITED,
        Column("set_aside", "int", "set\naside"),
        Column("outlier_count", "int"),
        Column("warning_count", "int", "warnings"),
        Column("warnings"),
    ),
    _label_rows,
    notes=_warnings,
)

SET_ASIDE = Table(
    "set-aside",
    "frames and levels that could not be used, and why",
    (
        Column("system", header="system"),
        Column("level", header="level"),
        Column("file", header="file"),
        Column("frame", "int", "frame"),
        Column("structure", header="structure", least=10),
        Column("reason", header="reason", least=20),
        Column("structure_key"),
    ),
    _set_aside_rows,
)
