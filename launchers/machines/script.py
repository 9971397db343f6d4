"""The script of an allocation: a template that FireWorks' `CommonAdapter` fills, and what is refused before it does.

Its `string.Template` leaves out, without a word, each line with a name that is not given, that has a hyphen, or into
which a value with `$$` was put. So keys are held against the template first.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from launchers.machines.scheduler import AT_THE_END_S, SCHEDULERS
from launchers.machines.site import ResourceClass, Site

_PLACE = re.compile(r"\$\$\{?([^\s{}$]*)\}?")
_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
OURS = ("job_name", "log", "launch_dir", "pre_rocket", "rocket_launch")


class ScriptError(ValueError):
    """A script that cannot be written: which key, and what to do. `key` is that of the options, empty if of none."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True)
class Task:
    """What an allocation does: `command` once on each node, with these variables, in `folder`, where its log is."""

    name: str
    folder: Path
    command: tuple[str, ...]
    variables: Mapping[str, str]

    @property
    def log(self) -> Path:
        return self.folder / "allocation.log"


def script(site: Site, one: ResourceClass, task: Task) -> str:
    """The script of one allocation.

    Raises:
        ScriptError: a key that the template does not take, or a value that would be lost.
    """
    if re.search(r"[\s%\"'$]", str(task.folder)):
        raise ScriptError(f"{task.folder} has signs that schedulers do not bear in the name of a log: set LATTICEFARM_HOME to another folder")
    keys = {**given(site, one), **_ours(site, one, task)}
    _refuse_lost(template(site), keys)
    adapter = _adapter(site, keys)
    try:
        return adapter.get_script_str(str(task.folder))
    except ValueError as error:  # of Python's formatter, which FireWorks asks for names
        raise ScriptError(f"the template {template_path(site)} cannot be read: {error}") from None


def given(site: Site, one: ResourceClass) -> dict[str, str | int | float]:
    """The keys of the scheduler's template that a class gives.

    Raises:
        ScriptError: one of its options is unknown to the template, or is ours to set.
    """
    known = names(template(site))
    for key, value in one.options.items():
        if key in OURS:
            raise ScriptError(f"{key} is set by latticefarm: take it away", key)
        if key not in known:
            raise ScriptError(f"the template of {site.scheduler} has no {key!r}; {_nearest(key, known)}", key)
        if "\n" in str(value):
            raise ScriptError(f"{key} has more than one line", key)
    return {**SCHEDULERS[site.scheduler].keys(one), **one.options}


def names(text: str) -> set[str]:
    """The keys of a template.

    Raises:
        ScriptError: one of them is no name to Python's templates, and its line would be left out.
    """
    found = set(_PLACE.findall(text))
    for one in sorted(found):
        if not _NAME.fullmatch(one):
            raise ScriptError(f"the template has $${{{one}}}: write it with letters, digits and _ alone, else its line is left out")
    return found


def template_path(site: Site) -> Path:
    """The template of a site: its own, or that of its scheduler."""
    if site.template is not None:
        return Path(site.template).expanduser().absolute()
    return Path(__file__).parent / "templates" / f"{site.scheduler}.sh"


def template(site: Site) -> str:
    """Its text.

    Raises:
        ScriptError: it cannot be read.
    """
    path = template_path(site)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"the template {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _ours(site: Site, one: ResourceClass, task: Task) -> dict[str, str]:
    # the database's URI is in a file: what is in a script or in its environment can be read by others
    exports = ["unset LATTICEFARM_MONGO_URI", *(f"export {name}={shlex.quote(value)}" for name, value in task.variables.items())]
    start = site.launcher if site.launcher and one.nodes > 1 else SCHEDULERS[site.scheduler].on_each_node(one)
    if one.own:
        start = ""  # its job starts what it needs on all nodes
    return {
        "job_name": task.name,
        "log": str(task.log),
        "launch_dir": str(task.folder),  # FireWorks sets it, to the same
        "pre_rocket": "\n".join([*exports, *site.setup, *one.setup]),
        "rocket_launch": f"{start} {shlex.join(task.command)}".strip(),
    }


def _refuse_lost(text: str, keys: Mapping[str, str | int | float]) -> None:
    """FireWorks leaves a line out of which one name is not given, and with it the names that are."""
    lines = [set(_PLACE.findall(line)) for line in text.splitlines()]
    known = names(text)
    for key, value in keys.items():
        if "$$" in str(value):
            raise ScriptError(f"{key} holds $$, which would leave its line out of the script", key)
        if key not in known:
            raise ScriptError(f"the template has no line for {key}, which is {_shown(value)}: add one with $${{{key}}}", key)
        lacking = [line - keys.keys() for line in lines if key in line]
        if all(lacking):
            beside = ", ".join(sorted(next(iter(lacking))))
            raise ScriptError(f"{key} goes into the script together with {beside}: give options: {{{beside}: ...}}", key)


def _adapter(site: Site, keys: Mapping[str, str | int | float]) -> Any:
    from fireworks.user_objects.queue_adapters.common_adapter import CommonAdapter

    name = SCHEDULERS[site.scheduler].fireworks_name
    return CommonAdapter(q_type=name, q_name=name, template_file=str(template_path(site)), **keys)


def job_id(site: Site, said: str) -> str | None:
    """The number of a job in what the scheduler said when it took it; None where there is none."""
    try:
        return str(_adapter(site, {})._parse_jobid(said))
    except RuntimeError:
        return None


def submit_command(site: Site, path: Path) -> tuple[list[str], str | None]:
    """What submits the script at `path`, and what it reads: LSF heeds the head of a script only there."""
    program = SCHEDULERS[site.scheduler].submit
    return ([program], path.read_text()) if site.scheduler == "lsf" else ([program, str(path)], None)


def work_arguments(site: Site, one: ResourceClass, kind: str) -> Sequence[str]:
    """The arguments of `latticefarm` on each node of an allocation of this class, which is called `kind`."""
    # said in full, so that it does what its size was reckoned with
    chosen = ["work", "--until-empty", *_slots(one), "--class", kind]
    for category in one.categories:
        chosen += ["--category", category]
    if site.scheduler == "sge":  # nothing there says when an allocation ends
        chosen += ["--deadline", f"{max(one.walltime - AT_THE_END_S, 30):.0f}s"]
    return chosen


def _slots(one: ResourceClass) -> list[str]:
    made = one.slots_of_node
    if one.own:
        return ["--slots", "1", "--own"]
    if not one.gpus:
        return ["--slots", str(len(made))]
    beside = sum(slot.gpu is None for slot in made)
    wanted = [] if one.slots is None else ["--slots", str(one.slots)]
    return [*wanted, "--gpu-slots", str(one.gpu_slots), "--cpu-slots", str(beside)]


def _nearest(word: str, known: Iterable[str]) -> str:
    choices = sorted(set(known) - set(OURS))
    close = get_close_matches(word.replace("-", "_").lower(), choices, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(choices)}"


def _shown(value: str | int | float) -> str:
    text = str(value)
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
