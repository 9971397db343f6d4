"""One HTML page: what came out, figures, tables, and what is missing. It opens from a folder, without a network."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files

from campaign.report.crystal import Crystal
from campaign.report.dispersion.payload import AnyFigure, FrozenFigure
from campaign.report.engines import by_engine, labels_text
from campaign.report.harvest import Harvest, title_of
from campaign.report.opening import WORDS, lead
from campaign.report.page_table import (
    PageTable,
    frozen_table,
    gaps_table,
    points_table,
    reference_table,
    result_table,
    rows_of,
    set_aside_table,
    training_table,
)
from campaign.report.settings_text import missing, settings
from campaign.results.campaign import Campaign
from campaign.steering.progress import summary
from campaign.steering.status import State

FIGURES = "figures"


def page(harvest: Harvest, crystals: dict[str, Crystal], figures: Sequence[AnyFigure]) -> str:
    """The page as HTML; figures are looked for in the folder `figures` beside it."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["typeset"] = lambda text: Markup(typeset(str(text)))
    source = files("campaign.report")
    return environment.from_string((source / "page.html").read_text("utf-8")).render(
        css=Markup((source / "page.css").read_text("utf-8")),  # our own file
        campaign=harvest.campaign.spec,
        folder=FIGURES,
        facts=list(_facts(harvest, crystals)),
        tables=_tables(harvest.campaign, crystals),
        lead=list(lead(harvest, crystals)),
        words=WORDS,
        faulty=[one.text() for one in harvest.campaign.plan.faulty],
        figures=_numbered(figures),
        checked=[name for name, one in crystals.items() if one.cells.frozen_phonon is not None],
        labelled=[text for name in crystals for text in _labelled(harvest, crystals[name])],
        missing=list(missing(harvest)),
        settings=list(settings(harvest.campaign)),
        rows_of=rows_of,
    )


def typeset(text: str) -> str:
    """Escaped, with indices and exponents as such: ML(DFT_EF), E_DFT, cm^-1."""
    from markupsafe import escape

    safe = str(escape(text))
    safe = re.sub(r"_(EF|E)\b", lambda found: f"<sub>{','.join(found[1])}</sub>", safe)
    safe = re.sub(r"\bE_([A-Z]\w*(?:\(T\))?)", r"E<sub>\1</sub>", safe)
    return safe.replace("cm^-1", "cm<sup>−1</sup>")


def _facts(harvest: Harvest, crystals: dict[str, Crystal]) -> Iterator[tuple[str, str]]:
    """What was asked for, and how far it is."""
    from campaign import __version__

    spec = harvest.campaign.spec
    yield (
        "state",
        summary(Counter(State(state) for state in harvest.states.values()))
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
        f"{level.upper()}{f' ({one.functional})' if one.functional else ''}{_origin(crystal, level)}"
        for level, one in crystal.cells.levels.items()
    )
    sides = " × ".join(f"{length:.10g}" for length in lengths)
    return f"conventional cell {sides} Å; training {crystal.training_cell}; levels {levels}"


def _origin(crystal: Crystal, level: str) -> str:
    """Nothing where labels are published."""
    if crystal.cells.levels[level].files:
        return ""
    return f" {by_engine(crystal.cells, level)}" if crystal.cells.levels[level].engine else ": no labels"


def _labelled(harvest: Harvest, crystal: Crystal) -> Iterator[str]:
    """What engines have labelled, also before all is there and audited."""
    text = " ".join(filter(None, labels_text(crystal.cells, harvest.labelled(crystal.name))))
    if text:
        yield f"{crystal.name}: {text}"


def _numbered(figures: Sequence[AnyFigure]) -> dict[str, list[tuple[int, AnyFigure]]]:
    """With their numbers on the page: the checks against frozen phonons stand first."""
    checks = [one for one in figures if isinstance(one, FrozenFigure)]
    others = [one for one in figures if not isinstance(one, FrozenFigure)]
    return {
        "check": list(enumerate(checks, start=1)),
        "others": list(enumerate(others, start=1 + len(checks))),
    }


def _tables(campaign: Campaign, crystals: dict[str, Crystal]) -> dict[str, PageTable]:
    named = {name: result_table(campaign, name) for name in ("labels", "vibrations", "failures")}
    more = (
        *(training_table(campaign), points_table(campaign, crystals), frozen_table(campaign)),
        *(set_aside_table(campaign), gaps_table(campaign), reference_table(list(crystals.values()))),
    )
    return named | {table.name: table for table in more}
