"""One HTML page: summary, tables, figures, and what is missing. It opens from a folder, without a network."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files

from campaign.progress import summary
from campaign.report.payloads import AnyFigure
from campaign.report.place import Crystal
from campaign.report.seeds import Harvest, title_of
from campaign.report.tables import (
    PageTable,
    points_table,
    reference_table,
    result_table,
    rows_of,
    training_table,
)
from campaign.results.campaign import Campaign
from campaign.standing import State
from flows.dynamics.settings import DynamicsTask
from flows.phonons.settings import PhononTask
from flows.training.settings import TrainingTask

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
        figures=figures,
        missing=list(_missing(harvest)),
        settings=list(_settings(harvest.campaign)),
        rows_of=rows_of,
    )


def typeset(text: str) -> str:
    """Escaped, with indices and exponents as such: ML(DFT_EF), cm^-1."""
    from markupsafe import escape

    safe = str(escape(text))
    safe = re.sub(r"_(EF|E)\b", lambda found: f"<sub>{','.join(found[1])}</sub>", safe)
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
        f"{level.upper()}{f' ({one.functional})' if one.functional else ''}{'' if one.files else ': no labels'}"
        for level, one in crystal.cells.levels.items()
    )
    sides = " × ".join(f"{length:.8g}" for length in lengths)
    return f"conventional cell {sides} Å; training {crystal.training_cell}; levels {levels}"


def _tables(campaign: Campaign, crystals: dict[str, Crystal]) -> dict[str, PageTable]:
    named = {name: result_table(campaign, name) for name in ("labels", "vibrations", "set-aside", "failures", "gaps")}
    more = (training_table(campaign), points_table(campaign, crystals), reference_table(list(crystals.values())))
    return named | {table.name: table for table in more}


def _missing(harvest: Harvest) -> Iterator[str]:
    """Seeds that are asked for and not there."""
    works = harvest.campaign.plan.work
    left: dict[tuple[str, str, str, str], list[str]] = {}
    for key, state in harvest.states.items():
        if state != State.DONE:
            work = works[key]
            place = (work.stage, title_of(work.model), work.system, work.size)
            left.setdefault(place, []).append(f"{work.seed} ({state})")
    for (stage, title, system, size), seeds in left.items():
        yield f"{stage} {title} of {system}, {size}: seed {', '.join(seeds)}"


def _settings(campaign: Campaign) -> Iterator[tuple[str, str]]:
    """Every setting of every kind of work, once."""
    found: dict[str, list[str]] = {}
    for work in campaign.plan.work.values():
        if isinstance(work.task, TrainingTask | PhononTask):
            text = json.dumps(work.task.settings.model_dump(mode="json"), ensure_ascii=False)
            name = f"{'training of' if work.stage == 'train' else 'phonons of'} {title_of(work.model)}, {work.system}"
            if name not in found.setdefault(text, []):
                found[text].append(name)
        elif isinstance(work.task, DynamicsTask):
            asked = {"dynamics": work.task.dynamics, "vibrations": work.task.vibrations}
            text = json.dumps({name: one.model_dump(mode="json") for name, one in asked.items()})
            name = f"MD of {title_of(work.model)}, {work.system}"
            if name not in found.setdefault(text, []):
                found[text].append(name)
    for text, names in found.items():
        yield "; ".join(names), text
