"""How MD ran and how the harmonic densities beside it were computed, with versions from the records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from campaign.report.crystal import Crystal
from campaign.report.harvest import SeedGroup
from campaign.report.methods import package_versions
from flows.phonons.settings import PhononTask
from flows.records import PhononFacts, Vibrations


def hessian_methods(crystal: Crystal, groups: Sequence[SeedGroup[PhononFacts]]) -> Iterator[str]:
    """A sentence on the force constants of the cell of the MD, and the versions."""
    tasks = [group.works[0].task for group in groups]
    for settings in {task.settings.model_dump_json(): task.settings for task in tasks if isinstance(task, PhononTask)}.values():
        yield (
            f"HA by finite displacements of {settings.displacement_A:g} Å in the {crystal.md_cell} of the MD; on a Γ-centred "
            f"{'×'.join(map(str, settings.mesh))} mesh by the tetrahedron method, pitch {settings.dos_pitch_cm1:g} cm^-1."
        )
    yield package_versions("HA", [one.record.versions for group in groups for one in group.results])


def md_methods(crystal: Crystal, groups: Sequence[SeedGroup[Vibrations]]) -> Iterator[str]:
    """How the MD ran, what its timestep did, how wide lines are, and the versions."""
    every = [one.record for group in groups for one in group.results]
    asked: dict[str, list[Vibrations]] = {}
    for record in every:
        asked.setdefault(json.dumps(record.settings, sort_keys=True), []).append(record)
    for records in asked.values():
        yield _md(crystal, records)
        yield _lines(records[0])
    yield package_versions("MD", [one.versions for one in every])


def _md(crystal: Crystal, records: Sequence[Vibrations]) -> str:
    one = records[0]
    starts = [start for record in records for start in record.starts]
    seen = [start.temperature_K for start in starts]
    drift = max(abs(start.drift_meV_atom) for start in starts)
    worst = max(records, key=lambda record: record.verlet_shift_cm1)
    return (
        f"MD in a {crystal.md_cell} at the lattice constants of the labels: {one.equilibration_steps} steps of Langevin "
        f"equilibration at {one.temperature_K:g} K, then {one.steps} steps of {one.timestep_fs:g} fs at constant energy, "
        f"{len(one.starts)} independent start{'' if len(one.starts) == 1 else 's'} for each seed. Mean temperatures of the starts: {min(seen):.3g} to "
        f"{max(seen):.3g} K; drift of the total energy at most {drift:.2g} meV/atom; the timestep raises a mode at "
        f"{worst.edge_cm1:.0f} cm^-1, below which 99 % of the states lie, by {worst.verlet_shift_cm1:.2g} cm^-1 (not corrected)."
    )


def _lines(one: Vibrations) -> str:
    weights = (
        "mass-weighted" if one.definition == "mass-weighted" else "as py-VACF defines it, not mass-weighted"
    )
    window = f"{one.window} lag window" if one.window != "none" else "no lag window but a cut"
    return f"VACF: {weights}, {window}, lines {one.resolution_cm1:.3g} cm^-1 wide at half maximum."
