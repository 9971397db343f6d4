"""Small inputs that once went wrong, each of a kind of fault, as they lie beside the project: what is said of each.

Other tests hold the kinds, with inputs of their own; these are the inputs of the reports.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

CASES = Path(__file__).parents[3] / "shared" / "data" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")

LABELS = "systems.al.levels.dft.data={}"
STRUCTURE = "systems.x.structure.file={}"
NO_ENERGY = "it has no energy= (its keys: Lattice, Properties, REF_energy, "
# case, spec, what is set, and what is said
REFUSED = {
    "02 alloy": ("02-occupancy", "c.yaml", (), "site 1 of alloy.cif is shared or not full (Pd 0.7, Ag 0.3)"),
    "02 vacancies": ("02-occupancy", "c.yaml", (STRUCTURE.format("vacancies.cif"),), "site 1 of vacancies.cif is shared or not full (Ti 0.85)"),
    "03 three digits": ("03-overlap", "c.yaml", (), "atom 0 (Al) of thirds.cif is 0.0031 Å from atom 2 (Al)"),
    "03 overlap": ("03-overlap", "c.yaml", (STRUCTURE.format("POSCAR_overlap"),), "atom 0 (Al) of POSCAR_overlap is 0.02 Å from atom 4 (Al)"),
    "04 frame of an MD": ("04-displaced-poscar", "c.yaml", (), "the frame of CONTCAR_md has no symmetry within 0.001 Å"),
    "05 REF_energy": ("05-names-of-keys", "al.yaml", (), "if REF_energy is meant, say energy_key: REF_energy"),
    "05 Energy": ("05-names-of-keys", "al.yaml", (LABELS.format("capital.xyz"),), "if Energy is meant, say energy_key: Energy"),
    "05 free_energy": ("05-names-of-keys", "al.yaml", (LABELS.format("freeonly.xyz"),), "free_energy, pbc); name it with energy_key"),
    "05 two energies": ("05-names-of-keys", "al.yaml", (LABELS.format("both.xyz"),), "it has several energies, energy and REF_energy"),
    "06 a path": ("06-key-inside-another", "al.yaml", (), NO_ENERGY),
    "06 in quotes": ("06-key-inside-another", "al.yaml", (LABELS.format("quoted.xyz"),), NO_ENERGY),
    "10 nan": ("10-born-sum-and-nan", "mgo.yaml", ("systems.mgo.nac.file=BORN-nan",), "BORN-nan, line 3: nan is no charge"),
    "11 SCAN": ("11-engine-errors-late", "scan.yaml", (), "scan.yaml:7: systems.x.levels.dft.functional: no pseudopotential is known for the functional 'scan'"),
    "11 basis": ("11-engine-errors-late", "typo.yaml", (), "typo.yaml:10: engines.pyscf.basis: PySCF has no gth-svz for C"),
    "11 pseudopotential": ("11-engine-errors-late", "mgo.yaml", (), "mgo.yaml:10: engines.pyscf.pseudo: PySCF has no pseudopotential gth-hf for Mg"),
}
KNOWS_ALL = "engines.emt.calculator=ase.calculators.lj:LennardJones"  # EMT has no rock salt
READ = {
    "04 a displacement": ("04-displaced-poscar", "c.yaml", (STRUCTURE.format("POSCAR-001"), KNOWS_ALL), "within 0.1 Å its space group is Fm-3m (225): if that is meant, its atoms are displaced"),
    **{
        f"05 {name}": ("05-names-of-keys", "al.yaml", (LABELS.format(name), f"systems.al.levels.dft.energy_key={energy}", *more), "14 labels of dft, energies and forces")
        for name, energy, more in (
            ("ref.xyz", "REF_energy", ("systems.al.levels.dft.forces_key=REF_forces",)),
            ("both.xyz", "REF_energy", ("systems.al.levels.dft.forces_key=REF_forces",)),
            ("capital.xyz", "Energy", ()),
            ("freeonly.xyz", "free_energy", ()),
        )
    },
    **{
        f"07 {name}": ("07-grammar", "al.yaml", (LABELS.format(name),), "14 labels of dft, energies and forces")
        for name in ("array.xyz", "comma.xyz", "dexp.xyz", "lowerprop.xyz", "znum.xyz", "plain-gz.xyz.gz")
    },
    "10 sum": ("10-born-sum-and-nan", "mgo.yaml", (), "the Born charges sum to 0.07 e instead of zero: spread evenly over 2 atoms"),
}


@pytest.fixture
def plan(latticefarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def said(case: str, spec: str, changes: tuple[str, ...]):
        shutil.copytree(CASES / case, tmp_path / case)
        monkeypatch.chdir(tmp_path / case)
        return latticefarm("plan", spec, *(word for one in changes for word in ("--set", one)))

    return said


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize(("case", "spec", "changes", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_said_in_one_line(plan, case, spec, changes, words) -> None:
    assert words in plan(case, spec, changes).complaint


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize(("case", "spec", "changes", "words"), READ.values(), ids=READ)
def test_what_can_be_used_is_read_and_said(plan, case, spec, changes, words) -> None:
    found = plan(case, spec, changes)
    assert found.code == 0, found
    assert words in " ".join(found.out.split())


@pytest.mark.slow
def test_a_model_that_one_flat_frame_judges_has_not_learned(farm, latticefarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from launchers.workers.settings import WorkerSettings
    from launchers.workers.worker import Worker

    shutil.copytree(CASES / "01-learned-by-one-flat-frame", tmp_path / "case")
    monkeypatch.chdir(tmp_path / "case")
    assert latticefarm("submit", "al.yaml").code == 0
    Worker(farm, WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=1.0)).run()
    said = latticefarm("results", "flat-valid", "training", "--json").out
    assert '"learned": false' in said
