"""Phonons that somebody else computed: force constants, or forces, in a phonopy YAML file, or in files beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from flows.phonons.harmonic import HarmonicCrystal, load_phonopy, project
from flows.phonons.nac import add_nac
from flows.phonons.outcome import spectra
from flows.phonons.path import band_path
from flows.phonons.raw_layout import RawLayout, another_kind, unpacked
from flows.phonons.settings import NacSettings, PhononSettings
from flows.phonons.spectra import distances
from flows.phonons.symmetry import SYMPREC_A, dataset
from flows.records import PhononFacts, Structure
from flows.settings import Settings
from flows.strain import LATTICE_TOLERANCE

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray
    from phonopy import Phonopy

SAME_ORIENTATION_A = 1e-2


class PublishedPhonons(Settings):
    """Phonons of `level` in a file of this `sha256`, on the path, the mesh and with the term of `primitive`."""

    sha256: str
    system: str
    level: str
    source: str
    primitive: Structure
    settings: PhononSettings
    nac: NacSettings | None = None


def published_phonons(content: bytes, asked: PublishedPhonons, beside: RawLayout | None = None) -> PhononFacts:
    """What the phonopy file `content`, with what lies `beside` it, says on the bands and the mesh that models have.

    Raises:
        ValueError: it cannot be read, or is of another crystal.
    """
    ours = asked.primitive.atoms()
    crystal = read_published(content, ours, asked.nac, beside)
    path, theirs = band_path(ours), band_path(_primitive(crystal))
    if [one.labels for one in theirs.segments] != [one.labels for one in path.segments]:
        raise ValueError("its cell has another band path than the primitive cell of the system")
    found = spectra(crystal, theirs, asked.settings)
    # the same points, as the models have them: in the vectors of our cell
    qpoints = [segment.qpoints(asked.settings.points_per_segment) for segment in path.segments]
    rows = tuple(tuple(map(tuple, block.tolist())) for block in qpoints)
    moved = {"qpoints": rows, "distances": distances(ours.cell.array, qpoints)}
    bands = found.pop("bands").model_copy(update=moved)
    return PhononFacts(
        key=asked.sha256,
        system=asked.system,
        model=asked.level,
        bands=bands,
        **found,
        displacements=0,
        sum_rule_eV_A2=0.0,
        source=asked.source
        + (", with the non-analytical term of the file" if asked.nac is None and crystal.nac else ""),
    )


def read_published(
    content: bytes, primitive: Atoms, nac: NacSettings | None, beside: RawLayout | None = None
) -> HarmonicCrystal:
    """The crystal of a phonopy YAML file (also .xz, .gz) and of the files `beside` it, checked to be `primitive`; `nac` wins over the file's own.

    Its force constants are projected as those of models are, so that the two differ by nothing but their forces.

    Raises:
        ValueError: it cannot be read or projected, or is of another crystal.
    """
    if kind := another_kind(plain := unpacked(content)):
        raise ValueError(kind)
    try:
        phonopy = load_phonopy(plain, beside)
    except Exception as error:  # YAML's, phonopy's, and whatever its parser stumbles over
        why = " ".join(str(error).split())[:240]
        raise ValueError(f"no phonons can be read from it: {why}") from None
    assert phonopy.force_constants is not None
    if not np.isfinite(phonopy.force_constants).all():  # comparisons with NaN are all false
        raise ValueError("not all of its force constants are finite")
    found = HarmonicCrystal(phonopy)
    _refuse_another(_primitive(found), primitive)
    _project(phonopy)
    if nac is not None:
        nac = _carried_over(nac, primitive, _primitive(found))
        add_nac(phonopy, nac)
    elif phonopy.nac_params is not None:
        nac = _own(phonopy.nac_params)
    return HarmonicCrystal(phonopy, nac=nac)


def _project(phonopy: Phonopy) -> None:
    try:
        project(phonopy)
    except Exception as error:  # symfc's
        why = " ".join(str(error).split())[:240]
        raise ValueError(f"its force constants cannot be projected onto the symmetry of its crystal: {why}") from error


def _primitive(crystal: HarmonicCrystal) -> Atoms:
    """The primitive cell, in Å whatever program the file is of."""
    from ase import Atoms
    from phonopy.physical_units import get_calculator_physical_units

    cell = crystal.phonopy.primitive
    to_A = get_calculator_physical_units(crystal.phonopy.calculator).distance_to_A
    return Atoms(
        numbers=cell.numbers, cell=cell.cell * to_A, scaled_positions=cell.scaled_positions, pbc=True
    )


def _refuse_another(theirs: Atoms, ours: Atoms) -> None:
    """Whatever the orientation and the choice of primitive vectors."""
    if theirs.get_chemical_formula() != ours.get_chemical_formula():
        raise ValueError(
            f"its primitive cell holds {theirs.get_chemical_formula()}, that of the system {ours.get_chemical_formula()}"
        )
    (group, lattice), (our_group, our_lattice) = _standard(theirs), _standard(ours)
    if group != our_group:
        raise ValueError(f"its crystal has space group {group}, that of the system {our_group}")
    if np.abs(lattice - our_lattice).max() > LATTICE_TOLERANCE * our_lattice[:3].max():
        lengths, ours_too = ("×".join(f"{x:.5g}" for x in one[:3]) for one in (lattice, our_lattice))
        raise ValueError(
            f"its conventional cell is {lengths} Å, that of the system {ours_too} Å: phonons are compared at one lattice "
            f"constant (within {LATTICE_TOLERANCE:.1%})"
        )


def _standard(atoms: Atoms) -> tuple[int, NDArray[np.float64]]:
    """Space group; lengths (Å) of the standard conventional cell, and its angles as arcs of their mean length."""
    from ase.geometry import cell_to_cellpar

    found = dataset(atoms)
    if found is None:
        raise ValueError(f"its atoms have no symmetry within {SYMPREC_A} Å")
    parameters = np.asarray(cell_to_cellpar(found.std_lattice))
    return int(found.number), np.concatenate(
        [parameters[:3], np.radians(parameters[3:]) * parameters[:3].mean()]
    )


def _carried_over(nac: NacSettings, ours: Atoms, theirs: Atoms) -> NacSettings:
    """The term for the atoms of their cell.

    Raises:
        ValueError: its tensors depend on an orientation that their cell does not have.
    """
    charges: dict[int, Any] = {}
    for number, charge in zip(ours.numbers.tolist(), nac.born_charges, strict=True):
        if charges.setdefault(number, charge) != charge:
            raise ValueError(
                "atoms of one element have several Born charges: give nac in the file of the reference too"
            )
    tensors = [nac.dielectric, *charges.values()]
    turned = np.abs(theirs.cell.array - ours.cell.array).max() > SAME_ORIENTATION_A
    if turned and not all(np.allclose(tensor, np.eye(3) * tensor[0][0], atol=1e-6) for tensor in tensors):
        raise ValueError(
            "its cell is oriented otherwise than the tensors of nac: give nac in the file of the reference too"
        )
    return nac.model_copy(update={"born_charges": tuple(charges[n] for n in theirs.numbers.tolist())})


def _own(found: Any) -> NacSettings:
    method: Literal["gonze", "wang"] = "wang" if found.get("method") == "wang" else "gonze"
    return NacSettings(
        born_charges=np.asarray(found["born"]).tolist(),
        dielectric=np.asarray(found["dielectric"]).tolist(),
        method=method,
    )
