"""VASP: what it is given, what is made of what it leaves, and what goes wrong, by a program that stands in for it at its edge."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import stand_in_for_vasp
from ase import Atoms
from ase.build import bulk
from potcars import lay, potcar
from pydantic import ValidationError

from flows.labelling.chunk import label_chunk
from flows.labelling.computed import computed_label_key
from flows.labelling.engines.guarded import Guarded
from flows.labelling.engines.protocol import Computed
from flows.labelling.engines.task import LabelItem, LabelTask
from flows.labelling.engines.vasp import custody
from flows.labelling.engines.vasp.inputs import files_of, order_of, steps_of
from flows.labelling.engines.vasp.orbitals import Orbitals
from flows.labelling.engines.vasp.potentials import HOME
from flows.labelling.engines.vasp.run import ORBITALS
from flows.labelling.engines.vasp.settings import VaspSettings
from flows.records import Failure, Structure

PROGRAM = f"{sys.executable} {stand_in_for_vasp.__file__}"


def settings(**more: object) -> VaspSettings:
    return VaspSettings.model_validate({"encut_eV": 400, "kpoints": [1, 1, 1], **more})


def carbon(seed: int = 1) -> Atoms:
    atoms = bulk("C", a=3.561, cubic=True)
    atoms.rattle(0.03, seed=seed)
    return atoms


@dataclass
class World:
    """POTCARs, a place to work in, and the log of the program that stands in for VASP."""

    home: Path

    @property
    def log(self) -> Path:
        return self.home / "log"

    def engine(self, wrong: str = "", **more: object) -> VaspSettings:
        command = f"{PROGRAM} --log {self.log}{f' --wrong {wrong}' if wrong else ''}"
        (self.home / "scratch").mkdir(exist_ok=True)
        asked = {"command": command, "potcars": str(self.home), "scratch": str(self.home / "scratch")}
        return settings(**{**asked, **more}).for_elements({"C"})

    def runs(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    lay(tmp_path, "PBE_54", "C", potcar("C"))
    monkeypatch.setattr(custody, "_POLL_S", 0.05)
    ORBITALS.drop()
    return World(tmp_path)


def found(engine: VaspSettings, atoms: Atoms, level: str = "dft") -> Computed | Failure:
    ((_, result),) = engine.compute(atoms, {level: True})
    return result


class TestInputs:
    def tags(self, engine: VaspSettings, level: str = "dft", step: int = -1) -> dict[str, str]:
        asked = list(steps_of(engine, [level]))[step]
        lines = files_of(engine, asked, carbon(), asked.goes_on)["INCAR"].splitlines()
        return {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}

    def test_all_tags_are_ours(self):
        """None comes from a default of the input set, which another version of it could change."""
        assert self.tags(settings()) == {
            "ALGO": "Normal", "EDIFF": "1e-07", "ENCUT": "400.0", "GGA": "Pe", "IBRION": "-1", "ISMEAR": "0", "ISPIN": "1",
            "ISTART": "0", "ISYM": "0", "LASPH": "True", "LCHARG": "False", "LREAL": "False", "LWAVE": "True", "NELM": "100",
            "NSW": "0", "PREC": "Accurate", "SIGMA": "0.05",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("functional", "tags"),
        [
            ("LDA", {"GGA": "Ca"}), ("PBEsol", {"GGA": "Ps"}), ("RPBE", {"GGA": "Rp"}), ("revPBE", {"GGA": "Re"}),
            ("SCAN", {"METAGGA": "Scan"}), ("r2SCAN", {"METAGGA": "R2scan"}),
            ("PBE0", {"GGA": "Pe", "LHFCALC": "True", "AEXX": "0.25", "ALGO": "All", "TIME": "0.4", "ISTART": "1"}),
            ("HSE06", {"GGA": "Pe", "LHFCALC": "True", "AEXX": "0.25", "HFSCREEN": "0.2", "ALGO": "All", "TIME": "0.4", "ISTART": "1"}),
        ],
    )  # fmt: skip
    def test_functionals_as_vasp_is_told_of_them(self, functional, tags):
        common = {key: value for key, value in self.tags(settings()).items() if key != "GGA"}
        assert self.tags(settings(functional=functional)) == {**common, **tags}

    def test_hartree_fock_begins_from_orbitals_of_the_functional(self):
        engine = settings(functional="LDA")
        first, then = self.tags(engine, "hf", 0), self.tags(engine, "hf")
        assert (first["GGA"], first["ISTART"]) == ("Ca", "0")
        assert "LHFCALC" not in first
        assert {key: then[key] for key in ("LHFCALC", "AEXX", "ALDAC", "AGGAC", "ISTART")} == {
            "LHFCALC": "True", "AEXX": "1.0", "ALDAC": "0.0", "AGGAC": "0.0", "ISTART": "1"
        }  # fmt: skip
        assert "GGA" not in then
        assert [step.level for step in steps_of(engine, ["dft", "hf"])] == ["dft", "hf"]
        assert [step.level for step in steps_of(engine, ["hf"])] == [None, "hf"]
        assert [step.level for step in steps_of(settings(functional="hse06"), ["dft", "hf"])] == [None, "dft", "hf"]

    def test_other_tags_are_added(self):
        tags = self.tags(settings(incar={"ivdw": 12, "algo": "Fast"}, parallel={"ncore": 4}, smearing="fermi-dirac", sigma_eV=0.1))
        assert (tags["IVDW"], tags["ALGO"], tags["NCORE"], tags["ISMEAR"], tags["SIGMA"]) == ("12", "Fast", "4", "-1", "0.1")

    def test_meshes_are_centred_at_gamma(self):
        (step,) = steps_of(settings(), ["dft"])
        by_mesh = files_of(settings(kpoints=[3, 3, 2]), step, carbon(), False)["KPOINTS"].splitlines()
        assert [by_mesh[1], by_mesh[2], by_mesh[3].split()] == ["0", "Gamma", ["3", "3", "2"]]
        by_spacing = files_of(settings(kpoints=None, kspacing_per_A=0.5), step, carbon(), False)["KPOINTS"]
        assert by_spacing.splitlines()[3].split() == ["4", "4", "4"]  # 2π / 3.561 / 0.5 = 3.53

    def test_atoms_stand_element_by_element(self):
        atoms = bulk("LiH", "rocksalt", a=4.017, cubic=True)
        atoms.rattle(0.05, seed=2)
        assert list(atoms.symbols[:2]) == ["Li", "H"]
        (step,) = steps_of(settings(), ["dft"])
        lines = files_of(settings(), step, atoms, False)["POSCAR"].splitlines()
        assert (lines[5].split(), lines[6].split()) == (["Li", "H"], ["4", "4"])
        written = np.array([line.split()[:3] for line in lines[8:16]], dtype=float)
        moves = written - atoms.get_scaled_positions(wrap=False)[order_of(atoms)]
        assert np.abs(moves - moves.round()).max() < 1e-12

    def test_inputs_are_shown_with_names_of_potcars_alone(self, world):
        files = world.engine().pinned().input_files(carbon(), ["dft", "hf"])
        assert list(files) == [f"{step}/{name}" for step in ("dft", "hf") for name in ("INCAR", "KPOINTS", "POSCAR", "POTCAR")]
        sha256 = world.engine().pinned().found["C"]
        assert files["dft/POTCAR"] == f"C of PBE_54 (sha256 {sha256[:12]})\n"


class TestNumbers:
    def test_forces_are_of_their_atoms(self, world):
        """Whatever their order: a label of atoms in another order has the same energy, and forces that go along."""
        lay(world.home, "PBE_54", "Si", potcar("Si"))
        atoms = bulk("SiC", "zincblende", a=4.36, cubic=True)
        atoms.rattle(0.05, seed=3)
        engine = world.engine().for_elements({"C", "Si"})
        other = np.array([5, 2, 7, 0, 1, 6, 3, 4])
        one, two = found(engine, atoms), found(engine, atoms[other])
        assert [run["symbols"][0] for run in world.runs()] == ["Si", "C"]
        assert [run["titles"][0].split()[1] for run in world.runs()] == ["Si", "C"]
        assert one.energy_eV == pytest.approx(two.energy_eV, abs=1e-7)
        np.testing.assert_allclose(one.forces_eV_A[other], two.forces_eV_A, atol=1e-7)
        assert np.abs(one.forces_eV_A).max() > 0.1

    def test_levels_of_one_structure_in_one_go(self, world):
        results = dict(world.engine().compute(carbon(), {"dft": True, "hf": True}))
        assert results["hf"].energy_eV == pytest.approx(stand_in_for_vasp.EXACT_EXCHANGE * results["dft"].energy_eV, abs=1e-6)
        assert [run["began"] for run in world.runs()] == [False, True]
        assert results["dft"].versions == {"vasp": "6.4.2"}
        assert results["dft"].files == (f"POTCAR of C: PAW_PBE C 01Jan2000 (sha256 {world.engine().pinned().found['C'][:12]})",)
        assert results["dft"].diagnostics["cycles"] == 9

    def test_orbitals_are_handed_on_in_the_same_cell(self, world):
        engine, large = world.engine(), carbon()
        large.set_cell(1.01 * large.cell, scale_atoms=True)
        for atoms in (carbon(1), carbon(2), large, carbon(3), carbon(4)):
            assert isinstance(found(engine, atoms), Computed)
        found(world.engine(ediff_eV=1e-8), carbon(5))
        assert [run["began"] for run in world.runs()] == [False, True, False, False, True, False]
        assert [run["tags"]["ISTART"] for run in world.runs()] == ["0", "1", "0", "0", "1", "0"]
        ORBITALS.drop()
        assert not list((world.home / "scratch").iterdir())

    def test_orbitals_at_fault_cost_no_label(self, world):
        assert isinstance(found(world.engine("bad-orbitals"), carbon(1)), Computed)
        result = found(world.engine("bad-orbitals"), carbon(2))
        assert isinstance(result, Computed)
        assert result.remarks == ("dft: with the orbitals of the structure before: crashed",)
        assert [run["began"] for run in world.runs()] == [False, True, False]

    def test_at_gamma_alone_another_program_may_run(self, world):
        engine = world.engine(gamma_command=f"{PROGRAM} --log {world.home}/gamma", kpoints=[1, 1, 1])
        found(engine, carbon())
        assert (world.home / "gamma").exists()
        assert not world.log.exists()


class TestFailures:
    @pytest.mark.parametrize(
        ("wrong", "kind", "says"),
        [
            ("unconverged", "unconverged", "max_scf_cycles = 100 (Unconverged: ALGO = All, ISEARCH = 1"),
            ("crash", "crashed", "zpotrf: nothing helps"),
            ("unknown", "crashed", "exit code 7): internal error: something that custodian does not know"),
            ("killed", "killed", "SIGKILL, as when the machine is out of memory"),
            ("silent", "garbage", "left no vasprun.xml"),
            ("cut", "garbage", "ends in the middle of a step"),
            ("nan", "garbage", "not finite"),
            ("few-forces", "garbage", "no forces of 8 atoms"),
            ("other-structure", "garbage", "of another structure"),
            ("pricel", "changed-settings", "pricel: SYMPREC = 1e-08, ISYM = 0"),
            ("triple", "changed-settings", "POSCAR changed"),
        ],
    )
    def test_each_is_one_failure_with_its_reason(self, world, wrong, kind, says):
        failure = found(world.engine(wrong, max_corrections=1), carbon())
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.level) == (kind, "dft")
        assert says in failure.message
        assert failure.advice
        assert not list((world.home / "scratch").iterdir())

    def test_what_custodian_corrects_is_kept_with_the_label(self, world):
        result = found(world.engine("needs-algo-all"), carbon())
        assert isinstance(result, Computed)
        assert result.remarks == ("dft: custodian: Unconverged: ALGO = All, ISEARCH = 1",)
        assert result.diagnostics["corrections"] == 1

    def test_one_level_does_not_hide_another(self, world):
        results = dict(world.engine("hf-crashes").compute(carbon(), {"dft": True, "hf": True}))
        assert isinstance(results["dft"], Computed)
        assert (results["hf"].kind, results["hf"].level) == ("crashed", "hf")
        assert isinstance(found(world.engine(), carbon(2)), Computed)

    def test_a_missing_program_is_named_before_and_when_it_runs(self, world):
        engine = world.engine(command="sh /no/such/vasp_std")
        ((key, why),) = engine.lacking()
        assert key == "command"
        assert "/no/such/vasp_std is not on this machine" in why
        failure = found(engine, carbon())
        assert (failure.kind, failure.level) == ("no-program", "dft")

    def test_missing_potcars_are_named_before_and_when_it_runs(self, world, monkeypatch):
        monkeypatch.delenv(HOME, raising=False)
        engine = world.engine(potcars=None, command=PROGRAM)
        ((key, why),) = engine.lacking()
        assert key == "potentials"
        assert "no POTCAR C of PBE_54 on this machine" in why
        assert engine.troubles(carbon(), {"dft": True}) == ()
        assert found(engine, carbon()).kind == "no-pseudopotential"

    def test_potcars_of_another_functional_or_content_are_refused(self, world):
        engine = world.engine(family="PBE_54", functional="LDA")
        ((key, why),) = engine.troubles(carbon(), {"dft": True})
        assert (key, "was made for pbe, and lda is asked for" in why) == ("potentials", True)
        assert found(engine, carbon()).kind == "wrong-pseudopotential"
        pinned = world.engine().pinned()
        lay(world.home, "PBE_54", "C", potcar("C", enmax=401))
        failure = found(pinned, carbon())
        assert failure.kind == "wrong-pseudopotential"
        assert f"labels are asked for with C of PBE_54 (sha256 {pinned.found['C'][:12]})" in failure.message

    def test_a_level_that_it_has_not_is_refused(self, world):
        assert found(world.engine(), carbon(), "mp2").kind == "bad-input"


class TestJobs:
    """In the child process in which labels are computed."""

    @pytest.mark.slow
    def test_a_hang_ends_at_its_limit_and_so_does_its_program(self, world):
        with Guarded(world.engine("hang", time_limit_s=20)) as guarded:
            failure = guarded.compute(carbon(), {"dft": True})["dft"]
        assert failure.kind == "time-limit"
        (run,) = world.runs()
        assert not psutil.pid_exists(run["pid"]) or psutil.Process(run["pid"]).status() == psutil.STATUS_ZOMBIE

    @pytest.mark.slow
    def test_a_kill_between_structures_costs_none_that_is_kept(self, world):
        class Kept(dict):
            def keep(self, label) -> None:
                self[label.key] = label

            def stored(self, keys) -> set[str]:
                return set(keys) & self.keys()

        engine, kept = world.engine().pinned(), Kept()
        items = tuple(LabelItem(structure=Structure.from_atoms(carbon(seed)), levels={"dft": True}) for seed in range(4))
        task = LabelTask(key="chunk", system="diamond", engine=engine, items=items)

        def ends(compute: Callable, after: int) -> Callable:
            def one(atoms, wanted):
                if len(kept) == after:
                    raise KeyboardInterrupt
                return compute(atoms, wanted)

            return one

        with Guarded(engine) as guarded, pytest.raises(KeyboardInterrupt):
            label_chunk(task, ends(guarded.compute, 2), kept)
        assert len(kept) == 2
        before = dict(kept)
        with Guarded(engine) as guarded:
            done = label_chunk(task, guarded.compute, kept)
        assert set(done.labels) == kept.keys()
        assert {key: kept[key] for key in before} == before
        assert [run["began"] for run in world.runs()] == [False, True, False, True]
        assert len({label.energy_eV for label in kept.values()}) == 4
        assert kept[done.labels[0]].engine_version.endswith("vasp 6.4.2")

    def test_what_killed_processes_left_is_removed(self, tmp_path):
        orbitals = Orbitals()
        mine = orbitals.directory(str(tmp_path))
        dead = tmp_path / mine.name.replace(f"-{os.getpid()}-", "-4194305-")  # above any that Linux gives
        other = tmp_path / "vasp-another-machine-4194305-abc"
        for one in (dead, other):
            one.mkdir()
        Orbitals().directory(str(tmp_path))
        assert mine.exists()
        assert other.exists()
        assert not dead.exists()


class TestKeys:
    def key(self, engine: VaspSettings, level: str = "dft") -> str:
        return computed_label_key("structure", level, engine.for_elements({"C"}), True)

    def test_what_decides_no_number_is_in_no_key(self):
        before = self.key(settings())
        alike = [
            {"command": "srun vasp_std"}, {"gamma_command": "vasp_gam"}, {"scratch": "/scratch"}, {"potcars": "/potcars"}, {"max_scf_cycles": 7},
            {"max_corrections": 0}, {"parallel": {"NCORE": 4}}, {"time_limit_s": 5}, {"incar": {"ALGO": "Fast", "AMIX": 0.2}},
            {"potentials": {"C": "C", "Li": "Li_sv"}}, {"family": "PBE_54"}, {"functional": " PBE "},
        ]  # fmt: skip
        assert {self.key(settings(**one)) for one in alike} == {before}

    def test_what_decides_numbers_is(self):
        others = [
            {"encut_eV": 401}, {"kpoints": [1, 1, 2]}, {"kpoints": None, "kspacing_per_A": 0.5}, {"functional": "LDA"},
            {"functional": "PBEsol"}, {"family": "PBE_64"}, {"potentials": {"C": "C_h"}}, {"digests": {"C": "0" * 64}}, {"smearing": "fermi-dirac"},
            {"sigma_eV": 0.1}, {"ediff_eV": 1e-6}, {"prec": "Normal"}, {"incar": {"IVDW": 12}},
        ]  # fmt: skip
        assert len({self.key(settings()), *(self.key(settings(**one)) for one in others)}) == 1 + len(others)

    def test_hartree_fock_knows_of_no_functional(self):
        assert self.key(settings(), "hf") == self.key(settings(functional="PBEsol"), "hf") != self.key(settings())

    def test_the_content_of_a_potential_is_its_name(self, tmp_path):
        for folder, enmax in (("one", 400), ("same", 400), ("other", 401)):
            lay(tmp_path / folder, "PBE_54", "C", potcar("C", enmax=enmax))
        pinned = [settings(potcars=str(tmp_path / one)).for_elements({"C"}).pinned() for one in ("one", "same", "other")]
        one, same, other = map(self.key, pinned)
        assert one == same != other
        assert self.key(settings(digests=pinned[0].found)) == one

    def test_settings_survive_json(self, tmp_path):
        lay(tmp_path, "PBE_54", "C", potcar("C"))
        engine = settings(potcars=str(tmp_path), incar={"IVDW": 12, "VDW_S8": 0.7875, "LVDW": False}).for_elements({"C"}).pinned()
        assert VaspSettings.model_validate(json.loads(engine.model_dump_json())) == engine


class TestTroubles:
    def test_each_trouble_is_named(self, world):
        def said(**more: object) -> str:
            return "; ".join(f"{key}: {why}" for key, why in world.engine(**more).troubles(carbon(), {"dft": True}))

        assert said() == ""
        assert said(incar={"NEW_TAG_OF_LATER": 1}) == ""
        assert "incar: VASP has no LASPHH" in said(incar={"LASPHH": True})
        assert "encut_eV: 40 eV is far below ENMAX = 400 eV" in said(encut_eV=40)
        assert "family: pymatgen knows no POTCARs called PBE54; it knows PBE, PBE_52" in said(family="PBE54")
        lay(world.home, "PBE_54", "C", "text")
        assert "potentials: " in said()

    @pytest.mark.parametrize(
        ("asked", "says"),
        [
            ({"kpoints": None}, "give one of kpoints"),
            ({"kspacing_per_A": 0.3}, "give one of kpoints"),
            ({"incar": {"encut": 500}}, "ENCUT follows from the other settings"),
            ({"incar": {"ISPIN": 2}}, "ISPIN follows"),
            ({"parallel": {"ALGO": 1}}, "ALGO is no tag of parallelism"),
            ({"functional": "PBR"}, "did you mean"),
            ({"potentials": {"C": "../C"}}, "symbol"),
            ({"digests": {"C": "12"}}, "digests"),
            ({"command": " "}, "no command"),
        ],
        ids=["no-k", "two-k", "encut", "spin", "parallel", "functional", "symbol", "digest", "blank"],
    )
    def test_settings_that_contradict_each_other_are_refused(self, asked, says):
        with pytest.raises(ValidationError, match=says):
            settings(**asked)
