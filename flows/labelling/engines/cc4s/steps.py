"""The steps of VASP, each a run in a folder of its own: its INCAR, what it takes from those before, what it leaves.

Source: https://manuals.cc4s.org/user-manual/interfaces/vasp.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.labelling.engines.cc4s.cc4s_input import tensors
from flows.labelling.engines.cc4s.method import GAMMA, Cc4sMethod
from flows.labelling.engines.values import Mesh

if TYPE_CHECKING:
    from ase import Atoms

WAVECAR, NATURAL = "WAVECAR", "WAVECAR.FNO"
PAIRS = "Mp2PairEnergies"
MESH_START, MESH_HF = "0a-mesh-dft", "0b-mesh-hf"
START, HF, BANDS, MP2, FNO, CANONICAL, VERTEX = "1-dft", "2-hf", "3-bands", "4-mp2", "5-natural", "6-canonical", "7-vertex"
CC4S, REFERENCE = "8-cc4s", "9-cc4s-reference"

_EXACT_EXCHANGE = {"LHFCALC": True, "AEXX": 1.0}


@dataclass(frozen=True)
class Sizes:
    """How many bands there are: all that the plane waves give, and the occupied and natural orbitals that are kept."""

    all_bands: int
    kept_bands: int

    @classmethod
    def of(cls, settings: Cc4sMethod, all_bands: int, occupied: int) -> Sizes:
        return cls(all_bands, occupied * (1 + settings.orbitals_per_occupied))


@dataclass(frozen=True)
class VaspStep:
    """`takes` maps the name of a file in its folder to the step that left it and its name there."""

    name: str
    mesh: Mesh = GAMMA
    takes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    leaves: tuple[str, ...] = (WAVECAR,)

    @property
    def converges(self) -> bool:
        """Whether it iterates until EDIFF is reached, and its energy counts."""
        return self.name in (MESH_START, MESH_HF, START, HF)


def all_steps(settings: Cc4sMethod, level: str) -> Iterator[VaspStep]:
    """Those of VASP for all levels up to `level`."""
    yield from hf_steps(settings)
    if level != "hf":
        yield from correlation_steps(settings, level)


def hf_steps(settings: Cc4sMethod) -> Iterator[VaspStep]:
    """Those of the energy of Hartree-Fock."""
    mesh = settings.hf_kpoints
    if mesh != GAMMA:
        yield VaspStep(MESH_START, mesh)
        yield VaspStep(MESH_HF, mesh, _orbitals(MESH_START), ())
    else:
        yield from _gamma_hf()


def correlation_steps(settings: Cc4sMethod, level: str) -> Iterator[VaspStep]:
    """Those from DFT at Γ to what Cc4s reads for all levels up to `level`."""
    yield from _gamma_hf()
    yield VaspStep(BANDS, takes=_orbitals(HF))
    if settings.needs_pair_energies(level):
        yield VaspStep(MP2, takes=_orbitals(BANDS), leaves=tensor_files(PAIRS))
    yield VaspStep(FNO, takes=_orbitals(BANDS), leaves=(NATURAL,))
    yield VaspStep(CANONICAL, takes={WAVECAR: (FNO, NATURAL)})
    made = [one for one in tensors(settings, level) if one != PAIRS]
    yield VaspStep(VERTEX, takes=_orbitals(CANONICAL), leaves=tensor_files(*made))


def tensor_files(*names: str) -> tuple[str, ...]:
    """Each is described by a YAML beside its elements."""
    return tuple(f"{name}.{end}" for name in names for end in ("yaml", "elements"))


def incar(settings: Cc4sMethod, step: str, sizes: Sizes | None) -> dict[str, Any]:
    """The tags of a step; `sizes` from its third on."""
    common = {
        "PREC": settings.prec,
        "ENCUT": settings.encut_eV,
        "ISMEAR": 0,
        "SIGMA": settings.sigma_eV,
        # -1: no symmetry at all. On a mesh, k and -k are one point of a crystal at rest or not: half of the time
        "ISYM": 0 if step in (MESH_START, MESH_HF) else -1,
    }
    added = {**settings.incar, **settings.parallel}
    if step in (MP2, FNO):  # as the manual has it: sums over bands, of which each is of one rank
        added = {tag: value for tag, value in added.items() if tag not in ("NCORE", "NPAR")}
    return {**added, **common, **_own_tags(settings, step, sizes)}


def _own_tags(settings: Cc4sMethod, step: str, sizes: Sizes | None) -> dict[str, Any]:
    if step in (MESH_START, START):
        return {"EDIFF": settings.hf_tolerance_eV, "NELM": settings.max_scf_cycles}
    if step in (MESH_HF, HF):
        return {"ALGO": "All", "EDIFF": settings.hf_tolerance_eV, "NELM": settings.max_scf_cycles, **_EXACT_EXCHANGE}
    assert sizes is not None
    everything, kept = {"NBANDS": sizes.all_bands}, {"NBANDS": sizes.kept_bands, "NBANDSHIGH": sizes.kept_bands}
    return {
        BANDS: {"ALGO": "Exact", "NELM": 1, **everything, **_EXACT_EXCHANGE},
        MP2: {**_pair_energies(settings), **everything, **_EXACT_EXCHANGE},
        FNO: {"ALGO": "MP2NO", "LAPPROX": True, **everything, **_EXACT_EXCHANGE},
        CANONICAL: {"ALGO": "sub", "NELM": 1, **kept, **_EXACT_EXCHANGE},
        VERTEX: {
            "ALGO": "CC4S",
            "EDIFF": 1e-5,
            **kept,
            "ENCUTGW": settings.encutgw_eV,
            "ENCUTGWSOFT": settings.encutgw_eV,
            **_EXACT_EXCHANGE,
        },
    }[step]


def _pair_energies(settings: Cc4sMethod) -> dict[str, Any]:
    if settings.pair_energies == "mp2":
        return {"ALGO": "MP2", "LSFACTOR": True}
    return {"ALGO": "ACFDTRK", "LMP2LT": True, "NOMEGA": settings.laplace_points, "LDUMPMP2IJ": True}


def kpoints_text(mesh: Mesh) -> str:
    """KPOINTS of a mesh that has Γ."""
    from pymatgen.io.vasp.inputs import Kpoints

    return str(Kpoints.gamma_automatic(mesh))


def incar_text(tags: Mapping[str, Any]) -> str:
    """INCAR, tag by tag. Not by pymatgen, which writes `ALGO = Cc4s`."""
    return "".join(f"{tag} = {_written(value)}\n" for tag, value in tags.items())


def poscar_text(atoms: Atoms) -> str:
    """POSCAR with all digits, atoms element by element in the order in which these come first, as POTCARs are joined."""
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.io.vasp.inputs import Poscar

    elements = list(dict.fromkeys(atoms.symbols))
    ordered = atoms[sorted(range(len(atoms)), key=lambda one: elements.index(atoms.symbols[one]))]
    text: str = Poscar(AseAtomsAdaptor.get_structure(ordered), comment="labelled").get_str(significant_figures=16)
    return text


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return ".TRUE." if value else ".FALSE."
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _gamma_hf() -> Iterator[VaspStep]:
    yield VaspStep(START)
    yield VaspStep(HF, takes=_orbitals(START))


def _orbitals(step: str) -> dict[str, tuple[str, str]]:
    return {WAVECAR: (step, WAVECAR)}
