"""What engines cannot do is known beforehand: against PySCF's own cells, and against what a structure is refused for."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from flows.failure import CalculationFailed
from flows.labelling.engines.ase.settings import ASESettings
from flows.labelling.engines.pyscf.chain import built_cell
from flows.labelling.engines.pyscf.fitness import _functions, _points, _valence
from flows.labelling.engines.pyscf.settings import PySCFSettings
from flows.records import Failure

CARBON = bulk("C", "diamond", a=3.56)
MGO = bulk("MgO", "rocksalt", a=4.2)
LIH = bulk("LiH", "rocksalt", a=4.0)

# settings, a cell, a level, the key that is to blame, and words of why
UNFIT = {
    "a basis that there is not": ({"basis": "gth-svz"}, CARBON, "hf", "basis", "PySCF has no gth-svz for C; did you mean gth-szv?"),
    "a basis without the element": ({}, bulk("Fe", "bcc", a=2.87, cubic=True), "dft", "basis", "PySCF has no gth-szv for Fe"),
    "a pseudopotential without the element": ({}, MGO, "hf", "pseudo", "PySCF has no pseudopotential gth-hf for Mg, which hf would need; there is"),
    "a pseudopotential that there is not": ({"pseudo_dft": "gth-pbx"}, CARBON, "dft", "pseudo_dft", "did you mean gth-pbe?"),
    "a meta-GGA": ({"functional": "scan", "pseudo_dft": "gth-pbe"}, CARBON, "dft", "functional", "scan is neither an LDA nor a GGA"),
    "a hybrid": ({"functional": "b3lyp", "pseudo_dft": "gth-blyp"}, CARBON, "dft", "functional", "b3lyp is neither an LDA nor a GGA"),
    "no functional": ({"functional": "nonsense", "pseudo_dft": "gth-pbe"}, CARBON, "dft", "functional", "PySCF knows no functional 'nonsense'"),
    "an open shell": ({}, bulk("H", "sc", a=2.0), "hf", "basis", "1 atoms have 1 valence electrons: only closed shells"),
    "no empty orbitals": ({"pseudo": "gth-pbe"}, bulk("He", "sc", a=3.0), "ccsd", "basis", "ccsd needs empty orbitals"),
    "no memory": ({"max_memory_GB": 0.3}, CARBON, "hf", "max_memory_GB", "needs"),
}


def outcome(settings, atoms, level) -> Failure | None:
    """Of a structure that is given to the engine: why it was refused, None where it was not."""
    _, found = next(iter(settings.compute(atoms, {level: False})))
    return found if isinstance(found, Failure) else None


@pytest.mark.parametrize(("changes", "atoms", "level", "key", "words"), UNFIT.values(), ids=UNFIT)
def test_what_pyscf_refuses_for_every_structure_is_known_beforehand(changes, atoms, level, key, words):
    settings = PySCFSettings(**changes)
    ((found, why),) = settings.troubles(atoms, {level: False})
    assert found == key
    assert words in why
    refused = outcome(settings, atoms, level)
    assert refused is not None
    assert refused.kind in ("bad-input", "open-shell", "memory")


@pytest.mark.parametrize(
    ("changes", "atoms"),
    [({}, CARBON), ({"basis": "gth-dzvp-molopt-sr", "density_fitting": "gdf"}, LIH), ({"basis": "gth-dzvp", "pseudo": "gth-hf-rev"}, CARBON), ({"mesh": (9, 9, 9)}, CARBON * 2)],
)
def test_sizes_are_those_of_pyscfs_own_cell(changes, atoms):
    settings = PySCFSettings(**changes)
    assert settings.troubles(atoms, {"dft": True, "hf": False, "ccsd(t)": False}) == ()
    for level in ("dft", "hf"):
        cell = built_cell(settings, atoms, level)
        assert sum(_functions(settings.basis, symbol) for symbol in atoms.symbols) == cell.nao
        assert sum(_valence(settings.pseudo_of(level), symbol) for symbol in atoms.symbols) == cell.nelectron
        points = _points(settings, atoms, level)
        assert points in (0, np.prod(cell.mesh))
        assert (points == 0) == (level == "hf" and settings.density_fitting == "gdf")


def test_a_pseudopotential_of_dft_alone_is_not_asked_of_hartree_fock():
    only = PySCFSettings(functional="pbe")
    assert only.troubles(MGO, {"dft": True}) == ()
    with pytest.raises(CalculationFailed, match="cannot build the cell"):
        built_cell(only, MGO, "hf")


def test_a_file_does_not_stand_for_a_table(tmp_path, monkeypatch):
    """PySCF reads what lies under a path, and the content is in no key."""
    (tmp_path / "szv").write_text("C  #SINGLE")
    monkeypatch.chdir(tmp_path)
    said = dict(PySCFSettings(basis="./szv", pseudo="./szv").troubles(CARBON, {"hf": False}))
    assert said.keys() == {"basis", "pseudo"}
    assert said["basis"].startswith("./szv is a file: what it holds is in no key")


ASE = {
    "ase.calculators.emt:EMTT": "no calculator ase.calculators.emt:EMTT",
    "ase.calculators.emu:EMT": "no calculator ase.calculators.emu:EMT",
    "ase.calculators.dftd3:DFTD3": None,
    "ase.calculators.emt:EMT": None,
    "nowhere.at.all:Calculator": None,
}


@pytest.mark.parametrize(("path", "why"), ASE.items())
def test_calculators_of_ase_are_looked_for_and_others_are_not(path, why):
    found = ASESettings(calculator=path).troubles(CARBON, {"dft": True})
    if why is None:
        assert found == ()
    else:
        ((key, said),) = found
        assert key == "calculator"
        assert why in said


def test_a_calculator_without_forces():
    lone = ASESettings(calculator="ase.calculators.test:FreeElectrons")
    ((key, said),) = lone.troubles(CARBON, {"dft": True})
    assert (key, said) == ("calculator", "ase.calculators.test:FreeElectrons has no forces; it has energy")
    assert lone.troubles(CARBON, {"dft": False}) == ()
