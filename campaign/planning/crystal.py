"""Work on a crystal: phonons of a model or of a level itself, and long MD."""

from __future__ import annotations

from typing import Any

from campaign.planning.work import Coordinates, Work
from campaign.spec import ResolvedSpec
from campaign.spec.dynamics import DynamicsSpec
from flows.dynamics.settings import DynamicsTask
from flows.keys import digest
from flows.phonons.cells import supercell_matrix
from flows.phonons.settings import DirectPhononTask, PhononTask


def phonons_work(spec: ResolvedSpec, coordinates: Coordinates, needs: tuple[str, ...]) -> Work:
    """Harmonic phonons of the sum of the models that `needs` names."""
    key = digest("phonons", 1, models=list(needs), **_identity(spec, coordinates))
    task = PhononTask(key=key, **coordinates._asdict(), **_how(spec, coordinates.system))
    return Work(key, "phonons", *coordinates, needs, task)


def phonons_task(spec: ResolvedSpec, work: Work) -> PhononTask:
    """What phonons are told, of work that was kept without its task."""
    return PhononTask(key=work.key, **{name: getattr(work, name) for name in Coordinates._fields}, **_how(spec, work.system))


def direct_phonons_work(
    spec: ResolvedSpec, coordinates: Coordinates, awaited: tuple[str, ...], labels: tuple[str, ...]
) -> Work:
    """Harmonic phonons of the level `coordinates.model` by the forces in `labels`, for some of which it waits."""
    key = digest("direct-phonons", 1, labels=list(labels), **_identity(spec, coordinates))
    task = DirectPhononTask(key=key, **coordinates._asdict(), **_how(spec, coordinates.system), labels=labels)
    return Work(key, "phonons", *coordinates, awaited, task)


def hessian_work(spec: ResolvedSpec, coordinates: Coordinates, needs: tuple[str, ...]) -> Work:
    """Harmonic phonons with the force constants of the cell of the MD itself: what an MD is to be compared with.

    Those of a smaller cell, interpolated, put its modes tens of cm^-1 off. Without a non-analytical term, as the MD.
    """
    cells = spec.systems[coordinates.system]
    supercell = supercell_matrix(cells.primitive.atoms(), cells.big.cell).tolist()
    how = {"primitive": cells.primitive, "supercell": supercell, "settings": spec.phonons}
    identity = {"supercell": supercell, "primitive": cells.primitive.key(), "settings": spec.phonons.identity()}
    key = digest("hessian", 1, models=list(needs), **identity)
    return Work(key, "hessian", *coordinates, needs, PhononTask.model_validate({"key": key, **coordinates._asdict(), **how}))


def vibrations_work(spec: ResolvedSpec, coordinates: Coordinates, needs: tuple[str, ...], asked: DynamicsSpec) -> Work:
    """Long MD with the sum of the models that `needs` names."""
    cells = spec.systems[coordinates.system]
    normalized_atoms = len(cells.primitive.symbols)  # lies over the harmonic density of states
    key = digest(
        "vibrations",
        1,
        models=list(needs),
        big=cells.big.key(),
        dynamics=asked.settings().identity(),
        vibrations=asked.vibrations.identity(),
        normalized_atoms=normalized_atoms,
    )
    how = {"big": cells.big, "dynamics": asked.settings(), "vibrations": asked.vibrations}
    about = {"key": key, **coordinates._asdict(), "normalized_atoms": normalized_atoms}
    return Work(key, "vibrations", *coordinates, needs, DynamicsTask.model_validate({**about, **how}))


def _identity(spec: ResolvedSpec, coordinates: Coordinates) -> dict[str, Any]:
    cells = spec.systems[coordinates.system]
    return {
        "primitive": cells.primitive.key(),
        "supercell": cells.phonon_supercell,
        "settings": spec.phonons.identity(),
        # only where it is given: phonons without it keep the keys that they had
        **({"nac": cells.nac.identity()} if cells.nac is not None else {}),
    }


def _how(spec: ResolvedSpec, system: str) -> dict[str, Any]:
    cells = spec.systems[system]
    about = {"primitive": cells.primitive, "supercell": cells.phonon_supercell}
    return {**about, "settings": spec.phonons, "nac": cells.nac}
