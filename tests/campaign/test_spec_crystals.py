"""The crystal that is read is that of the file: what no ordered crystal is, is refused by name, and plan says the rest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write

from campaign.cli.plan_view import crystals_of
from campaign.spec import SpecError, load_spec
from flows.phonons.crystal import crystal_facts, nearest

SPEC = """\
campaign: crystals
systems:
  x:
    structure: {file: FILE}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2]}
    levels: {dft: {engine: emt, forces: true}}
    sampling: {rattles: {count: 4, displacements_A: [0.02]}}
models: [dft_ef]
training: {sizes: {full: full}}
engines: {emt: {kind: ase, calculator: "ase.calculators.lj:LennardJones"}}
"""

CIF = """\
data_own
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M '{group}'
{more}loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
{column}{sites}
"""
OCCUPANCY = "_atom_site_occupancy\n"

POSCAR = """\
own
1.0
4.05 0 0
0 4.05 0
0 0 4.05
{symbols}
{counts}
Direct
{sites}
"""
FCC = "0 0 0\n0 0.5 0.5\n0.5 0 0.5\n0.5 0.5 0\n"


def cif(sites: str, group: str = "F m -3 m", a: float = 4.05, column: str = "", more: str = "") -> str:
    return CIF.format(a=a, group=group, sites=sites, column=column, more=more)


def poscar(sites: str = "", symbols: str = "Al", counts: str = "4") -> str:
    return POSCAR.format(symbols=symbols, counts=counts, sites=FCC + sites)


def resolved(folder: Path, name: str, content: str, *overrides: str):
    (folder / name).write_text(content)
    (folder / "c.yaml").write_text(SPEC.replace("FILE", name))
    return load_spec(folder / "c.yaml", overrides)


def displaced(sigma: float) -> Atoms:
    atoms = bulk("NaCl", "rocksalt", a=5.69, cubic=True)
    atoms.positions += np.random.default_rng(1).normal(0, sigma, (8, 3))
    return atoms


REFUSED = {
    "an alloy": ("c.cif", cif("Pd1 Pd 0 0 0 0.7\nAg1 Ag 0 0 0 0.3", column=OCCUPANCY), "site 1 of c.cif is shared or not full (Pd 0.7, Ag 0.3)"),
    "vacancies": ("c.cif", cif("Ti1 Ti 0 0 0 0.85\nC1 C .5 .5 .5 1", column=OCCUPANCY), "site 1 of c.cif is shared or not full (Ti 0.85)"),
    "vacancies of the second site": ("c.cif", cif("Ti1 Ti 0 0 0 1\nC1 C .5 .5 .5 0.9(1)", column=OCCUPANCY), "site 2 of c.cif is shared or not full (C 0.9)"),
    "an alloy without occupancies": ("c.cif", cif("Pd1 Pd 0 0 0\nAg1 Ag 0 0 0"), "sites 1 and 2 of c.cif are one, shared by Pd and Ag"),
    "no element": ("POSCAR", poscar("0.5 0.5 0.5\n", "Al X", "4 1"), "atom 4 of POSCAR is X, which is no element"),
    "an atom beside another": ("POSCAR", poscar("0.005 0 0\n", counts="5"), "atom 0 (Al) of POSCAR is 0.02 Å from atom 4 (Al)"),
    "an atom across the border": ("POSCAR", poscar("0 0 0.99\n", counts="5"), "atom 0 (Al) of POSCAR is 0.04 Å from atom 4 (Al)"),
    "nan": ("POSCAR", poscar("0.2 nan 0.2\n", counts="5"), "POSCAR has a position or a cell that is not finite"),
    "three digits": (
        "c.cif",
        cif("Al1 Al 0.333 0.667 0\nN1 N 0.333 0.667 0.38", "P 63 m c", 3.1).replace("gamma 90", "gamma 120").replace("_c 3.1", "_c 5"),
        "Å from atom 2 (Al): atoms overlap",
    ),
    "two origins": ("c.cif", cif("C1 C .125 .125 .125", "F d -3 m", 3.567), "space group 227, which has two origins, and no symmetry operators"),
    "the second origin, which ASE does not take": (
        "c.cif",
        cif("C1 C .125 .125 .125", "F d -3 m:2", 3.567, more="_symmetry_Int_Tables_number 227\n"),
        "which has two origins, and no symmetry operators",
    ),
    "a cell that is not that of its group": (
        "c.cif", cif("Al1 Al 0 0 0").replace("_c 4.05", "_c 4.5"), "c.cif says space group F m -3 m (225), of whose 192 operations its atoms have 64"
    ),
    "deuterium": ("c.cif", cif("Li1 Li 0 0 0\nD1 D .5 .5 .5"), "(H) of c.cif has the mass 2.01355 u, the natural element 1.008"),
    "masses of isotopes": (
        "c.xyz",
        '2\nLattice="3.5 0 0 0 3.5 0 0 0 3.5" Properties=species:S:1:pos:R:3:masses:R:1\nLi 0 0 0 6.015\nLi 1.75 1.75 1.75 6.94\n',
        "atom 0 (Li) of c.xyz has the mass 6.015 u, the natural element 6.94",
    ),
    "either of two groups": (
        "c.cif",
        cif("Ti1 Ti 0 0 0 .\nC1 C .5 .5 .5 1\nC2 C .25 .25 .25 2", column="_atom_site_disorder_group\n"),
        "sites 2 and 3 of c.cif are of the groups of disorder 1 and 2",
    ),
    "lengths in pm": ("POSCAR", poscar().replace("4.05", "405"), "no two atoms of POSCAR are within 8 Å of each other: is it in Å?"),
    "an atom beside its site": (
        "c.cif", cif("Al1 Al 0 0 0\nN1 N .5 .5 .5007"), "Å from atom 5 (N): atoms overlap"
    ),
}


@pytest.mark.parametrize(("name", "content", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_ordered_crystal(tmp_path: Path, name: str, content: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        resolved(tmp_path, name, content)
    assert said in str(caught.value)
    assert "c.yaml:4: systems.x.structure: " in str(caught.value)


READ = {
    "full": ("c.cif", cif("Ti1 Ti 0 0 0 1.0(1)\nC1 C .5 .5 .5 ?", a=4.3, column=OCCUPANCY), "CTi", 225),
    "given twice": ("c.cif", cif("Al1 Al 0 0 0\nAl2 Al 0 .5 .5"), "Al", 225),
    "first origin": ("c.cif", cif("C1 C 0 0 0", "F d -3 m:1", 3.567, more="_symmetry_Int_Tables_number 227\n"), "C2", 227),
    "second origin": (
        "c.cif",
        cif("C1 C .125 .125 .125", "F d -3 m", 3.567, more="_symmetry_Int_Tables_number 227\n_symmetry_space_group_setting 2\n"),
        "C2",
        227,
    ),
    "four digits": (
        "c.cif",
        cif("Al1 Al 0.3333 0.6667 0\nN1 N 0.3333 0.6667 0.38", "P 63 m c", 3.1).replace("gamma 90", "gamma 120").replace("_c 3.1", "_c 5"),
        "Al2N2",
        186,
    ),
    "one group of disorder": (
        "c.cif", cif("Ti1 Ti 0 0 0 .\nC1 C .5 .5 .5 1", a=4.3, column="_atom_site_disorder_group\n"), "CTi", 225
    ),
    "masses of natural elements": (
        "c.xyz",
        '2\nLattice="3.5 0 0 0 3.5 0 0 0 3.5" Properties=species:S:1:pos:R:3:masses:R:1\nLi 0 0 0 6.941\nLi 1.75 1.75 1.75 6.94\n',
        "Li", 229,
    ),
    "less said than there is": ("c.cif", cif("Al1 Al 0 0 0\nAl2 Al 0 .5 .5\nAl3 Al .5 0 .5\nAl4 Al .5 .5 0", "P 1"), "Al", 225),
    "the simplest": ("POSCAR", poscar(), "Al", 225),
}


@pytest.mark.parametrize(("name", "content", "formula", "group"), READ.values(), ids=READ)
def test_ordered_crystals_are_read(tmp_path: Path, name: str, content: str, formula: str, group: int) -> None:
    facts = crystals_of(resolved(tmp_path, name, content))["x"]
    assert (facts.formula, facts.number, facts.loose_group) == (formula, group, "")


def test_a_prototype_in_nanometres(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"atom 0 \(C\) of diamond with a = 0\.3567 is 0\.15 Å from atom"):
        resolved(tmp_path, "POSCAR", poscar(), "systems.x.structure={prototype: diamond, symbols: [C], a: 0.3567}")


@pytest.mark.parametrize(("name", "kind"), [("CONTCAR", "vasp"), ("c.cif", "cif"), ("c.xyz", "extxyz")])
def test_a_frame_of_an_md_is_refused_in_every_format(tmp_path: Path, name: str, kind: str) -> None:
    write(tmp_path / "made", displaced(0.08), format=kind)
    content = (tmp_path / "made").read_text()
    with pytest.raises(SpecError, match=f"the frame of {name} has no symmetry within 0.001 Å, as in an MD"):
        resolved(tmp_path, name, content)
    loaded = resolved(tmp_path, name, content, "systems.x.structure.no_symmetry=true")
    assert crystals_of(loaded)["x"].number == 1
    assert len(loaded.resolved.systems["x"].primitive.symbols) == 8


def test_a_displaced_atom_is_seen_in_what_plan_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from campaign.cli import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("launchers.database.ladder.find", lambda: None)
    atoms = bulk("NaCl", "rocksalt", a=5.69, cubic=True)
    atoms.positions[0, 0] += 0.01
    write("POSCAR-001", atoms, format="vasp")
    Path("c.yaml").write_text(SPEC.replace("FILE", "POSCAR-001"))
    said = " ".join(CliRunner().invoke(app, ["plan", "c.yaml"]).output.split())
    # one displaced atom leaves the fourfold axis along its displacement
    assert "x: primitive cell Cl4Na4 (8 atoms), space group P4mm (99), nearest atoms Na-Cl 2.835 Å" in said
    assert "within 0.1 Å its space group is Fm-3m (225): if that is meant, its atoms are displaced" in said
    found = json.loads(CliRunner().invoke(app, ["plan", "c.yaml", "--json"]).output)["crystals"]["x"]
    assert (found["number"], found["atoms"]) == (99, 8)
    assert found["nearest_A"] == pytest.approx(5.69 / 2 - 0.01)


@pytest.mark.parametrize(
    ("atoms", "distance"),
    [
        (bulk("Cu", "fcc", a=3.6), 3.6 / np.sqrt(2)),
        (bulk("C", "diamond", a=3.56, cubic=True), 3.56 * np.sqrt(3) / 4),
        (bulk("Po", "sc", a=3.34), 3.34),
        (Atoms("H", cell=[1.0, 30.0, 30.0], pbc=True), 1.0),
        (Atoms("H2", positions=[[0, 0, 0], [0, 0, 29.2]], cell=[20.0, 20.0, 30.0], pbc=True), 0.8),
    ],
)
def test_the_smallest_distance(atoms: Atoms, distance: float) -> None:
    assert nearest(atoms)[0] == pytest.approx(distance)
    assert crystal_facts(atoms).nearest_A == pytest.approx(distance)


@pytest.mark.parametrize(
    ("atoms", "group"),
    [
        (bulk("C", "diamond", a=3.567, cubic=True), 227),
        (bulk("NaCl", "rocksalt", a=5.69, cubic=True), 225),
        (bulk("Mg", "hcp", a=3.2, c=5.2), 194),
        (bulk("ZnO", "wurtzite", a=3.25, c=5.2), 186),
        (bulk("Cr", "bcc", a=2.88, cubic=True), 229),
    ],
)
@pytest.mark.parametrize("symprec", [1e-3, None])
def test_operations_that_a_cif_lists_are_believed(tmp_path: Path, atoms: Atoms, group: int, symprec: float | None) -> None:
    """With a centre of inversion among them, which ASE then counts twice; and in the second origin of diamond."""
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.io.cif import CifWriter

    content = str(CifWriter(AseAtomsAdaptor.get_structure(atoms), symprec=symprec))
    facts = crystals_of(resolved(tmp_path, "c.cif", content))["x"]
    assert (facts.number, facts.loose_group) == (group, "")
    assert facts.nearest_A == pytest.approx(nearest(atoms)[0], abs=1e-5)
