"""What `latticefarm plan` shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from campaign.steering.progress import as_facts as work_facts
from campaign.steering.progress import duration, matrix, summary
from campaign.steering.status import State
from flows.phonons.crystal import LOOSE_A

if TYPE_CHECKING:
    from rich.console import RenderableType

    from campaign.planning.faulty_labels import FaultyLabels
    from campaign.planning.outlook import Outlook
    from campaign.planning.plan import Plan
    from campaign.spec import Gap, LoadedSpec
    from campaign.steering.status import Status
    from campaign.steering.time_left import Left
    from flows.phonons.crystal import CrystalFacts
    from flows.records import LabelSet

SHOWN = 8  # of frames set aside; `--json` has all
REMARKS = 2  # of warnings of a level, where they are not what was asked for


def crystals_of(loaded: LoadedSpec) -> dict[str, CrystalFacts]:
    """What crystal was understood, by system."""
    from flows.phonons.crystal import crystal_facts

    return {name: crystal_facts(system.primitive.atoms()) for name, system in loaded.resolved.systems.items()}


class Look(NamedTuple):
    """What `plan` has found: how far the work is, the labels, how long one worker would take, and what is labelled or
    trained again and why."""

    status: Status
    label_sets: Mapping[str, LabelSet]
    left: Left
    retrained: tuple[str, ...] = ()
    relabelled: tuple[str, ...] = ()
    sources: Mapping[str, str] = MappingProxyType({})  # file and frame of published labels, by label key
    outlook: tuple[Outlook, ...] = ()  # what forecasts say


def as_facts(loaded: LoadedSpec, found: Look) -> dict[str, Any]:
    """Everything, for JSON."""
    status, label_sets, left, retrained, relabelled, sources, outlook = found
    return {
        "crystals": {name: one.as_facts() for name, one in crystals_of(loaded).items()},
        "notes": list(loaded.notes),
        "left_s": left.seconds,
        "left_is_guessed": left.guessed,
        "work": work_facts(status),
        "gaps": [gap._asdict() for gap in status.plan.gaps],
        "lacking": [one.as_facts(sources) for one in status.plan.lacking],
        "faulty": [one.as_facts() for one in status.plan.faulty],
        "by_path": [one.as_facts() for one in status.plan.by_path],
        "stopped": [one.as_facts() for one in status.plan.stopped],
        "labels": {
            name: {
                "audit": {level: audit.model_dump(mode="json") for level, audit in one.audit.items()},
                "set_aside": [item.model_dump(mode="json") for item in one.set_aside],
            }
            for name, one in label_sets.items()
        },
        "relabelled": list(relabelled),
        "retrained": list(retrained),
        "outlook": [one.text for one in outlook],
    }


def render(loaded: LoadedSpec, found: Look) -> Iterator[RenderableType]:
    """Crystals, what was mended, labels, gaps, the matrix, one line that sums up, and what is done again and why."""
    from rich.markup import escape

    status, label_sets, left, retrained, relabelled, sources, outlook = found
    for name, crystal in crystals_of(loaded).items():
        yield from _crystal(name, crystal)
    yield from (f"  [yellow]{escape(note)}[/]" for note in loaded.notes)
    for name, label_set in label_sets.items():
        yield from _labels(name, label_set)
    yield from lacking_lines(status.plan, sources)
    yield from _faulty(status.plan.faulty)
    yield from by_path_lines(status.plan)
    yield from gap_lines(status.plan.gaps)
    yield from stopped_lines(status.plan)
    yield matrix(status, f"campaign {loaded.resolved.campaign}")
    yield summary(status.counts()) + say_left(left)
    yield from _uncounted(status)
    yield from (f"again: {escape(reason)}" for reason in (*relabelled, *retrained))
    yield from (escape(one.text) for one in outlook)


def _uncounted(status: Status) -> Iterator[str]:
    """Systems of which the plan knows no structures to train on, as an MD has still to draw them, or no term of their phonons."""
    systems = dict.fromkeys(work.system for work in status.plan.of_stage("sample") if status.states[work.key] is not State.DONE)
    born = dict.fromkeys(work.system for work in status.plan.of_stage("born") if status.states[work.key] is not State.DONE)
    yield from (f"{system}: phonons are counted when its Born charges are there" for system in born)
    yield from (f"{system}: labels of what its sweep draws, and all models, are counted when it is done" for system in systems)


def say_left(left: Left) -> str:
    """How long one worker would take: `; about 3.4 h of work`."""
    if not left.seconds:
        return ""
    measured = "by measured runs" if not left.guessed else "a guess: not all of its kinds were measured yet"
    return f"; about {duration(left.seconds)} for one worker ({measured})"


def losses(plan: Plan, label_sets: Mapping[str, LabelSet], sources: Mapping[str, str]) -> Iterator[str]:
    """What a campaign goes on without, or with although it is not sure: labels of a faulty version or of one structure,
    those of files known by their paths alone, gaps, and how many frames were set aside."""
    # the plan was made before this submission asked for them again
    yield from _faulty(replace(one, queued=True) for one in plan.faulty)
    yield from lacking_lines(plan, sources)
    yield from by_path_lines(plan)
    yield from gap_lines(plan.gaps)
    yield from stopped_lines(plan)
    aside = sum(len(one.set_aside) for one in label_sets.values())
    if aside:
        yield f"[yellow]set aside: {aside}, each with its reason in: latticefarm results {plan.campaign} set-aside[/]"


def remarks(loaded: LoadedSpec, label_sets: Mapping[str, LabelSet]) -> Iterator[str]:
    """What was noted in reading a campaign and its labels, the first of each level: `plan` has all."""
    from rich.markup import escape

    yield from (f"[yellow]{escape(note)}[/]" for note in loaded.notes)
    for place, warnings in warnings_of(label_sets).items():
        more = len(warnings) - REMARKS
        rest = f"; and {more} more: latticefarm results {loaded.resolved.campaign} labels" if more > 0 else ""
        first = "; ".join(warnings[:REMARKS])
        yield f"[yellow]{escape(f'{place}: {first}{rest}')}[/]"


def warnings_of(label_sets: Mapping[str, LabelSet]) -> dict[str, list[str]]:
    """What a user should see before training on the labels, by system and level."""
    return {
        f"{system}, {level}": list(audit.warnings)
        for system, label_set in label_sets.items()
        for level, audit in label_set.audit.items()
        if audit.warnings
    }


def _crystal(system: str, crystal: CrystalFacts) -> Iterator[str]:
    atoms = "1 atom" if crystal.atoms == 1 else f"{crystal.atoms} atoms"
    yield (
        f"{system}: primitive cell {crystal.formula} ({atoms}), space group {crystal.space_group} ({crystal.number}), "
        f"nearest atoms {'-'.join(crystal.nearest)} {crystal.nearest_A:.3f} Å"
    )
    if crystal.loose_group:
        yield (
            f"  [yellow]within {LOOSE_A} Å its space group is {crystal.loose_group}: if that is meant, its atoms are displaced[/]"
        )


def _labels(system: str, label_set: LabelSet) -> Iterator[str]:
    from rich.markup import escape  # names of files and their contents are a user's

    for level, audit in label_set.audit.items():
        forces = "energies and forces" if audit.with_forces else "energies"
        line = f"{system}: {audit.count} labels of {level}, {forces}"
        if audit.delta_std_meV_atom is not None:
            line += (
                f"; ΔE against {audit.delta_base} varies by {audit.delta_std_meV_atom:.2f} meV/atom, "
                f"a straight line leaves {audit.line_rmse_meV_atom:.2f}"
            )
        elif audit.effective_temperature_K is not None:
            line += f"; frames reach {audit.effective_temperature_K:.0f} K (by equipartition)"
        yield line
        yield from (f"  [yellow]{escape(warning)}[/]" for warning in audit.warnings)
    # a level that is lost whole says why; its frames say it one by one
    aside = sorted(label_set.set_aside, key=lambda item: (item.file or item.structure_key) is not None)
    for item in aside[:SHOWN]:
        yield f"  [yellow]set aside: {escape(f'{system}: {item.where}: {item.reason}')}[/]"
    if len(label_set.set_aside) > SHOWN:
        yield f"  [yellow]and {len(label_set.set_aside) - SHOWN} more set aside: --json names all[/]"


def _faulty(labels: Iterable[FaultyLabels]) -> Iterator[str]:
    yield from (f"[bold red]faulty:[/] {one.text()}" for one in labels)


def by_path_lines(plan: Plan) -> Iterator[str]:
    """What becomes of labels of files that were known by their paths alone."""
    from rich.markup import escape

    yield from (f"[yellow]by {one.called_by} alone: {escape(one.text())}[/]" for one in plan.by_path)


def stopped_lines(plan: Plan) -> Iterator[str]:
    """The levels of which no more labels are begun: what an engine said may be anything."""
    from rich.markup import escape

    yield from (f"[bold red]stopped:[/] {escape(one.text(plan.campaign))}" for one in plan.stopped)


def gap_lines(gaps: tuple[Gap, ...]) -> Iterator[str]:
    """What a campaign cannot have, and why: names of files and their contents are a user's."""
    from rich.markup import escape

    yield from (f"[yellow]gap: {escape(f'{gap.system} has no {gap.model}: {gap.why}')}[/]" for gap in gaps)


def lacking_lines(plan: Plan, sources: Mapping[str, str]) -> Iterator[str]:
    """Which structures have no label at a level, and why."""
    from rich.markup import escape

    yield from (f"[yellow]lacking: {escape(one.text(sources))}[/]" for one in plan.lacking)
