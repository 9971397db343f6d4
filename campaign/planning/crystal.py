"""Work on a crystal: phonons of a model or of a level itself, and long MD."""

from __future__ import annotations

from typing import Any, NamedTuple

from campaign.planning.work import Work
from campaign.spec import ResolvedSpec
from campaign.spec.dynamics import DynamicsSpec
from flows.dynamics.settings import DynamicsTask
from flows.keys import digest
from flows.phonons.cells import supercell_matrix
from flows.phonons.settings import DirectPhononTask, PhononTask


class Place(NamedTuple):
    """Where a piece of work stands in the matrix of its campaign."""

    system: str
    model: str
    seed: int | None
    size: str


def phonons_work(spec: ResolvedSpec, place: Place, needs: tuple[str, ...]) -> Work:
    """Harmonic phonons of the sum of the models that `needs` names."""
    key = digest("phonons", 1, models=list(needs), **_identity(spec, place))
    task = PhononTask(key=key, **place._asdict(), **_how(spec, place))
    return Work(key, "phonons", *place, needs, task)


def direct_phonons_work(
    spec: ResolvedSpec, place: Place, awaited: tuple[str, ...], labels: tuple[str, ...]
) -> Work:
    """Harmonic phonons of the level `place.model` by the forces in `labels`, for some of which it waits."""
    key = digest("direct-phonons", 1, labels=list(labels), **_identity(spec, place))
    task = DirectPhononTask(key=key, **place._asdict(), **_how(spec, place), labels=labels)
    return Work(key, "phonons", *place, awaited, task)


def hessian_work(spec: ResolvedSpec, place: Place, needs: tuple[str, ...]) -> Work:
    """Harmonic phonons with the force constants of the cell of the MD itself: what an MD is to be compared with.

    Those of a smaller cell, interpolated, put its modes tens of cm^-1 off. Without a non-analytical term, as the MD.
    """
    cells = spec.systems[place.system]
    supercell = supercell_matrix(cells.primitive.atoms(), cells.big.cell).tolist()
    how = {"primitive": cells.primitive, "supercell": supercell, "settings": spec.phonons}
    identity = {"supercell": supercell, "primitive": cells.primitive.key(), "settings": spec.phonons.identity()}
    key = digest("hessian", 1, models=list(needs), **identity)
    return Work(key, "hessian", *place, needs, PhononTask.model_validate({"key": key, **place._asdict(), **how}))


def vibrations_work(spec: ResolvedSpec, place: Place, needs: tuple[str, ...], asked: DynamicsSpec) -> Work:
    """Long MD with the sum of the models that `needs` names."""
    cells = spec.systems[place.system]
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
    about = {"key": key, **place._asdict(), "normalized_atoms": normalized_atoms}
    return Work(key, "vibrations", *place, needs, DynamicsTask.model_validate({**about, **how}))


def _identity(spec: ResolvedSpec, place: Place) -> dict[str, Any]:
    cells = spec.systems[place.system]
    return {
        "primitive": cells.primitive.key(),
        "supercell": cells.phonon_supercell,
        "settings": spec.phonons.identity(),
        # only where it is given: phonons without it keep the keys that they had
        **({"nac": cells.nac.identity()} if cells.nac is not None else {}),
    }


def _how(spec: ResolvedSpec, place: Place) -> dict[str, Any]:
    cells = spec.systems[place.system]
    about = {"primitive": cells.primitive, "supercell": cells.phonon_supercell}
    return {**about, "settings": spec.phonons, "nac": cells.nac}
