"""Commands that take a SPEC: init, plan, submit, run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from campaign.cli.options import DataOption, JsonOption, SetOption, SlotsOption, SpecArgument

if TYPE_CHECKING:
    from campaign.cli.plan_view import Look
    from campaign.planning.knowledge import Knowledge
    from campaign.spec import LoadedSpec, ResolvedSpec
    from campaign.steering.status import Status
    from launchers.farm import Farm


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command()(init)
    app.command(name="plan")(plan_command)
    app.command()(submit)
    app.command()(run)


def init(
    example: Annotated[str, typer.Argument(help="An example's name: diamond-demo, lih-demo, diamond-espresso, diamond-paper, lih-paper, diamond-cc4s.")],
    directory: Annotated[Path, typer.Argument(help="Where to copy it.")] = Path(),
) -> None:
    """Copy an example campaign, to edit.

    Example: latticefarm init diamond-demo my-diamond
    """
    from campaign.cli.errors import UsageError
    from campaign.cli.printing import hint, show
    from campaign.examples import copy_example

    try:
        path = copy_example(example, directory)
    except KeyError as error:
        raise UsageError(error.args[0]) from error
    except FileExistsError as error:
        raise UsageError(f"{error.filename} is there already: name another folder") from error
    show(f"wrote {path}")
    hint(f"latticefarm plan {path}")


def plan_command(
    spec: SpecArgument,
    overrides: SetOption = None,
    data: DataOption = None,
    show_key: Annotated[str | None, typer.Option("--show", metavar="KEY", help="Print what a job is told, or what the program of a label reads.")] = None,
    json: JsonOption = False,
) -> None:
    """Check a campaign and say what would run, and what exists already.

    Example: latticefarm plan diamond-paper --data labels --set training.seeds=[861]
    """
    from campaign.cli import plan_view, shown_key
    from campaign.cli.printing import facts, hint, show
    from campaign.spec import load_spec
    from campaign.steering.status import State

    loaded = load_spec(spec, overrides or (), data)
    found = look(loaded)
    if show_key is not None:
        about = shown_key.shown(loaded.resolved, found.status.plan, show_key)
        if json or "task" in about:
            facts(about)
        else:
            print(*shown_key.lines(about), sep="\n")
    elif json:
        facts(plan_view.as_facts(loaded, found))
    else:
        show(*plan_view.render(loaded, found))
        options = ", with the same options" if overrides or data else ""
        name = loaded.resolved.campaign
        ended = found.status.of_all(frozenset({State.DONE})) and _is_asked(loaded)
        hint(f"latticefarm results {name} training" if ended else f"latticefarm run {spec}{options}")


def _is_asked(loaded: LoadedSpec) -> bool:
    """Whether this is what was submitted last under its name: then its tables are of it."""
    from campaign.records.campaigns import campaign_names, resolved_spec
    from launchers.database import ladder
    from launchers.farm import Farm

    found = ladder.find()
    if found is None:
        return False
    farm, name = Farm.open(found), loaded.resolved.campaign
    return name in campaign_names(farm) and resolved_spec(farm, name) == loaded.resolved


def look(loaded: LoadedSpec) -> Look:
    """Plan on the labels as they are on disk, against the database if there is one. Changes nothing."""
    from campaign.cli.plan_view import Look
    from campaign.planning.born import mended_charges
    from campaign.planning.knowledge import Knowledge
    from campaign.planning.outlook import Outlook, outlook
    from campaign.planning.plan import plan
    from campaign.records import labels
    from campaign.steering.status import Status, states, status_of
    from campaign.steering.time_left import Pace
    from campaign.steering.time_left import left as left_of
    from launchers.database import ladder

    spec = loaded.resolved
    read = labels.read_all(spec, labels.from_disk(loaded.files))
    published = {system: one[0] for system, one in read.items()}
    structures = {system: labels.structures_of(*one, labels.base(spec, system)) for system, one in read.items()}
    sources = {key: label.source for _, by_key in read.values() for key, label in by_key.items() if label.source}
    found = ladder.find()
    if found is None:
        made = plan(spec, Knowledge(label_sets=published, structures=structures))
        unqueued = Status(made, states(made, set(), {}), {})
        return Look(unqueued, published, Pace().left(made.work.values()), sources=sources, outlook=tuple(outlook(spec, made, ())))
    from campaign.records.forecasts import stored_forecasts
    from campaign.records.lookup import known
    from launchers.farm import Farm

    farm = Farm.open(found)
    knowledge = known(farm, spec, published, structures)
    now = status_of(farm, plan(spec, knowledge))
    said = (*outlook(spec, now.plan, stored_forecasts(farm, now.plan)), *(Outlook(text, False) for text in mended_charges(knowledge.born)))
    relabelled, retrained = tuple(_relabelled(farm, spec, knowledge)), tuple(_retrained(farm, now))
    return Look(now, published, left_of(farm, now, slots=1), retrained, relabelled, sources, said)


def _relabelled(farm: Farm, spec: ResolvedSpec, knowledge: Knowledge) -> Iterator[str]:
    from campaign.planning.relabelling import relabellings
    from campaign.records.lookup import all_wanted
    from campaign.records.outputs import earlier_engines, stored

    wanted = {name: one for name, one in all_wanted(spec, knowledge).items() if not all(map(knowledge.settled, one.places))}
    earlier = earlier_engines(farm, wanted) if wanted else {}
    for name, asked in wanted.items():
        yield from relabellings(
            name, spec.systems[name], asked, knowledge, earlier.get(name, ()), lambda keys: stored(farm, keys)
        )


def _retrained(farm: Farm, now: Status) -> Iterator[str]:
    from campaign.planning.retraining import retrainings
    from campaign.records.outputs import earlier_trainings
    from campaign.steering.status import State

    missing = [work for work in now.plan.of_stage("train") if now.states[work.key] is not State.DONE]
    return retrainings(missing, earlier_trainings(farm, {work.system for work in missing}))


def submit(
    spec: SpecArgument,
    overrides: SetOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Add to the queue what a campaign asks for and the database lacks.

    Example: latticefarm submit my-diamond.yaml --data labels
    """
    from campaign.cli import plan_view
    from campaign.cli.connect import open_farm
    from campaign.cli.printing import facts, hint, show
    from campaign.records.labels import stored
    from campaign.spec import load_spec
    from campaign.steering.submit import submit as send

    loaded = load_spec(spec, overrides or (), data)
    farm = open_farm()
    done = send(farm, loaded)
    label_sets = stored(farm, loaded.resolved)
    if json:
        found = {"notes": list(loaded.notes), "warnings": plan_view.warnings_of(label_sets)}
        added = {"added": list(done.added), "taken_out": list(done.taken_out)}
        facts({"campaign": loaded.resolved.campaign, **added, **found})
        return
    from campaign.cli.status_view import pause_note, sources
    from campaign.steering.progress import summary

    if note := pause_note(farm, loaded.resolved.campaign):
        show(f"[yellow]{note}[/]")
    made = done.status.plan
    show(*plan_view.remarks(loaded, label_sets), *plan_view.losses(made, label_sets, sources(farm, made)))
    gone = f"; {len(done.taken_out)} that nobody asks for any more taken out of the queue" if done.taken_out else ""
    show(f"{loaded.resolved.campaign}: {len(done.added)} jobs added; before: {summary(done.status.counts())}{gone}")
    hint("latticefarm work --until-empty" if done.added else f"latticefarm status {loaded.resolved.campaign}")


def run(
    spec: SpecArgument,
    overrides: SetOption = None,
    data: DataOption = None,
    slots: SlotsOption = None,
    report: Annotated[bool, typer.Option(help="Write the report into CAMPAIGN-report when all has ended.")] = True,
) -> None:
    """Run a whole campaign on this machine: database, queue, workers, progress, report.

    Ctrl-C stops cleanly; running it again goes on.

    Example: latticefarm run diamond-paper --data labels --set mace.preset=small
    """
    from campaign.cli.running import run_campaign
    from campaign.spec import load_spec

    raise typer.Exit(run_campaign(load_spec(spec, overrides or (), data), slots, report))
