"""The seeds of a model in a caption: those that are drawn, those that are missing, those that have not learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from campaign.report.document import Absent, SeedSet


def seeds_text(one: SeedSet) -> str:
    """`seeds 861, 5735 (missing: 7271, failed)`."""
    drawn = f"{'seed' if len(one.seeds) == 1 else 'seeds'} {', '.join(map(str, one.seeds))}"
    return drawn + missing_text(one.missing)


def not_learned_text(titles: Iterable[str]) -> str:
    """What hatching means, where there is any."""
    named = ", ".join(titles)
    return (
        f"Hatched, not learned: {named}; the width of their spread is no measure of confidence."
        if named
        else ""
    )


def absent_text(absent: Sequence[Absent]) -> str:
    """What is not drawn, and why."""
    return f"Not drawn: {'; '.join(f'{one.title} ({one.why})' for one in absent)}." if absent else ""


def missing_text(states: Mapping[int, str]) -> str:
    """` (missing: 7271, failed)`; nothing where none is."""
    text = "; ".join(f"{seed}, {state}" for seed, state in states.items())
    return f" (missing: {text})" if text else ""
