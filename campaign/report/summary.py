"""The summary of the page: what was asked for, and how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from campaign.report.crystal import Crystal
from campaign.report.engines import by_engine
from campaign.report.harvest import Harvest
from campaign.report.titles import title_of
from campaign.steering import progress
from campaign.steering.status import State


def summary(harvest: Harvest, crystals: Mapping[str, Crystal]) -> Iterator[tuple[str, str]]:
    """What was asked for, and how far it is."""
    from campaign import __version__

    spec = harvest.campaign.spec
    yield (
        "state",
        progress.summary(Counter(State(state) for state in harvest.states.values()))
        if harvest.states
        else "nothing to do",
    )
    for name, crystal in crystals.items():
        yield f"system {name}", _crystal(crystal)
    yield "models", ", ".join(map(title_of, spec.models))
    yield "seeds", ", ".join(map(str, spec.training.seeds))
    yield (
        "sizes",
        ", ".join(dict.fromkeys(size for name in crystals for size in harvest.sizes(name))) or "none",
    )
    if spec.overrides:
        yield "overrides", ", ".join(spec.overrides)
    yield "written by", f"latticefarm {__version__}"


def _crystal(crystal: Crystal) -> str:
    lengths = crystal.cells.conventional.atoms().cell.lengths()
    levels = ", ".join(
        f"{title_of(level)}{f' ({one.functional})' if one.functional else ''}{_origin(crystal, level)}"
        for level, one in crystal.cells.levels.items()
    )
    sides = " × ".join(f"{length:.10g}" for length in lengths)
    return f"conventional cell {sides} Å; training {crystal.training_cell}; levels {levels}"


def _origin(crystal: Crystal, level: str) -> str:
    """Nothing where labels are published."""
    if crystal.cells.levels[level].files:
        return ""
    return f" {by_engine(crystal.cells, level)}" if crystal.cells.levels[level].engine else ": no labels"
