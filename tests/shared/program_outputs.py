"""What VASP, Cc4s, pw.x and CP2K write, as little of it as is read, for structures that are labelled already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import yaml
from ase import Atoms
from ase.units import Bohr, Hartree, create_units


def _rows(numbers: np.ndarray) -> str:
    return "".join("<v> " + " ".join(f"{x:.8f}" for x in row) + " </v>\n" for row in numbers)


def _energy(free: float, smearing: float) -> str:
    names = {"e_fr_energy": free, "e_wo_entrp": free + 2 * smearing, "e_0_energy": free + smearing}
    return "<energy>" + "".join(f'<i name="{name}">{one:.8f}</i>' for name, one in names.items()) + "</energy>"


def vasprun(frames: Sequence[Atoms], cycles: Sequence[int], smearing: float = 0.0, nelm: int = 60) -> str:
    """vasprun.xml of a run through `frames`, each with its number of electronic `cycles`."""
    symbols = frames[0].get_chemical_symbols()
    atoms = "".join(f"<rc><c>{one}</c><c>1</c></rc>" for one in symbols)
    text = f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling><incar><i name="ALGO" type="string">Normal</i></incar>
<kpoints><varray name="kpointlist"><v> 0.0 0.0 0.0 </v></varray><varray name="weights"><v> 1.0 </v></varray></kpoints>
<parameters><separator name="electronic"><i type="int" name="NELM">{nelm}</i></separator></parameters>
<atominfo><atoms>{len(symbols)}</atoms><array name="atoms"><set>{atoms}</set></array></atominfo>
"""
    text += f'<structure name="initialpos">{_structure(frames[0])}</structure>'
    for frame, count in zip(frames, cycles, strict=True):
        energy = _energy(frame.get_potential_energy(), smearing)
        text += "<calculation>" + f"<scstep>{energy}</scstep>" * count + f"<structure>{_structure(frame)}</structure>"
        text += f'<varray name="forces">{_rows(frame.get_forces())}</varray>{energy}</calculation>\n'
    return text + "</modeling>\n"


def response(atoms: Atoms, charges: np.ndarray, dielectric: np.ndarray, born: bool = True) -> str:
    """vasprun.xml of a run with LEPSILON, as VASP 6 writes it: Born charges (N, 3, 3)."""
    species = list(dict.fromkeys(atoms.symbols))
    ions = "".join(f"<rc><c>{one}</c><c>{species.index(one) + 1}</c></rc>" for one in atoms.symbols)
    sets = "".join(f"<set>{_rows(one)}</set>" for one in charges)
    found = f'<array name="born_charges"><dimension dim="1">ion</dimension>{sets}</array>' if born else ""
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
<generator><i name="version" type="string">6.4.2</i></generator>
<atominfo><atoms>{len(atoms)}</atoms><types>{len(species)}</types>
<array name="atoms"><dimension dim="1">ion</dimension><field type="string">element</field><field type="int">atomtype</field><set>{ions}</set></array></atominfo>
<calculation><structure>{_structure(atoms)}</structure><varray name="epsilon">{_rows(dielectric)}</varray>{found}</calculation>
</modeling>
"""


def _structure(frame: Atoms) -> str:
    basis, positions = _rows(frame.cell.array), _rows(frame.get_scaled_positions(wrap=False))
    return f'<crystal><varray name="basis">{basis}</varray></crystal><varray name="positions">{positions}</varray>'


def outcar(frames: Sequence[Atoms], converged: Sequence[bool]) -> str:
    """OUTCAR of a run through `frames` of one element."""
    symbol, count = frames[0].symbols[0], len(frames[0])
    text = f""" vasp.6.4.2 20Jul23 (build) complex
 executed on             LinuxIFC date 2024.01.01  12:00:00
 POTCAR:    PAW_PBE {symbol} 22Jun2005
 POTCAR:    PAW_PBE {symbol} 22Jun2005
   ions per type =              {count}
   ISPIN  =      1    spin polarized calculation?
"""
    for number, (frame, good) in enumerate(zip(frames, converged, strict=True), 1):
        text += f"--------------------------------------- Iteration {number:6d}(   1)  ---------------------------------------\n"
        if good:
            text += "------------------------ aborting loop because EDIFF is reached ----------------------------------------\n"
        text += "      direct lattice vectors                 reciprocal lattice vectors\n"
        reciprocal = np.linalg.inv(frame.cell.array).T
        for row, other in zip(frame.cell.array, reciprocal, strict=True):
            text += "  " + " ".join(f"{x:12.9f}" for x in (*row, *other)) + "\n"
        text += "\n POSITION                                       TOTAL-FORCE (eV/Angst)\n " + "-" * 83 + "\n"
        for position, force in zip(frame.positions, frame.get_forces(), strict=True):
            text += " ".join(f"{x:12.6f}" for x in (*position, *force)) + "\n"
        energy = frame.get_potential_energy()
        text += f""" {"-" * 83}
  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)
  ---------------------------------------------------
  free  energy   TOTEN  = {energy:18.8f} eV

  energy  without entropy= {energy:18.8f}  energy(sigma->0) = {energy:18.8f}
"""
    return text


def xdatcar(frames: Sequence[Atoms], numbers: Sequence[int] | None = None, head_each: bool = False) -> str:
    """XDATCAR of a run through `frames`, whose atoms stand element by element; `head_each`: as where the cell moves."""
    text, symbols = "", list(frames[0].symbols)
    for number, frame in zip(numbers or range(1, len(frames) + 1), frames, strict=True):
        if head_each or not text:
            text += "a run\n           1\n" + "".join("  " + " ".join(f"{x:11.6f}" for x in row) + "\n" for row in frame.cell.array)
            text += f"  {' '.join(dict.fromkeys(symbols))}\n  {' '.join(str(symbols.count(one)) for one in dict.fromkeys(symbols))}\n"
        text += f"Direct configuration={number:6d}\n"
        text += "".join("  " + " ".join(f"{x:.8f}" for x in row) + "\n" for row in frame.get_scaled_positions(wrap=False))
    return text


def oszicar(energies: Sequence[float], cycles: Sequence[int], smearing: float = 0.0, md: bool = True) -> str:
    """OSZICAR of an MD, or of a relaxation, as VASP 6 writes it; in an MD with 0.25 eV of kinetic energy."""
    text = ""
    for number, (energy, count) in enumerate(zip(energies, cycles, strict=True), 1):
        text += "       N       E                     dE             d eps       ncg     rms          rms(c)\n" if count else ""
        for cycle in range(1, count + 1):
            text += f"DAV: {cycle:3d}    {energy:.12E}    {-1 / cycle**3:.5E}   -0.10000E+01    96   0.100E+00    0.200E-01\n"
        free = f"F= {energy:.8E} E0= {energy + smearing:.8E} "
        text += f"{number:7d} T=   300. E= {energy + 0.25:.8E} {free} EK= 0.25000E+00 SP= 0.00E+00 SK= 0.00E+00\n" if md else f"{number:4d} {free} d E ={0.0:.6E}\n"
        text += " bond charge predicted\n" if md else ""
    return text


def hartree_fock(text: str, aexx: float = 1.0, exact: str = "T") -> str:
    """An OUTCAR or a vasprun.xml, as `outcar` and `vasprun` write it, that says of Hartree-Fock too."""
    if text.startswith("<?xml"):
        said = f'<i type="logical" name="LHFCALC"> {exact}  </i><i name="AEXX">      {aexx:.8f}</i>'
        return text.replace("</parameters>", f"{said}</parameters>")
    said = f"   LHFCALC =      {exact}    Hartree Fock is set to\n   AEXX    =    {aexx:.4f} exact exchange contribution\n"
    return text.replace("   ISPIN  =", said + "   ISPIN  =")


def pw_output(frame: Atoms, converged: bool = True) -> str:
    """What pw.x prints for a structure in a cubic cell, of one element: as much as is read."""
    units, symbol = create_units("2006"), frame.symbols[0]  # those of ASE's reader
    alat = frame.cell[0, 0]
    axes = "".join(f"               a({i}) = ( {' '.join(f'{x / alat:10.6f}' for x in row)} )\n" for i, row in enumerate(frame.cell.array, 1))
    places = enumerate(frame.positions / alat, 1)
    sites = "".join(f"  {i:8d}           {symbol}  tau({i:4d}) = ( {' '.join(f'{x:11.7f}' for x in at)}  )\n" for i, at in places)
    text = f"""
     Program PWSCF v.6.7MaX starts on 27Nov2026 at  1:11:28

     bravais-lattice index     =            0
     lattice parameter (alat)  = {alat / units["Bohr"]:12.8f}  a.u.
     unit-cell volume          = {frame.get_volume() / units["Bohr"] ** 3:12.4f} (a.u.)^3
     number of atoms/cell      = {len(frame):12d}
     number of atomic types    =            1

     celldm(1)= {alat / units["Bohr"]:10.6f}  celldm(2)=   0.000000  celldm(3)=   0.000000

     crystal axes: (cart. coord. in units of alat)
{axes}
   Cartesian axes

     site n.     atom                  positions (alat units)
{sites}
     Self-consistent Calculation
"""
    if not converged:
        return text + "     convergence NOT achieved after 100 iterations: stopping\n"
    energy = frame.get_potential_energy() / units["Rydberg"]
    rows = enumerate(frame.get_forces() / units["Rydberg"] * units["Bohr"], 1)
    forces = "".join(f"     atom {i:4d} type  1   force = {' '.join(f'{x:13.8f}' for x in row)}\n" for i, row in rows)
    return f"""{text}
!    total energy              = {energy:16.8f} Ry

     convergence has been achieved in   6 iterations

     Forces acting on atoms (cartesian axes, Ry/au):

{forces}
     Total force =     0.407973     Total SCF correction =     0.000702
"""


def cp2k_output(frame: Atoms, converged: bool = True) -> str:
    """What CP2K prints for RUN_TYPE ENERGY_FORCE of one element, as much of it as is read."""
    symbol, number = frame.symbols[0], frame.numbers[0]
    vectors = "".join(
        f" CELL| Vector {name} [angstrom]:  {' '.join(f'{x:9.3f}' for x in row)}   |{name}| = {np.linalg.norm(row):12.6f}\n"
        for name, row in zip("abc", frame.cell.array, strict=True)
    )
    places = enumerate(frame.positions, 1)
    atoms = "".join(f" {i:6d}    1 {symbol}   {number}  {' '.join(f'{x:13.6f}' for x in at)}   11.0 63.546\n" for i, at in places)
    rows = enumerate(frame.get_forces() / Hartree * Bohr, 1)
    forces = "".join(f" {i:6d}      1      {symbol}    {' '.join(f'{x:14.8f}' for x in row)}\n" for i, row in rows)
    said = "*** SCF run converged in    13 steps ***" if converged else "*** WARNING SCF run NOT converged ***"
    return f"""
 CP2K| version string:                                       CP2K version 2023.1
 GLOBAL| Run type                                                   ENERGY_FORCE
{vectors} CELL| Periodicity                                                           XYZ

 MODULE QUICKSTEP: ATOMIC COORDINATES IN ANGSTROM

   Atom Kind Element         X             Y             Z       Z(eff)     Mass
{atoms}
  {said}

 ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]: {frame.get_potential_energy() / Hartree:26.15f}

 ATOMIC FORCES in [a.u.]

 # Atom   Kind   Element          X              Y              Z
{forces} SUM OF ATOMIC FORCES           0.00000000     0.00000000     0.00000000     0.00000000
"""


def cc4s_output(ccsd_eV: float, *, converged: bool = True, finite_size: bool = True) -> str:
    """cc4s.out.yaml of a run up to (T), in eV of VASP; `finite_size`: it was not killed before its last step."""
    unit = 0.036749322175638754
    steps = {
        4: {"name": "CoupledCluster", "in": {"method": "Ccsd"}, "out": {"convergenceReached": int(converged), "energy": {"correlation": ccsd_eV, "secondOrder": 0.95 * ccsd_eV, "unit": unit}}},
        5: {"name": "PerturbativeTriples", "out": {"energy": {"correlation": 0.03 * ccsd_eV, "unit": unit}}},
        9: {"name": "BasisSetCorrection", "out": {"energy": {"correction": 0.2 * ccsd_eV, "pplCorrection": -0.05 * ccsd_eV, "secondOrderCorrection": 0.25 * ccsd_eV, "uncorrectedCorrelation": ccsd_eV, "unit": unit}}},
        13: {"name": "FiniteSizeCorrection", "out": {"energy": {"corrected": 1.04 * ccsd_eV, "correction": 0.04 * ccsd_eV, "unit": unit}}},
    }
    if not finite_size:
        steps.pop(13)
    return yaml.safe_dump({"version": "heads/develop-0-g5339629", "steps": {number: {**one, "realtime": 2.5} for number, one in steps.items()}}, sort_keys=False)
