"""VASP + Cc4s: the chain of one structure with programs that stand in for both, killed at every step and resumed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import potcars
import pytest
import stand_in_for_cc4s as stand_in
from ase import Atoms
from ase.build import bulk
from pydantic import ValidationError

from flows.checkpoints import directory_of
from flows.failure import CalculationFailed
from flows.labelling.chunk import label_chunk
from flows.labelling.computed import computed_label, computed_label_key
from flows.labelling.engines.cc4s.settings import Cc4sSettings
from flows.labelling.engines.guarded import Guarded
from flows.labelling.engines.protocol import Computed
from flows.labelling.engines.task import LabelItem, LabelTask
from flows.labelling.engines.vasp import custody
from flows.records import Structure

VASP = ["mesh-dft", "mesh-hf", "dft", "hf", "bands", "mp2", "natural", "canonical", "vertex"]
STEPS = [*VASP, "cc4s"]
FOLDERS = dict(zip(STEPS, ["0a-mesh-dft", "0b-mesh-hf", "1-dft", "2-hf", "3-bands", "4-mp2", "5-natural", "6-canonical", "7-vertex", "8-cc4s"], strict=True))
ALL = dict.fromkeys(["hf", "mp2", "ccsd", "ccsd(t)"], False)
CCSD_T = stand_in.HF_MESH_EV - 25.445624886202758 - 0.82253051098949848 - 5.2998024502064709 - 1.1152868080903175


class World:
    """Programs, POTCARs, and a home of their own."""

    def __init__(self, place: Path) -> None:
        self.programs = place / "bin"
        self.commands = stand_in.install(self.programs)
        self.potcars = place / "potcars"
        for element, valence in (("C", 4.0), ("Li", 1.0), ("H", 1.0)):
            potcars.lay(self.potcars, "PBE_54", element, potcars.potcar(element, valence=valence, enmax=300))

    def settings(self, **more: Any) -> Cc4sSettings:
        asked = {"encut_eV": 400, "encutgw_eV": 300, "hf_kpoints": [3, 3, 3], "potcars": str(self.potcars), **self.commands}
        return Cc4sSettings.model_validate({**asked, **more})

    def wrong(self, **steps: str) -> None:
        (self.programs / "wrong.json").write_text(json.dumps({name.replace("_", "-"): how for name, how in steps.items()}))

    @property
    def calls(self) -> list[str]:
        path = self.programs / "calls"
        return path.read_text().split() if path.exists() else []

    def forget(self) -> None:
        (self.programs / "calls").unlink()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("LATTICEFARM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(custody, "_POLL_S", 0.05)
    return World(tmp_path)


def diamond() -> Atoms:
    atoms = bulk("C", "diamond", a=3.561, cubic=True)
    atoms.rattle(0.02, seed=3)
    return atoms


def found(engine: Cc4sSettings, wanted: dict[str, bool] = ALL, atoms: Atoms | None = None) -> dict[str, Any]:
    return dict(engine.compute(atoms or diamond(), wanted))


def directory(engine: Cc4sSettings, level: str = "ccsd(t)") -> Path:
    return directory_of(computed_label_key(Structure.from_atoms(diamond()).key(), level, engine, False))


def large(place: Path) -> list[str]:
    return sorted(path.name for path in place.rglob("*") if path.suffix in (".elements", ".FNO") or path.name in ("WAVECAR", "CHGCAR", "POTCAR"))


class TestNumbers:
    def test_one_chain_gives_all_levels(self, world):
        results = found(world.settings())
        assert list(results) == ["hf", "mp2", "ccsd", "ccsd(t)"]
        assert world.calls == STEPS
        assert results["ccsd(t)"].energy_eV == pytest.approx(CCSD_T, abs=1e-9)
        assert results["mp2"].energy_eV == pytest.approx(stand_in.HF_MESH_EV - 24.360504309639897 - 6.5011876290189505, abs=1e-9)
        for one in results.values():
            assert one.energy_eV == pytest.approx(sum(one.components_eV.values()), abs=1e-12)

    def test_every_component_and_version_is_in_the_record(self, world):
        engine = world.settings()
        label = computed_label(Structure.from_atoms(diamond()), "ccsd(t)", engine, False, found(engine)["ccsd(t)"])
        assert label.components_eV == pytest.approx(
            {"hf": -117.25, "ccsd": -25.445624886202758, "(t)": -0.82253051098949848, "basis_set_mp2": -6.5011876290189505,
             "basis_set_ppl": 1.2013851788124801, "finite_size": -1.1152868080903175}
        )  # fmt: skip
        assert label.engine_version == "vasp 6.3.1, cc4s heads/develop-0-gae7d6b7"
        assert label.diagnostics["hf_gamma_eV"] == -116.426066
        assert label.diagnostics["second_order_eV"] == -24.360504309639897
        assert (label.diagnostics["occupied"], label.diagnostics["bands"], label.diagnostics["all_bands"]) == (16, 176, 1811)

    def test_without_a_mesh_hartree_fock_is_that_at_gamma(self, world):
        results = found(world.settings(hf_kpoints=[1, 1, 1]))
        assert results["hf"].energy_eV == stand_in.HF_EV
        assert world.calls == STEPS[2:]
        assert f"{results['ccsd(t)'].energy_eV:.6f}" == "-149.109311"  # as in the manual of Cc4s

    @pytest.mark.parametrize(
        ("levels", "more", "calls"),
        [
            (["hf"], {}, ["mesh-dft", "mesh-hf"]),
            (["mp2"], {"mp2_basis_set_correction": False}, [one for one in STEPS if one != "mp2"]),
            (["ccsd"], {}, STEPS),
            (["ccsd"], {"basis_set_correction": False}, [one for one in STEPS if one != "mp2"]),
        ],
        ids=["hf", "mp2", "ccsd", "plain-ccsd"],
    )
    def test_what_no_level_needs_is_not_run(self, world, levels, more, calls):
        results = found(world.settings(**more), dict.fromkeys(levels, False))
        assert all(isinstance(one, Computed) for one in results.values())
        assert world.calls == calls

    def test_large_files_are_gone_when_it_is_done(self, world):
        engine = world.settings()
        found(engine)
        assert large(directory(engine)) == []
        assert (directory(engine) / "8-cc4s" / "cc4s.out.yaml").exists()

    def test_atoms_of_two_elements_stand_as_their_potcars(self, world):
        atoms = bulk("LiH", "rocksalt", a=4.017, cubic=True)
        results = found(world.settings(), {"ccsd": False}, atoms)
        assert results["ccsd"].diagnostics["occupied"] == 4

    @pytest.mark.slow
    def test_the_low_scaling_mp2_writes_the_same_pair_energies(self, world):
        engine = world.settings(pair_energies="laplace", laplace_points=8)
        assert isinstance(found(engine, {"mp2": False})["mp2"], Computed)
        incar = (directory(engine, "mp2") / "4-mp2" / "INCAR").read_text()
        assert "ALGO = ACFDTRK\n" in incar
        assert "NOMEGA = 8\n" in incar


class TestKilled:
    """In a process of its own, which is killed with the program that it runs."""

    def run(self, engine: Cc4sSettings) -> int:
        script = (
            "import sys; from ase.build import bulk; from flows.labelling.engines.cc4s.settings import Cc4sSettings\n"
            "atoms = bulk('C', 'diamond', a=3.561, cubic=True); atoms.rattle(0.02, seed=3)\n"
            f"list(Cc4sSettings.model_validate_json(sys.argv[1]).compute(atoms, {ALL!r}))"
        )
        command = [sys.executable, "-c", script, engine.model_dump_json()]
        return subprocess.run(command, cwd=Path(__file__).parents[2], start_new_session=True, env=os.environ, check=False).returncode

    @pytest.mark.parametrize("step", [pytest.param(one, marks=[] if one == "natural" else pytest.mark.slow) for one in STEPS])
    def test_at_a_step_it_goes_on_there_in_another_process(self, world, step):
        engine = world.settings()
        world.wrong(**{step: "kill"})
        assert self.run(engine) == -9
        before = STEPS[: STEPS.index(step) + 1]
        assert world.calls == before
        assert (directory(engine) / FOLDERS[step] / "half-written").exists()
        results = found(engine)
        assert Counter(world.calls) == Counter(STEPS) + Counter([step])
        assert results["ccsd(t)"].energy_eV == pytest.approx(CCSD_T, abs=1e-9)
        assert not list(directory(engine).rglob("half-written"))

    def test_after_its_end_nothing_is_run_again(self, world):
        engine = world.settings()
        first = found(engine)
        world.forget()
        second = found(engine)
        assert world.calls == []
        assert [one.energy_eV for one in second.values()] == [one.energy_eV for one in first.values()]

    @pytest.mark.slow
    def test_costs_are_those_of_all_processes(self, world):
        engine = world.settings()
        first = found(engine)
        again = found(engine)
        assert [one.wall_time_s for one in again.values()] == pytest.approx([one.wall_time_s for one in first.values()], abs=1e-6)
        assert all(one.wall_time_s > 0 for one in first.values())

    @pytest.mark.filterwarnings("ignore::UserWarning")  # which one thread lets the other say
    def test_two_that_come_at_once_do_each_step_once(self, world):
        engine = world.settings()
        with ThreadPoolExecutor(2) as both:
            one, other = both.map(found, [engine, engine])
        assert world.calls == STEPS
        assert {level: result.energy_eV for level, result in one.items()} == {level: result.energy_eV for level, result in other.items()}

    def test_in_a_job_labels_are_kept_and_what_failed_is_gone_on_with(self, world):
        engine, kept = world.settings(), {}

        class Journal:
            def keep(self, label):
                kept[label.level] = label

            def stored(self, keys):
                return {label.key for label in kept.values()} & set(keys)

        task = LabelTask(key="chunk", system="diamond", engine=engine, items=(LabelItem(structure=Structure.from_atoms(diamond()), levels=ALL),))
        world.wrong(cc4s="triples signal 9")
        with pytest.raises(CalculationFailed) as error:
            label_chunk(task, lambda atoms, wanted: found(engine, dict(wanted), atoms), Journal())
        assert (error.value.failure.kind, error.value.failure.run_directory) == ("killed", str(directory(engine)))
        assert kept.keys() == {"hf", "mp2", "ccsd"}
        world.forget()
        label_chunk(task, lambda atoms, wanted: found(engine, dict(wanted), atoms), Journal())
        assert world.calls == ["cc4s"]
        assert kept["ccsd(t)"].energy_eV == pytest.approx(CCSD_T, abs=1e-9)
        assert kept["ccsd(t)"].files[0].startswith("POTCAR of C: PAW_PBE C 01Jan2000 (sha256 ")

    def test_what_was_damaged_since_is_computed_again(self, world):
        engine = world.settings()
        world.wrong(canonical="exit 1")
        found(engine)
        natural = directory(engine) / FOLDERS["natural"] / "WAVECAR.FNO"
        natural.write_bytes(natural.read_bytes()[:-1] + b"!")
        world.forget()
        assert isinstance(found(engine)["ccsd(t)"], Computed)
        # its own orbitals were no longer needed, and their orbitals neither
        assert world.calls[0] in ("dft", "hf", "bands", "natural")
        assert world.calls[-4:] == ["natural", "canonical", "vertex", "cc4s"]

    @pytest.mark.slow
    def test_the_number_of_cycles_decides_nothing_that_is_done(self, world):
        world.wrong(vertex="exit 1")
        found(world.settings())
        world.forget()
        found(world.settings(max_scf_cycles=900, parallel={"NCORE": 4}))
        assert world.calls == ["vertex", "cc4s"]

    def test_when_the_label_is_delivered_its_checkpoints_go(self, world, monkeypatch):
        from jobflow import JobStore
        from maggma.stores import MemoryStore

        from flows import delivery
        from flows.leftovers import sweep_delivered

        engine = world.settings()
        label = computed_label(Structure.from_atoms(diamond()), "ccsd(t)", engine, False, found(engine)["ccsd(t)"])
        store = JobStore(MemoryStore())
        store.connect()
        monkeypatch.setattr(delivery, "_store", lambda: store)
        sweep_delivered(store)
        assert directory(engine).exists()
        delivery.store_record(label.key, label, "label")
        sweep_delivered(store)
        assert not directory(engine).exists()


class TestFailures:
    @pytest.mark.parametrize(
        ("step", "how", "kind", "says"),
        [
            ("mesh-hf", "unconverged", "unconverged", "step 0b-mesh-hf, did not converge in max_scf_cycles = 200"),
            ("hf", "metal", "no-gap", "bands that are partly filled"),
            ("bands", "exit 1", "crashed", "step 3-bands, ended with exit code 1: internal error in subroutine PRICEL"),
            ("natural", "without WAVECAR.FNO", "garbage", "there is no WAVECAR.FNO"),
            ("vertex", "bands", "garbage", "CoulombVertex.yaml has 175 x 175 states, and 176 were asked for"),
            ("cc4s", "truncated", "partial-output", "cc4s.out.yaml"),
            *(
                pytest.param(*more, marks=pytest.mark.slow)
                for more in [
                    ("hf", "unconverged", "unconverged", "step 2-hf, did not converge"),
                    ("bands", "unfinished", "crashed", "ended before its end"),
                    ("bands", "bands", "garbage", "WAVECAR has 1810 bands, and 1811 were asked for"),
                    ("mp2", "signal 9", "killed", "SIGKILL, as when the machine is out of memory"),
                    ("mp2", "exit 137", "killed", "SIGKILL"),
                    ("mp2", "without Mp2PairEnergies.yaml", "garbage", "there is no Mp2PairEnergies.yaml"),
                    ("natural", "cut WAVECAR.FNO", "garbage", "WAVECAR.FNO ends too early"),
                    ("canonical", "nothing", "garbage", "VASP left no OUTCAR"),
                    ("vertex", "cut CoulombVertex.elements", "garbage", "CoulombVertex.elements has"),
                    ("cc4s", "nothing", "partial-output", "there is no cc4s.out.yaml"),
                ]
            ),
        ],
    )
    def test_each_is_one_failure_with_its_reason(self, world, step, how, kind, says):
        engine = world.settings()
        world.wrong(**{step: how})
        results = found(engine)
        for level in ("mp2", "ccsd", "ccsd(t)"):
            failure = results[level]
            assert (failure.kind, failure.level, failure.run_directory) == (kind, level, str(directory(engine)))
            assert says in failure.message
            assert failure.advice
        assert isinstance(results["hf"], Computed) == (step != "mesh-hf")

    @pytest.mark.parametrize("step", [pytest.param(one, marks=[] if one in ("mp2",) else pytest.mark.slow) for one in STEPS])
    def test_what_failed_is_begun_again_where_it_failed(self, world, step):
        world.wrong(**{step: "nothing"})
        found(world.settings())
        world.forget()
        assert isinstance(found(world.settings())["ccsd(t)"], Computed)
        assert world.calls == STEPS[STEPS.index(step) :]

    def test_unconverged_ccsd_is_no_label_and_mp2_is_one(self, world):
        world.wrong(cc4s="unconverged")
        results = found(world.settings())
        assert [name for name, one in results.items() if isinstance(one, Computed)] == ["hf", "mp2"]
        assert {results[one].kind for one in ("ccsd", "ccsd(t)")} == {"unconverged"}
        assert "in 50 cycles (convergenceReached is 0)" in results["ccsd"].message
        world.forget()
        more = world.settings(max_cc_cycles=80)
        assert isinstance(found(more, {"ccsd": False, "ccsd(t)": False})["ccsd"], Computed)
        assert world.calls == ["cc4s"]

    @pytest.mark.parametrize("how", ["signal 8", *(pytest.param(one, marks=pytest.mark.slow) for one in ("exit 136", "exit 1"))])
    def test_crashed_triples_are_computed_by_the_reference(self, world, how):
        world.wrong(cc4s=f"triples {how}")
        results = found(world.settings())
        assert world.calls == [*STEPS, "cc4s-reference"]
        assert results["ccsd(t)"].energy_eV == pytest.approx(CCSD_T, abs=1e-9)
        assert results["ccsd(t)"].diagnostics["triples_reference"] == 1
        (remark,) = results["ccsd(t)"].remarks
        assert "PerturbativeTriplesReference" in remark
        assert results["ccsd"].remarks == ()

    @pytest.mark.slow
    def test_where_the_reference_crashes_too_the_other_levels_are_labels(self, world):
        engine = world.settings()
        world.wrong(cc4s="triples signal 8", cc4s_reference="triples signal 11")
        results = found(engine)
        assert [name for name, one in results.items() if isinstance(one, Computed)] == ["hf", "mp2", "ccsd"]
        assert "SIGFPE" in results["ccsd(t)"].message
        assert "PerturbativeTriplesReference: Cc4s was ended by SIGSEGV" in results["ccsd(t)"].message
        world.forget()
        assert isinstance(found(engine, {"ccsd(t)": False})["ccsd(t)"], Computed)
        assert world.calls == ["cc4s-reference"]
        assert large(directory(engine)) == []

    @pytest.mark.slow
    def test_triples_killed_for_memory_are_not_begun_by_the_slower_one(self, world):
        world.wrong(cc4s="triples signal 9")
        results = found(world.settings())
        assert world.calls == STEPS
        assert isinstance(results["ccsd"], Computed)
        assert results["ccsd(t)"].kind == "killed"

    @pytest.mark.slow
    def test_a_fallback_may_be_refused(self, world):
        world.wrong(cc4s="triples signal 8")
        results = found(world.settings(triples_fallback=False))
        assert results["ccsd(t)"].kind == "triples-crashed"
        assert world.calls == STEPS

    @pytest.mark.slow
    def test_one_that_hangs_ends_at_its_limit_and_what_was_done_stays(self, world):
        world.wrong(mp2="hang")
        with Guarded(world.settings(time_limit_s=25)) as guarded:
            results = guarded.compute(diamond(), ALL)
        assert isinstance(results["hf"], Computed)
        assert {results[one].kind for one in ("mp2", "ccsd", "ccsd(t)")} == {"time-limit"}
        world.forget()
        assert isinstance(found(world.settings())["ccsd(t)"], Computed)
        assert world.calls == STEPS[STEPS.index("mp2") :]

    def test_what_is_missing_is_named_before_it_runs_and_when(self, world, tmp_path):
        engine = world.settings(gamma_command=f"srun {tmp_path}/no/vasp_gam", cc4s_command="no-such-Cc4s")
        said = dict(engine.lacking())
        assert "no/vasp_gam is not on this machine" in said["gamma_command"]
        assert "no-such-Cc4s is not on this machine" in said["cc4s_command"]
        assert {one.kind for one in found(engine).values()} == {"no-program"}
        bare = world.settings(potcars=str(tmp_path))
        assert {one.kind for one in found(bare).values()} == {"no-pseudopotential"}
        assert world.calls == []

    def test_forces_and_strange_levels_are_refused(self, world):
        results = found(world.settings(), {"dft": False, "ccsd": True})
        assert {one.kind for one in results.values()} == {"bad-input"}
        assert "no forces of ccsd" in results["ccsd"].message


class TestCustody:
    """Of the steps that iterate: custodian answers what it knows, and the label says so."""

    @pytest.mark.parametrize(
        ("step", "how", "says"),
        [
            ("hf", "slow", "2-hf: custodian: Unconverged: ALGO = Damped, TIME = 0.5"),
            pytest.param("dft", "says BRMIX: very serious problems", "1-dft: custodian: brmix: IMIX = 1", marks=pytest.mark.slow),
            pytest.param("mesh-dft", "slow", "0a-mesh-dft: custodian: Unconverged: ALGO = All, ISEARCH = 1", marks=pytest.mark.slow),
        ],
    )
    def test_what_it_corrects_costs_no_label_and_is_told(self, world, step, how, says):
        world.wrong(**{step: how})
        results = found(world.settings())
        assert Counter(world.calls) == Counter(STEPS) + Counter([step])
        assert results["ccsd(t)"].energy_eV == pytest.approx(CCSD_T, abs=1e-9)
        for level, one in results.items():
            concerned = level != "hf" or step.startswith("mesh")
            assert one.remarks == ((says,) if concerned else ())
            assert one.diagnostics["corrections"] == len(one.remarks)

    @pytest.mark.slow
    def test_it_is_told_by_a_process_that_comes_later(self, world):
        world.wrong(hf="slow", vertex="exit 1")
        found(world.settings())
        assert found(world.settings())["ccsd(t)"].remarks == ("2-hf: custodian: Unconverged: ALGO = Damped, TIME = 0.5",)

    def test_an_answer_that_changes_what_is_asked_for_is_no_label(self, world):
        world.wrong(hf="says internal error in subroutine PRICEL")
        failure = found(world.settings())["ccsd(t)"]
        assert failure.kind == "changed-settings"
        assert "step 2-hf, came through only with other settings than asked for: custodian: pricel: SYMPREC = 1e-08, ISYM = 0" in failure.message
        assert world.calls[-2:] == ["hf", "hf"]

    def test_what_it_cannot_mend_ends_as_often_as_it_may(self, world):
        world.wrong(hf="slow")
        failure = found(world.settings(max_corrections=0))["ccsd(t)"]
        assert failure.kind == "unconverged"
        assert "step 2-hf, did not converge in max_scf_cycles = 200 (Unconverged: ALGO = Damped" in failure.message
        assert world.calls[-1] == "hf"

    @pytest.mark.parametrize("step", ["bands", pytest.param("canonical", marks=pytest.mark.slow)])
    def test_a_step_of_one_cycle_is_not_taken_for_unconverged(self, world, step):
        """Their NELM is 1, and their ALGO the step itself."""
        world.wrong(**{step: "slow"})
        result = found(world.settings())["ccsd(t)"]
        assert isinstance(result, Computed)
        assert result.remarks == ()
        assert world.calls == STEPS

    def test_nor_is_it_given_another_algorithm(self, world):
        """custodian would say `ALGO = All` to this."""
        world.wrong(bands="says Error EDDDAV: Call to ZHEGV failed")
        failure = found(world.settings())["ccsd(t)"]
        assert (failure.kind, failure.message) == ("crashed", "VASP, step 3-bands, ended with exit code 1: Error EDDDAV: Call to ZHEGV failed")
        assert "ALGO = Exact\n" in (directory(world.settings()) / "3-bands" / "INCAR").read_text()
        assert world.calls[-1] == "bands"


class TestTroubles:
    def said(self, engine: Cc4sSettings, atoms: Atoms | None = None) -> str:
        return "; ".join(f"{key}: {why}" for key, why in engine.troubles(atoms or diamond(), {"ccsd(t)": False}))

    def test_each_is_named(self, world):
        assert self.said(world.settings()) == ""
        assert "150 eV is far below ENMAX = 300 eV" in self.said(world.settings(encut_eV=150, encutgw_eV=150))
        assert "and encut_eV gives about" in self.said(world.settings(orbitals_per_occupied=90))
        assert "was made for pbe, and lda is asked for" in self.said(world.settings(functional="LDA", family="PBE_54"))
        assert "are asked for with" in self.said(world.settings(digests={"C": "0" * 64}))
        assert "closed shells need an even number" in self.said(world.settings(), Atoms("H", cell=[9, 9, 9], pbc=True))

    @pytest.mark.parametrize(
        ("asked", "says"),
        [
            ({"encutgw_eV": 500}, "at most encut_eV"),
            ({"incar": {"nbands": 3}}, "NBANDS follows from the steps"),
            ({"parallel": {"ENCUT": 3}}, "is no tag of parallelism"),
            ({"cc4s_command": " "}, "no command"),
            ({"potentials": {"Li": "li_sv"}}, "symbol"),
            ({"max_cc_cycles": 1}, "greater than or equal to 2"),
        ],
    )
    def test_settings_that_make_no_sense_are_refused(self, world, asked, says):
        with pytest.raises(ValidationError, match=says):
            world.settings(**asked)


class TestKeys:
    def keys(self, engine: Cc4sSettings) -> dict[str, str]:
        return {level: computed_label_key("structure", level, engine, False) for level in ALL}

    def test_what_decides_no_number_is_in_no_key(self, world):
        before = self.keys(world.settings())
        alike = [
            {"command": "srun vasp_std"}, {"max_cc_cycles": 9}, {"max_scf_cycles": 9}, {"integrals_slice": 50}, {"diis": 3},
            {"triples_fallback": False}, {"parallel": {"KPAR": 2}}, {"potcars": "/elsewhere"}, {"incar": {"NELMIN": 4}},
            {"time_limit_s": 5}, {"mp2_basis_set_correction": True}, {"laplace_points": 9},
        ]  # fmt: skip
        assert all(self.keys(world.settings(**one)) == before for one in alike)

    @pytest.mark.parametrize(
        ("changed", "levels"),
        [
            ({"encut_eV": 500}, list(ALL)),
            ({"hf_kpoints": [2, 2, 2]}, list(ALL)),
            ({"incar": {"LASPH": True}}, list(ALL)),
            ({"encutgw_eV": 200}, ["mp2", "ccsd", "ccsd(t)"]),
            ({"orbitals_per_occupied": 12}, ["mp2", "ccsd", "ccsd(t)"]),
            ({"mp2_basis_set_correction": False}, ["mp2"]),
            ({"basis_set_correction": False}, ["mp2", "ccsd", "ccsd(t)"]),
            ({"finite_size_correction": False}, ["ccsd", "ccsd(t)"]),
            ({"cc_tolerance_eV": 1e-6}, ["ccsd", "ccsd(t)"]),
            ({"pair_energies": "laplace"}, ["mp2", "ccsd", "ccsd(t)"]),
        ],
    )
    def test_what_decides_a_level_is_in_its_key(self, world, changed, levels):
        before, after = self.keys(world.settings()), self.keys(world.settings(**changed))
        assert [level for level in ALL if before[level] != after[level]] == levels

    def test_potentials_count_by_what_they_hold(self, world):
        plain, same = world.settings().for_elements({"C"}), world.settings(potentials={"C": "C", "Li": "Li_sv"}).for_elements({"C"})
        assert self.keys(plain) == self.keys(same) != self.keys(world.settings(potentials={"C": "C_h"}))
        known = [world.settings(potentials={"C": "C"}, digests={"C": 64 * one}, family=family) for one, family in (("1", "PBE_54"), ("1", "PBE_64"), ("2", "PBE_54"))]
        assert self.keys(known[0]) == self.keys(known[1]) != self.keys(known[2])

    def test_captions_say_the_policy(self, world):
        assert world.settings().text("hf") == "VASP, Hartree-Fock on 3 × 3 × 3 k-points, 400 eV"
        assert world.settings().text("mp2").endswith("corrected for basis set")
        assert world.settings().text("ccsd(t)").endswith("corrected for basis set and finite size")
        bare = world.settings(basis_set_correction=False, finite_size_correction=False)
        assert bare.text("ccsd").endswith("10 natural orbitals per occupied one, not corrected")
