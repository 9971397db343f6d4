"""What `latticefarm doctor` looks at."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("jobflow", "atomate2", "FireWorks", "pymongo", "ase", "mace-torch", "torch", "phonopy", "pymatgen", "pyscf")

DAMAGED = "what it held is computed again; look at that disk, and then remove the file"


@dataclass(frozen=True)
class Finding:
    """One thing: `usable` is False where something is broken, None where something optional is not there."""

    what: str
    found: str
    usable: bool | None
    todo: str = ""


def examine() -> list[Finding]:
    """Everything that a campaign needs, and what it could use."""
    return [*_packages(), *_sources(), _database(), _gpus(), *_programs(), *_schedulers(), *_damaged()]


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(name, version(name), True)
        except PackageNotFoundError:
            yield Finding(name, "not installed", False, "pip install latticefarm")


def _sources() -> Iterator[Finding]:
    """Other distributions could install packages of our names: ours must come from one place."""
    from importlib.util import find_spec

    roots = {}
    for name in ("campaign", "flows", "launchers"):
        spec = find_spec(name)
        roots[name] = Path(spec.origin).parents[1] if spec is not None and spec.origin else None
    same = len(set(roots.values())) == 1
    todo = "" if same else f"packages of one name hide another: {roots}"
    yield Finding("latticefarm", version("latticefarm"), same, todo)


def _database() -> Finding:
    from launchers.database import ladder

    try:
        found = ladder.find()
    except Exception as error:
        return Finding("database", str(error), False)
    if found is None:
        return Finding("database", "none runs", None, "`latticefarm db start`, or set LATTICEFARM_MONGO_URI")
    return Finding("database", f"{found.kind}, {found.redacted()}", True)


def _damaged() -> Iterator[Finding]:
    """Finished work on the disk of this machine that cannot be delivered."""
    from launchers.queue.endings import say
    from launchers.workers.spool import set_aside

    for path, written in set_aside():
        yield Finding("finished work", f"{path} is damaged, written {say(datetime.fromtimestamp(written, UTC))}", False, DAMAGED)


def _gpus() -> Finding:
    if shutil.which("nvidia-smi") is None:
        return Finding("GPU", "none", None, "trainings run on the CPU: use mace.preset=small")
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    names = [line.split(" (UUID")[0] for line in listed.stdout.splitlines()]
    return Finding("GPU", ", ".join(names) or listed.stderr.strip(), listed.returncode == 0)


def _programs() -> Iterator[Finding]:
    """Programs of engines, by the names under which they are usually found."""
    yield _espresso()
    yield _cp2k()
    yield from _vasp()
    yield _cc4s()


def _espresso() -> Finding:
    from flows.labelling.engines.espresso.run import version_of

    path = shutil.which("pw.x")
    if path is None:
        return Finding("Quantum ESPRESSO", "no pw.x", None, "engines of kind espresso need it: apt-get install quantum-espresso, or give its path in their command")
    said = version_of("pw.x")
    works = said != "unknown"
    return Finding("Quantum ESPRESSO", f"{path}, {said}" if works else f"{path} does not start", works, "" if works else "run it by hand and see")


def _cp2k() -> Finding:
    path = shutil.which("cp2k.psmp")
    todo = "" if path else "engines of kind atomate2 with its makers need it: apt-get install cp2k cp2k-data"
    return Finding("CP2K", path or "no cp2k.psmp", True if path else None, todo)


def _vasp() -> Iterator[Finding]:
    """It says nothing of itself without input."""
    from flows.labelling.engines.vasp import potentials

    paths = [path for name in ("vasp_std", "vasp_gam") if (path := shutil.which(name))]
    todo = "" if paths else "engines of kind vasp and cc4s need it where labels are computed: give the command that starts it there in their command"
    yield Finding("VASP", ", ".join(paths) or "no vasp_std, no vasp_gam", True if paths else None, todo)
    folder = potentials.home()
    if folder is None:
        yield Finding("POTCARs", f"{potentials.HOME} is not set", None, f"engines of kind vasp and cc4s need them: {potentials.how_to_have()}")
        return
    here = [family for family in potentials.families() if potentials.folder_of(family, folder).is_dir()]
    todo = "" if here else f"no folder in it is called as pymatgen calls those of families ({potentials.folder_of('PBE_54', folder).name}, ...)"
    yield Finding("POTCARs", f"{folder}{': ' * bool(here)}{', '.join(here)}", bool(here), todo)


def _cc4s() -> Finding:
    path = shutil.which("Cc4s")
    todo = "" if path else "engines of kind cc4s need it where labels are computed: give its path in their cc4s_command"
    return Finding("Cc4s", path or "no Cc4s", True if path else None, todo)


def _schedulers() -> Iterator[Finding]:
    """The sites of `latticefarm launch`, if their file is there; else whether a scheduler is."""
    from campaign.cli.sites import read_sites, sites_path
    from launchers.machines.check import check

    path = sites_path()
    if not path.exists():
        found = next((one for one in ("sbatch", "qsub", "bsub") if shutil.which(one)), None)
        todo = f"{path} is not there: `latticefarm launch --init` writes it" if found else ""
        yield Finding("scheduler", found or "none", None, todo)
        return
    try:
        sites = read_sites(path)
    except ValueError as error:
        yield from (Finding("file of sites", line, False) for line in str(error).splitlines())
        return
    for name, site in sites.sites.items():
        yield from (Finding(one.what, one.found, one.usable, one.todo) for one in check(name, site))
