"""Whether a site is as its file says: programs, partitions, and a script that the scheduler would take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from launchers.machines.answers import Unanswered, ask
from launchers.machines.scheduler import SCHEDULERS
from launchers.machines.script import ScriptError, Task, script, work_arguments
from launchers.machines.site import ResourceClass, Site
from launchers.machines.submission import is_there


@dataclass(frozen=True)
class Check:
    """One line: `usable` is False where something is wrong, and `todo` what to do."""

    what: str
    found: str
    usable: bool | None
    todo: str = ""


def check(name: str, site: Site) -> Iterator[Check]:
    """The scheduler, then for each class its partition and its script."""
    scheduler = SCHEDULERS[site.scheduler]
    if not is_there(site):
        yield Check(f"site {name}", f"no {scheduler.submit} here", None, "run this on a login node of the site")
        return
    yield Check(f"site {name}", f"{site.scheduler}, {scheduler.submit}", True)
    for kind, one in site.classes.items():
        try:
            yield from _of_class(site, f"site {name}, class {kind}", one, kind)
        except (Unanswered, ScriptError) as error:
            yield Check(f"site {name}, class {kind}", str(error), False)


def _of_class(site: Site, what: str, one: ResourceClass, kind: str) -> Iterator[Check]:
    scheduler = SCHEDULERS[site.scheduler]
    if one.partition is not None and (why := scheduler.lacks(one.partition)):
        yield Check(what, f"no partition {one.partition}", False, why)
        return
    with TemporaryDirectory(prefix="lf-doctor-") as place:
        folder = Path(place)
        command = ("latticefarm", *work_arguments(site, one, kind))
        path = folder / "script.sh"
        path.write_text(script(site, one, Task("lf-doctor", folder, command, {})))
        trial = scheduler.trial(str(path))
        if trial is None:
            yield Check(what, f"{_shape(one)}", None, f"{site.scheduler} tries no script without taking it")
            return
        answer = ask(trial)
    if answer.code != 0:
        yield Check(what, scheduler.refusal(answer), False, f"{scheduler.submit} would not take it as it is in the file of sites")
        return
    account = f", account {one.account}" if one.account else ""
    yield Check(what, f"{scheduler.submit} would take it: {_shape(one)}{account}", True)


def _shape(one: ResourceClass) -> str:
    """`4 slots (2 with a GPU)`, and on how many nodes."""
    if one.own:
        return f"one job at a time on {one.all_cores} cores of {one.nodes} node{'' if one.nodes == 1 else 's'}"
    made = one.slots_of_node
    with_gpu = sum(slot.gpu is not None for slot in made)
    each = f" on each of {one.nodes} nodes" if one.nodes > 1 else ""
    return f"{len(made)} slot{'' if len(made) == 1 else 's'}{f' ({with_gpu} with a GPU)' if with_gpu else ''}{each}"
