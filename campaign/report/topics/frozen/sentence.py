"""The check against frozen phonons in a sentence: how far models are from their levels, and a straight line alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from campaign.report.harvest import Harvest
from campaign.report.straight_line import line_in
from campaign.report.titles import listed
from campaign.results.render import records

Row = dict[str, Any]


def frozen_sentence(harvest: Harvest, system: str) -> str:
    """Of the models that have learned, if any has; nothing where no model stands beside a frozen phonon."""
    table = records(harvest.campaign.table("frozen"))
    rows = [row for row in table if row["system"] == system and row["seed_count"] and row["frozen_cm1"] > 0]
    if not rows:
        return ""
    learned = [row for row in rows if row["learned"]]
    several = len({row["size"] for row in rows}) > 1
    shown = [row | {"name": f"{row['title']} of size {row['size']}" if several else row["title"]} for row in learned or rows]
    real = [row for row in shown if row["worst_off_percent"] is not None]
    without = _without(shown, bool(learned))
    return " ".join(filter(None, (_held_against(real, bool(learned)) if real else "", without)))


def _held_against(shown: Sequence[Row], learned: bool) -> str:
    frozen = f"frozen phonon{'' if len(shown) == 1 else 's'} that the engine itself has for"
    level = "its level" if len(shown) == 1 else "their levels"
    whose = _whose([row["name"] for row in shown], learned)
    return f"{whose} {_within(shown, 'worst_off_percent')} of the {frozen} {level}{_line_alone(shown)}{_unstable(shown)}."


def _without(shown: Iterable[Row], learned: bool) -> str:
    """Models whose optical mode is no frequency, so that none can be held against."""
    wrong = [row for row in shown if row["worst_off_percent"] is None]
    if not wrong:
        return ""
    named = _named([row["name"] for row in wrong], learned)
    lowest = min(row["min_cm1"] for row in wrong)
    return f"At Γ the optical mode of {named}, is imaginary (down to {lowest:.0f} cm^-1), that of the engine is not: unstable."


def _unstable(shown: Iterable[Row]) -> str:
    """One mode at Γ may be right where others are imaginary."""
    wrong = [row for row in shown if row["unstable"]]
    named = ", ".join(f"{row['name']} (lowest mode {row['lowest_cm1']:.0f} cm^-1)" for row in wrong)
    return f"; but unstable: {named}" if wrong else ""


def _whose(names: Sequence[str], learned: bool) -> str:
    return f"{_named(names, learned)}, {'is' if len(names) == 1 else 'are'}"


def _named(names: Sequence[str], learned: bool) -> str:
    if len(names) == 1:
        return f"{names[0]}, {'a model that has' if learned else 'which has not'} learned"
    return f"{listed(names)}, {'models that have' if learned else 'none of which has'} learned"


def _line_alone(shown: Sequence[Row]) -> str:
    """What straight lines reach in the place of sums, beside what these reach."""
    sums = [row for row in shown if row["line_worst_off_percent"] is not None]
    if not sums:
        return ""
    lines = listed(dict.fromkeys(line_in(row["line_base"]) for row in sums))
    alone = f"{lines} alone: {_within(sums, 'line_worst_off_percent')}"
    if len(sums) == len(shown):
        return f" ({alone})"
    return f"; {listed(row['name'] for row in sums)} {_within(sums, 'worst_off_percent')} ({alone})"


def _within(rows: Iterable[Row], column: str) -> str:
    return f"within {max(abs(row[column]) for row in rows):.1f} %"
