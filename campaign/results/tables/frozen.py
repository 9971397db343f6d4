"""The optical mode at Γ: models beside the frozen phonon of the level that they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from campaign.planning.work import Work
from campaign.results import unstable
from campaign.results.columns import Column, Table
from campaign.results.line import Line
from campaign.results.result import Result
from campaign.results.seeds import SharedVerdict, by_seeds
from campaign.results.tables.phonons import (
    ACOUSTIC,
    ERROR_NOTE,
    GAMMA,
    LINE_NOTE,
    interval,
    joined_error,
    lines_of,
)
from campaign.results.tables.places import LEARNED, MODEL, SIZE, SYSTEM, TITLE, place
from flows.records import PhononFacts
from flows.training.names import ModelName

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes


def _rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    for frozen in campaign.frozen_phonons():
        common = {"system": frozen.system, "level": frozen.level, "frozen_cm1": frozen.phonon.frequency_cm1}
        groups = _groups(campaign, frozen.system, frozen.level)
        for group in groups:
            lines = lines_of(campaign.lines(), group)
            yield {**common, **_compared(group, frozen.phonon.frequency_cm1), **_line(lines, frozen.phonon.frequency_cm1)}
        if not groups:
            yield {**common, "title": without_models(campaign, frozen.system, frozen.level), "seed_count": 0}


def without_models(campaign: Outcomes, system: str, level: str) -> str:
    """Why no model stands beside a level: as one that another stands for, it may be there to be taken off alone."""
    asked = any(work.system == system and _stands_for(work, level) for work in campaign.plan.of_stage("phonons"))
    return "no phonons yet" if asked else "no model is asked for"


def _groups(campaign: Outcomes, system: str, level: str) -> list[list[Result[PhononFacts]]]:
    """Phonons of the models that stand for `level`, the seeds of one model and size together."""
    return by_seeds(one for one in campaign.frequencies() if one.work.system == system and _stands_for(one.work, level))


def _stands_for(work: Work, level: str) -> bool:
    return work.seed is not None and ModelName.parse(work.model).level == level


def optical_cm1(points_cm1: Mapping[str, Sequence[float]]) -> float:
    """The optical mode at Γ; of a polar crystal the transverse one, that of a frozen phonon.

    The acoustic modes are those next to zero: an imaginary optical mode lies below them.
    """
    return min(sorted(points_cm1[GAMMA], key=abs)[ACOUSTIC:])


def _compared(group: list[Result[PhononFacts]], frozen_cm1: float) -> dict[str, Any]:
    """Smallest and largest over the seeds; of a polar crystal the transverse mode, that of the frozen phonon."""
    modes = [optical_cm1(one.record.points_cm1) for one in group]
    off = _worst(modes, frozen_cm1)
    said = [_said_of(one.record, mode) for one, mode in zip(group, modes, strict=True)]
    facts = place(group[0].work)
    return {name: facts[name] for name in ("model", "title", "size")} | {
        "seed_count": len(group),
        "learned": SharedVerdict.of([one.record for one in group]).learned,
        "min_cm1": min(modes),
        "max_cm1": max(modes),
        "error_cm1": joined_error(said, (0,), modes),
        "worst_off_cm1": off,
        "worst_off_percent": _percent(modes, off, frozen_cm1),
        **unstable.facts(unstable.worst(one.record for one in group)),
        "unstable": any(unstable.is_unstable(one.record) for one in group),
    }


def _said_of(record: PhononFacts, mode_cm1: float) -> tuple[float, ...]:
    """What a record says of the error of its optical mode; nothing where it says nothing of errors."""
    errors = record.point_errors_cm1.get(GAMMA)
    return (errors[list(record.points_cm1[GAMMA]).index(mode_cm1)],) if errors else ()


def _line(lines: Sequence[Line], frozen_cm1: float) -> dict[str, Any]:
    """The same of what a straight line in E_base alone gives."""
    if not lines:
        return {}
    modes = [optical_cm1(line.points_cm1) for line in lines]
    off = _worst(modes, frozen_cm1)
    return {
        "line_base": lines[0].base,
        "line_min_cm1": min(modes),
        "line_max_cm1": max(modes),
        "line_worst_off_cm1": off,
        "line_worst_off_percent": _percent(modes, off, frozen_cm1),
    }


def _worst(modes: Iterable[float], frozen_cm1: float) -> float:
    return max((mode - frozen_cm1 for mode in modes), key=abs)


def _percent(modes: Iterable[float], off_cm1: float, frozen_cm1: float) -> float | None:
    """None where a mode is imaginary: it is no frequency, and no part of one."""
    real = frozen_cm1 > 0 and min(modes) >= unstable.NOISE_CM1
    return 100 * off_cm1 / frozen_cm1 if real else None


def _intervals(frame: Any) -> Any:
    """For a terminal: from the smallest to the largest in one column, of the models and of the line."""
    shown = frame.copy()
    shown["models"] = [interval(row.min_cm1, row.max_cm1) or None for row in frame.itertuples()]
    shown["line"] = [interval(row.line_min_cm1, row.line_max_cm1) or None for row in frame.itertuples()]
    return shown


def _notes(frame: Any) -> Iterator[str]:
    if frame["error_cm1"].notna().any():
        yield ERROR_NOTE
    if frame["line_min_cm1"].notna().any():
        yield LINE_NOTE
    for row in frame[frame["unstable"]].itertuples():
        at_gamma = row.min_cm1 < unstable.NOISE_CM1
        said = "its optical mode at Γ is imaginary itself" if at_gamma else "how near it is at Γ says nothing of that"
        yield (
            f"unstable: {row.title} of {row.system}, {row.size}: the lowest mode is {row.lowest_cm1:.0f} cm^-1 (imag: imaginary "
            f"modes, of those on the mesh, of the worst seed); {said}"
        )


_COMPARED = (
    SYSTEM,
    Column("level", header="level"),
    Column("frozen_cm1", "float", "frozen\ncm^-1", 0),
    MODEL,
    TITLE,
    SIZE,
    Column("seed_count", "int", "seeds"),
)
_ERROR = Column("error_cm1", "float", "±\ncm^-1", 1)
_OFF = (
    Column("worst_off_cm1", "float", "off by\ncm^-1", 0),
    Column("worst_off_percent", "float", "off by\n%", 1),
)
_LINE_PERCENT = Column("line_worst_off_percent", "float", "off by\n%", 1)

FROZEN = Table(
    "frozen",
    "the optical mode at Γ: models beside the frozen phonon that the engine itself computes at their level",
    (
        *_COMPARED,
        LEARNED,
        *(Column(name, "float") for name in ("min_cm1", "max_cm1")),
        _ERROR,
        *_OFF,
        Column("unstable", "bool"),
        Column("imaginary"),
        Column("imaginary_count", "int"),
        Column("mode_count", "int"),
        Column("lowest_cm1", "float"),
        Column("line_base"),
        *(Column(f"line_{name}_cm1", "float") for name in ("min", "max", "worst_off")),
        _LINE_PERCENT,
    ),
    _rows,
    view=_intervals,
    view_columns=(
        *_COMPARED,
        Column("models", header="models\ncm^-1"),
        _ERROR,
        *_OFF,
        Column("line", header="line\ncm^-1"),
        _LINE_PERCENT,
        Column("imaginary", header="imag"),
    ),
    notes=lambda frame: list(_notes(frame)),
)
