"""Commands on the queue: work, status, rescue."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from campaign.cli.options import JsonOption, SlotsOption

if TYPE_CHECKING:
    from launchers.database.ladder import Database
    from launchers.machines.hardware import Hardware

YEAR_S = 365 * 86400


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    for command in (work, status, rescue):
        app.command()(command)


def work(
    slots: SlotsOption = None,
    gpu_slots: Annotated[int | None, typer.Option("--gpu-slots", min=1, help="Workers that share one GPU (default: by the memory that jobs have held).")] = None,
    cpu_slots: Annotated[int | None, typer.Option("--cpu-slots", min=0, help="Workers beside those with a GPU (default: by the cores that are left).")] = None,
    category: Annotated[list[str] | None, typer.Option("--category", help="label, train or analyse (default: all).")] = None,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when nothing is left to do.")] = False,
    kind: Annotated[str, typer.Option("--class", metavar="CLASS", help="The class of this allocation: jobs that name it are taken too.")] = "",
    own: Annotated[bool, typer.Option("--own", help="Take none but jobs that name this --class.")] = False,
    deadline: Annotated[str | None, typer.Option("--deadline", metavar="TIME", help="Drain then: 90m, 3.5h, or a Unix time.")] = None,
) -> None:
    """Run warm workers on this machine, or inside an allocation.

    Example: latticefarm work --slots 4 --until-empty
    """
    from campaign.cli.connect import database
    from campaign.cli.errors import UsageError
    from campaign.cli.printing import show
    from campaign.cli.status_view import silent_lines
    from campaign.steering.seal import ADVANCE
    from launchers.farm import Farm
    from launchers.machines.capacities import known, of_slots, unfit
    from launchers.machines.hardware import DEVICE_VARIABLES, hardware, mps_runs
    from launchers.machines.scheduler import here, stop_time
    from launchers.machines.slots import slots as slots_of
    from launchers.queue.patience import DATABASE_AWAY
    from launchers.queue.resources import Offer
    from launchers.workers.node import Node, NodeSettings, run_root
    from launchers.workers.settings import WorkerSettings

    if own and not kind:
        raise UsageError("--own takes what names a --class: say which")
    taken = _known(category or [])
    drained_at = _end_of_allocation() if deadline is None else moment(deadline)
    asks = partial(stop_time, as_it_began=False) if deadline is None and here() is not None else None
    used = database()
    settings = WorkerSettings(
        run_root=run_root(),
        categories=taken,
        until_empty=until_empty,
        deadline=drained_at,
        then=ADVANCE,
        offer=Offer(allocation=kind, own=own),
    )
    machine = hardware()
    if gpu_slots is None:
        gpu_slots = _on_a_gpu(machine, used) if machine.gpus and slots is None else 1
    given = slots_of(machine, slots, gpu_slots, cpu_slots)
    with_gpu = sum(one.gpu is not None for one in given)
    show(f"{len(given)} workers{f', {with_gpu} with a GPU' if with_gpu else ''}; Ctrl-C drains them; logs in {settings.run_root}")
    if gpu_slots > 1 and any(one.variable == DEVICE_VARIABLES[0] for one in given if one.gpu) and not mps_runs():
        show("workers that share a GPU take turns on it: nvidia-cuda-mps-control -d lets them run at once (NVIDIA's MPS)")
    with suppress(*DATABASE_AWAY):  # workers wait for it
        farm = Farm.open(used)
        show(*unfit(farm, [*known(farm), *of_slots(given, settings.offer)]))
    node = Node(NodeSettings(given, settings, asks))
    node.run()
    if until_empty and not node.draining:
        show(*silent_lines(Farm.open(used)))


def _on_a_gpu(machine: Hardware, used: Database) -> int:
    """How many workers share one, where nobody says it."""
    from campaign.cli.printing import show
    from launchers.farm import Farm
    from launchers.machines.sharing import jobs_on_a_gpu, measured_GB
    from launchers.queue.patience import DATABASE_AWAY

    needed_GB = None
    with suppress(*DATABASE_AWAY):
        needed_GB = measured_GB(Farm.open(used))
    count, why = jobs_on_a_gpu(machine, needed_GB)
    show(*([why] if why else []))
    return count


def _end_of_allocation() -> float | None:
    """When workers have to stop, if this is an allocation that ends at a time that its scheduler knows."""
    from campaign.cli.printing import show
    from launchers.machines.answers import Unanswered
    from launchers.machines.scheduler import stop_time

    try:
        return stop_time()
    except Unanswered as error:
        show(f"nobody says when this allocation ends ({error}): its signals are heeded")
        return None


def moment(text: str) -> float:
    """The Unix time that `90m`, `3.5h`, `600s` from now, or a Unix time to come, means.

    Raises:
        UsageError: it is none of them, or has passed; of a bare small number a unit is missing.
    """
    from campaign.cli.errors import UsageError

    units = {"s": 1, "m": 60, "h": 3600}
    unit = units.get(text[-1:])
    try:
        number = float(text if unit is None else text[:-1])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"--deadline {text}: write 90m, 3.5h, 600s, or a Unix time")
    now = time.time()
    if unit is None and 0 < number < YEAR_S:
        raise UsageError(f"--deadline {text}: a unit is missing; write {text}s or {text}m (a Unix time of 1970 has passed)")
    found = number if unit is None else now + number * unit
    if found <= now:
        raise UsageError(f"--deadline {text}: that has passed; write 90m, 3.5h, 600s, or a Unix time to come")
    return found


def rescue(
    host: Annotated[str | None, typer.Argument(metavar="[HOST]", help="A host that is gone; without it, the hosts are listed.")] = None,
) -> None:
    """Put back what runs on a host of which you know that it is gone; of this host, only what is dead.

    Were it still at work, a job would run twice, and its record be stored once.

    Example: latticefarm rescue node7
    """
    from campaign.cli.connect import open_farm
    from campaign.cli.errors import UsageError
    from campaign.cli.printing import hint, show
    from campaign.steering.progress import counting
    from campaign.steering.steer import LOCK_PATIENCE_S
    from launchers.queue.locks import patient_locks
    from launchers.workers.rescue import Reaper

    reaper = Reaper(open_farm(), LOCK_PATIENCE_S)
    hosts = reaper.hosts()
    if host is None:
        show(*[f"{name}: {counting(count, 'job')} in hand" for name, count in sorted(hosts.items())] or ["no work is in hand anywhere"])
        hint("latticefarm rescue HOST" if hosts else "latticefarm status")
        return
    if host not in hosts:
        known = f"work is in hand on {', '.join(sorted(hosts))}" if hosts else "no work is in hand anywhere"
        raise UsageError(f"nothing runs on {host}: {known}")
    reaper.unlock(show, host)
    with patient_locks(LOCK_PATIENCE_S):
        show(f"{host}: {len(reaper.rescue(host))} of {counting(hosts[host], 'job')} back in the queue")
    hint("latticefarm status")


def status(
    campaign: Annotated[str | None, typer.Argument(metavar="[CAMPAIGN]", help="One campaign; without it, all.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every few seconds.")] = False,
    json: JsonOption = False,
) -> None:
    """Show how far campaigns have come, and what failed, with its reason.

    Example: latticefarm status diamond-paper --watch
    """
    from campaign.cli.connect import open_farm
    from campaign.cli.printing import facts, hint, show
    from campaign.cli.status_view import allocation_facts, as_facts, farm_lines, names, render
    from launchers.machines.capacities import known, unfit

    farm = open_farm()
    while True:
        chosen = names(farm, campaign)
        if json:
            allocations = allocation_facts(farm)  # of all campaigns: an allocation takes the work of any
            facts({name: {**as_facts(farm, name), "allocations": allocations} for name in chosen})
        elif not chosen:
            show("no campaign was submitted to this database yet")
            hint("latticefarm submit SPEC")
        else:
            show(*(part for name in chosen for part in render(farm, name)), *farm_lines(farm), *unfit(farm, known(farm)))
        if not watch:
            return
        time.sleep(5)


def _known(categories: list[str]) -> tuple[str, ...]:
    from campaign.cli.errors import UsageError
    from campaign.planning.stages import categories as every
    from campaign.spec.errors import nearest

    for one in categories:
        if one not in every():
            raise UsageError(f"no category {one!r}; {nearest(one, every())}")
    return tuple(categories)
