"""What the PySCF engine promises: forces are slopes, failures have names, identities hold what decides numbers."""

from __future__ import annotations

import pytest
from ase import Atoms
from pydantic import ValidationError

from flows.labelling.engines.protocol import Computed
from flows.labelling.engines.pyscf.memory import Size, needed_GB
from flows.labelling.engines.pyscf.settings import PySCFSettings

WAVEFUNCTIONS = {"hf": False, "mp2": False, "ccsd": False, "ccsd(t)": False}
EVERY = {"dft": True, **WAVEFUNCTIONS}


@pytest.fixture(scope="module")
def hydrogen() -> Atoms:
    return Atoms("H2", positions=[[0.1, 0.2, 0.3], [0.2, 0.25, 1.05]], cell=[3.2, 3.2, 3.5], pbc=True)


def computed(settings: PySCFSettings, atoms: Atoms, wanted: dict[str, bool]) -> dict[str, Computed]:
    found = dict(settings.compute(atoms, wanted))
    assert list(found) == list(wanted)
    assert all(isinstance(result, Computed) for result in found.values()), found
    return found


def failures(settings: PySCFSettings, atoms: Atoms, wanted: dict[str, bool]) -> dict[str, str]:
    found = dict(settings.compute(atoms, wanted))
    assert all(result.level == level for level, result in found.items() if not isinstance(result, Computed))
    return {level: "" if isinstance(r, Computed) else r.kind for level, r in found.items()}


def test_forces_are_the_slope_of_the_energy(hydrogen):
    settings, step = PySCFSettings(), 0.01
    energies = []
    for sign in (1, -1):
        moved = hydrogen.copy()
        moved.positions[1, 2] += sign * step
        energies.append(computed(settings, moved, {"dft": False})["dft"].energy_eV)
    result = computed(settings, hydrogen, {"dft": True})["dft"]
    slope = (energies[0] - energies[1]) / (2 * step)
    assert abs(slope) > 1
    assert result.forces_eV_A[1, 2] == pytest.approx(-slope, rel=2e-3)
    assert result.diagnostics["force_sum_eV_A"] < 1e-3


def test_only_what_is_asked_for_is_computed(hydrogen, monkeypatch):
    from pyscf.pbc import cc, scf

    monkeypatch.setattr(cc, "RCCSD", None)
    assert failures(PySCFSettings(), hydrogen, {"hf": False, "mp2": False}) == {"hf": "", "mp2": ""}
    monkeypatch.setattr(scf, "RHF", None)
    assert failures(PySCFSettings(), hydrogen, {"dft": False, "hf": False}) == {"dft": "", "hf": "crashed"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"max_scf_cycles": 1}, ["unconverged"] * 5),
        ({"max_cc_cycles": 1}, ["", "", "", "unconverged", "unconverged"]),
        ({"min_gap_eV": 25}, ["no-gap", "", "", "", ""]),
        ({"max_t1": 1e-12}, ["", "", "", "multi-reference", "multi-reference"]),
        ({"mesh_dft": (15, 15, 15)}, ["forces-do-not-sum", "", "", "", ""]),
        ({"max_memory_GB": 0.31}, ["memory", "", "", "", ""]),
        ({"basis": "no-such-basis"}, ["bad-input"] * 5),
        ({"functional": "b3lyp", "pseudo_dft": "gth-blyp"}, ["bad-input", "", "", "", ""]),
        ({"functional": "nonsense", "pseudo_dft": "gth-pbe"}, ["bad-input", "", "", "", ""]),
    ],
)
def test_what_is_no_label_is_a_failure_and_the_rest_goes_on(hydrogen, asked, expected):
    assert list(failures(PySCFSettings(**asked), hydrogen, EVERY).values()) == expected


def test_open_shells_and_open_directions_are_refused(hydrogen):
    odd = Atoms("H", cell=[3, 3, 3], pbc=True)
    assert set(failures(PySCFSettings(), odd, EVERY).values()) == {"open-shell"}
    slab = hydrogen.copy()
    slab.pbc = [True, True, False]
    assert set(failures(PySCFSettings(), slab, EVERY).values()) == {"bad-input"}
    assert failures(PySCFSettings(), hydrogen, {"hf": True, "mp3": False}) == {
        "hf": "bad-input",
        "mp3": "bad-input",
    }


def test_without_empty_orbitals_there_is_no_correlation():
    helium = Atoms("He", cell=[3, 3, 3], pbc=True)
    settings = PySCFSettings(pseudo="gth-pade", cutoff_Ha=60)
    assert failures(settings, helium, {"hf": False, "mp2": False}) == {"hf": "", "mp2": "bad-input"}


def test_nothing_is_left_behind(hydrogen, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    computed(PySCFSettings(density_fitting="gdf"), hydrogen, WAVEFUNCTIONS)
    assert not list(tmp_path.iterdir())


def changed(level: str, **asked: object) -> bool:
    return PySCFSettings(**asked).identity_of(level, False) != PySCFSettings().identity_of(level, False)


def test_identity_holds_what_decides_the_numbers_and_no_more():
    everywhere = {"basis": "gth-dzvp", "scf_tolerance_Ha": 1e-8}
    for name, value in everywhere.items():
        assert all(changed(level, **{name: value}) for level in EVERY)
    of_dft = {"functional": "lda", "pseudo_dft": "gth-blyp", "cutoff_dft_Ha": 99.0, "mesh_dft": (9, 9, 9)}
    for name, value in of_dft.items():
        assert [changed(level, **{name: value}) for level in EVERY] == [True, False, False, False, False]
    of_the_rest = {"pseudo": "gth-pade", "density_fitting": "gdf", "cutoff_Ha": 9.0, "mesh": (9, 9, 9)}
    for name, value in of_the_rest.items():
        assert [changed(level, **{name: value}) for level in EVERY] == [False, True, True, True, True]
    for name in ("cc_tolerance_Ha", "cc_amplitude_tolerance"):
        assert [changed(level, **{name: 1e-3}) for level in EVERY] == [False, False, False, True, True]
    for name in ("max_memory_GB", "max_scf_cycles", "max_cc_cycles", "time_limit_s", "min_gap_eV", "max_t1"):
        assert not any(changed(level, **{name: 7}) for level in EVERY)


def test_identity_is_the_same_for_a_default_that_is_spelt_out():
    assert not changed("dft", functional="PBE", pseudo_dft="GTH-PBE", basis=" GTH-SZV")
    assert not changed("dft", functional="pbe,pbe", pseudo_dft="gth-pbe")
    meshed = {
        PySCFSettings(mesh=(31, 31, 31), cutoff_Ha=c).identity_of("hf", False)["mesh"][0] for c in (1, 2)
    }
    assert meshed == {31}
    fitted = [
        PySCFSettings(density_fitting="gdf", mesh=m).identity_of("hf", False) for m in (None, (9, 9, 9))
    ]
    assert fitted[0] == fitted[1]


def test_a_functional_without_a_pseudopotential_is_refused():
    with pytest.raises(ValidationError, match="name one in pseudo_dft"):
        PySCFSettings(functional="pw91")


def test_memory_grows_with_the_fourth_power_of_the_basis():
    small, large = (needed_GB("ccsd", Size(n, n // 4, 0)) for n in (200, 400))
    assert large / small == pytest.approx(16, rel=0.05)
    assert needed_GB("ccsd", Size(400, 100, 0)) > 16 * 400**4 / 1e9
