"""Quantum ESPRESSO: real `pw.x` against itself and ASE's reader; what goes wrong, by programs that stand in for it."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from pydantic import ValidationError

from flows.labelling.computed import computed_label_key
from flows.labelling.engines.espresso.potentials import read_header
from flows.labelling.engines.espresso.run import INPUT
from flows.labelling.engines.espresso.settings import EspressoSettings
from flows.labelling.engines.given_files import GivenFile
from flows.labelling.engines.guarded import Guarded

PSEUDO = Path("/usr/share/espresso/pseudo")
SILICON = PSEUDO / "Si.pz-vbc.UPF"
real = pytest.mark.skipif(
    shutil.which("pw.x") is None or not SILICON.exists(),
    reason="apt-get install -y --no-install-recommends quantum-espresso quantum-espresso-data",
)

HEADER = """<UPF version="2.0.1"><PP_HEADER element="{element} " pseudo_type="{kind}" functional=" SLA  PZ   NOGX NOGC"
 z_valence="{valence}"/></UPF>"""


def upf(path: Path, element: str = "Si", kind: str = "NC", valence: str = "4.000000000000e0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER.format(element=element, kind=kind, valence=valence))
    return path


def settings(pseudo: Path = SILICON, **more: object) -> EspressoSettings:
    asked = {"pseudopotentials": {"Si": str(pseudo)}, "functional": "LDA", "ecutwfc_Ry": 12, "kpoints": [1, 1, 1]}
    return EspressoSettings.model_validate({**asked, **more})


def moved(seed: int = 1, cubic: bool = False):
    atoms = bulk("Si", a=5.43, cubic=cubic)
    atoms.rattle(0.05, seed=seed)
    return atoms


def insulating():
    """Its gap at 2 x 2 x 2 k-points is 0.1 eV; that of `moved` is closed there."""
    atoms = bulk("Si", a=5.43)
    atoms.positions[1] += [0.03, -0.02, 0.05]
    return atoms


def found(engine, atoms, forces=True):
    ((_, result),) = engine.compute(atoms, {"dft": forces})
    return result


@real
class TestNumbers:
    def test_forces_are_differences_of_the_energy(self):
        engine, atoms, step = settings(kpoints=[2, 2, 2]), insulating(), 0.02
        forces = found(engine, atoms).forces_eV_A

        def energy(shift: float) -> float:
            other = atoms.copy()
            other.positions[1, 0] += shift
            return found(engine, other, forces=False).energy_eV

        slope = (energy(step) - energy(-step)) / (2 * step)
        assert abs(forces[1, 0]) > 0.1
        assert forces[1, 0] == pytest.approx(-slope, abs=2e-3)
        assert np.abs(forces.sum(axis=0)).max() < 1e-4

    def test_a_spacing_is_a_mesh(self):
        atoms = insulating()
        assert settings(kpoints=None, kspacing_per_A=1.1).mesh_of(atoms) == (2, 2, 2)
        by_spacing, by_mesh = (found(one, atoms) for one in (settings(kpoints=None, kspacing_per_A=1.1), settings(kpoints=[2, 2, 2])))
        assert by_spacing.energy_eV == by_mesh.energy_eV

    @pytest.mark.parametrize("smearing", [None, "marzari-vanderbilt"])
    def test_numbers_are_those_that_ase_reads_from_the_text(self, tmp_path, smearing):
        from ase.io import read

        engine = settings(smearing=smearing, degauss_Ry=0.05 if smearing else None)
        atoms = moved()
        (tmp_path / INPUT).write_text(engine.input_files(atoms, ["dft"])[INPUT])
        shutil.copy(SILICON, tmp_path / "Si.UPF")
        with (tmp_path / "espresso.pwo").open("w") as out:
            subprocess.run(["pw.x", "-in", INPUT], cwd=tmp_path, stdout=out, check=True)
        text, ours = read(tmp_path / "espresso.pwo"), found(engine, atoms)
        theirs = units.create_units("2006")  # the constants of ASE's reader
        assert ours.energy_eV / units.Rydberg == pytest.approx(text.get_potential_energy() / theirs["Rydberg"], abs=1e-8)
        assert ours.forces_eV_A == pytest.approx(text.get_forces(), abs=2e-6)

    @pytest.mark.slow
    def test_k_points_are_a_supercell_at_gamma(self):
        """Bloch's theorem: 2 × 2 × 2 k-points of a cell are Γ, with real orbitals, of the 2 × 2 × 2 supercell."""
        primitive = bulk("C", a=3.567)
        primitive.positions[1] += (0.02, -0.01, 0.03)
        carbon = {"pseudopotentials": {"C": str(PSEUDO / "C.pbe-mt_gipaw.UPF")}, "functional": "PBE", "ecutwfc_Ry": 40}
        by_mesh = found(settings(**carbon, kpoints=[2, 2, 2]), primitive)
        by_size = found(settings(**carbon, kpoints=[1, 1, 1]), primitive * (2, 2, 2))
        assert by_size.energy_eV / 16 == pytest.approx(by_mesh.energy_eV / 2, abs=1e-5)
        assert np.abs(by_mesh.forces_eV_A).max() > 1
        np.testing.assert_allclose(by_size.forces_eV_A, np.tile(by_mesh.forces_eV_A, (8, 1)), atol=1e-3)

    def test_bands_that_overlap_are_no_closed_shells(self):
        """Γ of its supercell fills other bands, and is lower by 0.08 eV per atom."""
        failure = found(settings(kpoints=[2, 2, 2]), moved())
        assert failure.kind == "no-gap"
        assert "0.86 eV above" in failure.message
        assert "smearing" in failure.advice
        smeared = found(settings(kpoints=[2, 2, 2], smearing="gaussian", degauss_Ry=0.01), moved())
        assert "gap_eV" not in smeared.diagnostics

    def test_the_gap_is_said(self):
        assert 0.05 < found(settings(kpoints=[2, 2, 2]), insulating()).diagnostics["gap_eV"] < 0.2

    def test_bands_of_ones_own_are_taken(self):
        engine = settings(namelists={"system": {"nbnd": 4}})
        assert "gap_eV" not in found(engine, moved()).diagnostics
        assert "nbnd             = 4\n" in engine.input_files(moved(), ["dft"])[INPUT]

    def test_too_few_cycles_are_unconverged(self):
        failure = found(settings(max_scf_cycles=2), moved())
        assert (failure.kind, failure.level) == ("unconverged", "dft")
        assert "2 cycles" in failure.message

    def test_what_it_refuses_is_said_in_its_own_words(self):
        failure = found(settings(namelists={"electrons": {"mixing_mode": "nonsense"}}), moved())
        assert failure.kind == "crashed"
        assert "mixing" in failure.message

    def test_it_says_its_version(self):
        assert settings().versions()["pw.x"][0].isdigit()


class TestKeys:
    def key(self, engine: EspressoSettings) -> str:
        return computed_label_key("structure", "dft", engine, True)

    def test_content_counts_and_paths_do_not(self, tmp_path):
        one, same, other = upf(tmp_path / "a/Si.UPF"), upf(tmp_path / "b/other.upf"), upf(tmp_path / "c/Si.UPF", valence="14")
        assert self.key(settings(one)) == self.key(settings(same)) != self.key(settings(other))

    def test_what_decides_no_number_is_in_no_key(self, tmp_path):
        pseudo = upf(tmp_path / "Si.UPF")
        before = self.key(settings(pseudo))
        alike = [{"command": "srun pw.x"}, {"scratch": "/scratch"}, {"max_scf_cycles": 7}, {"time_limit_s": 5}, {"ecutrho_Ry": 48}]
        assert {self.key(settings(pseudo, **one)) for one in alike} == {before}
        others = [
            {"ecutwfc_Ry": 13}, {"ecutrho_Ry": 60}, {"kpoints": [1, 1, 2]}, {"kpoints_shift": [1, 1, 1]}, {"conv_thr_Ry": 1e-9},
            {"kpoints": None, "kspacing_per_A": 2.0}, {"smearing": "gaussian", "degauss_Ry": 0.01},
            {"smearing": "gaussian", "degauss_Ry": 0.02}, {"namelists": {"electrons": {"mixing_beta": 0.3}}},
        ]
        assert len({before, *(self.key(settings(pseudo, **one)) for one in others)}) == 1 + len(others)

    def test_pseudopotentials_of_other_elements_are_left_out(self, tmp_path):
        both = {"Si": str(upf(tmp_path / "Si.UPF")), "C": str(upf(tmp_path / "C.UPF", "C"))}
        engine = settings(pseudopotentials=both).for_elements({"Si"})
        assert self.key(engine) == self.key(settings(tmp_path / "Si.UPF"))

    def test_settings_survive_json(self):
        given = GivenFile(path="Si.UPF", name="Si.UPF", sha256="0" * 64)
        engine = settings(pseudopotentials={"Si": given.model_dump(mode="json")})
        assert EspressoSettings.model_validate(json.loads(engine.model_dump_json())) == engine
        assert engine.given_files() == (("pseudopotentials.Si", given),)


class TestTroubles:
    def said(self, engine: EspressoSettings) -> str:
        return "; ".join(f"{key}: {why}" for key, why in engine.troubles(moved(), {"dft": True}))

    def test_nothing_is_said_of_what_is_right(self, tmp_path):
        assert self.said(settings(upf(tmp_path / "Si.UPF"))) == ""

    def test_each_trouble_is_named(self, tmp_path):
        pseudo = upf(tmp_path / "Si.UPF")
        assert "functional: Si.UPF was made for lda, and the functional is pbe" in self.said(settings(pseudo, functional="PBE"))
        assert "there is none for Si" in self.said(settings(pseudopotentials={"C": str(pseudo)}))
        assert "C.UPF is of C, not of Si" in self.said(settings(upf(tmp_path / "C.UPF", "C")))
        assert "No such file" in self.said(settings(tmp_path / "nothing.UPF"))
        assert "ecutrho_Ry: PAW.UPF is ultrasoft or PAW" in self.said(settings(upf(tmp_path / "PAW.UPF", kind="PAW")))
        assert "did you mean mixing_beta" in self.said(settings(pseudo, namelists={"electrons": {"mixing_bata": 0.3}}))
        (tmp_path / "text.UPF").write_text("no pseudopotential")
        assert "text.UPF is no UPF file" in self.said(settings(tmp_path / "text.UPF"))

    def test_open_shells_need_smearing(self, tmp_path):
        engine = settings(upf(tmp_path / "Si.UPF", valence="3.5"))
        assert "have 7 valence electrons" in self.said(engine)
        assert self.said(settings(tmp_path / "Si.UPF", smearing="gaussian", degauss_Ry=0.01)) == ""

    @pytest.mark.parametrize(
        ("asked", "says"),
        [
            ({"kpoints": None}, "give one of kpoints"),
            ({"kspacing_per_A": 0.3}, "give one of kpoints"),
            ({"smearing": "gaussian"}, "belong together"),
            ({"ecutrho_Ry": 5}, "4 ecutwfc_Ry or more"),
            ({"namelists": {"system": {"NSPIN": 2}}}, "nspin of system follows"),
            ({"namelists": {"ions": {}}}, "no namelist 'ions'"),
            ({"pseudopotentials": {"Si": 3}}, "no name of a file"),
            ({"command": "  "}, "no command"),
        ],
        ids=["no-k", "two-k", "half-smearing", "low-rho", "ours", "ions", "number", "blank"],
    )
    def test_settings_that_contradict_each_other_are_refused(self, asked, says):
        with pytest.raises(ValidationError, match=says):
            settings(**asked)

    @real
    @pytest.mark.parametrize(
        ("name", "element", "functional", "norm_conserving"),
        [
            ("Si.pz-vbc.UPF", "Si", "lda", True),
            ("C.UPF", "C", "lda", True),
            ("C.pbe-mt_gipaw.UPF", "C", "pbe", True),
            ("C.pbe-n-kjpaw_psl.0.1.UPF", "C", "pbe", False),
            ("Si.rel-pbe-rrkj.UPF", "Si", "pbe", True),
            ("Li.pbesol-s-rrkjus_psl.0.2.1.UPF", "Li", "pbesol", False),
            ("H.blyp-vbc.UPF", "H", "blyp", True),
        ],
    )
    def test_heads_of_both_versions_are_read(self, name, element, functional, norm_conserving):
        head = read_header(PSEUDO / name)
        assert (head.element, head.functional, head.norm_conserving) == (element, functional, norm_conserving)
        assert head.valence == {"Si": 4, "C": 4, "H": 1, "Li": 3}[element]


XML = """<espresso><output><convergence_info><scf_conv><convergence_achieved>{converged}</convergence_achieved><n_scf_steps>5</n_scf_steps>
<scf_error>1e-12</scf_error></scf_conv></convergence_info><total_energy><etot>{energy}</etot></total_energy><forces>{forces}</forces></output></espresso>"""
WRITE = "mkdir -p pwscf.save; cat > pwscf.save/data-file-schema.xml <<'X'\n{}\nX"


def leaves(energy: str = "-1.5", forces: str = "0 0 1 0 0 -1", converged: str = "true") -> str:
    return WRITE.format(XML.format(energy=energy, forces=forces, converged=converged))


LEVELS = "<band_structure><highestOccupiedLevel>0.25</highestOccupiedLevel><lowestUnoccupiedLevel>0.23</lowestUnoccupiedLevel></band_structure>"


class TestFailures:
    """Shell scripts in place of `pw.x`."""

    @pytest.fixture
    def standing_in(self, tmp_path):
        def made(script: str, **more: object) -> EspressoSettings:
            program = tmp_path / "bin" / "pw.x"
            program.parent.mkdir(exist_ok=True)
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            return settings(upf(tmp_path / "Si.UPF"), command=str(program), **more)

        return made

    def test_a_good_one_gives_a_label(self, standing_in):
        result = found(standing_in(leaves()), moved())
        assert result.energy_eV == pytest.approx(-1.5 * units.Hartree)
        assert result.forces_eV_A[0, 2] == pytest.approx(units.Hartree / units.Bohr)

    @pytest.mark.parametrize(
        ("script", "kind", "says"),
        [
            ("exit 2", "unconverged", "did not converge in 100 cycles"),
            (leaves(converged="false"), "unconverged", "did not converge"),
            ("printf '%%%%\\n task # 0\\n from cdiaghg : error # 9\\n S matrix not positive\\n%%%%\\n' > CRASH; exit 1", "crashed",
             "from cdiaghg : error # 9; S matrix not positive"),
            ("echo 'cannot open shared object' >&2; exit 127", "crashed", "exit code 127: cannot open shared object"),
            ("kill -9 $$", "killed", "SIGKILL, as when the machine is out of memory"),
            ("exit 137", "killed", "SIGKILL"),
            ("echo all is well", "garbage", "left no data-file-schema.xml"),
            (WRITE.format("<espresso"), "garbage", "cannot be read"),
            (WRITE.format("<espresso><output/></espresso>"), "garbage", "it has no convergence_info"),
            (leaves(energy="NaN"), "garbage", "not finite"),
            (leaves(energy="********"), "garbage", "cannot be read"),
            (leaves(forces="0 0 1"), "garbage", "forces of 1 atoms, and there are 2"),
            (leaves().replace("<total_energy>", f"{LEVELS}<total_energy>"), "no-gap", "0.54 eV above empty ones"),
        ],
        ids=["exit-2", "says-unconverged", "crash-file", "no-library", "killed", "killed-under-mpirun", "silent", "broken-xml",
             "empty-xml", "nan", "stars", "few-forces", "overlap"],
    )  # fmt: skip
    def test_each_is_one_failure_with_its_reason(self, standing_in, script, kind, says):
        failure = found(standing_in(script), moved())
        assert (failure.kind, failure.level) == (kind, "dft")
        assert says in failure.message
        assert failure.advice

    def test_one_that_hangs_ends_at_its_limit(self, standing_in, tmp_path):
        engine = standing_in("exec sleep 600", time_limit_s=5, scratch=str(tmp_path))
        with Guarded(engine) as guarded:
            failure = guarded.compute(moved(), {"dft": True})["dft"]
        assert failure.kind == "time-limit"

    def test_a_missing_program_is_named_before_and_when_it_runs(self, tmp_path):
        engine = settings(upf(tmp_path / "Si.UPF"), command=f"sh {tmp_path}/no/pw.x")
        ((key, why),) = engine.lacking()
        assert key == "command"
        assert f"{tmp_path}/no/pw.x is not on this machine" in why
        failure = found(engine, moved())
        assert failure.kind == "no-program"
        assert "apt-get install quantum-espresso" in failure.advice

    def test_a_missing_copy_of_a_pseudopotential_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setenv("LATTICEFARM_HOME", str(tmp_path))
        given = GivenFile(path="Si.UPF", name="Si.UPF", sha256="0" * 64)
        failure = found(settings(pseudopotentials={"Si": given}, command="true"), moved())
        assert failure.kind == "no-pseudopotential"
        assert "Si.UPF of Si" in failure.message

    def test_a_pseudopotential_of_another_functional_is_refused(self, standing_in):
        failure = found(standing_in(leaves(), functional="pbe"), moved())
        assert failure.kind == "bad-input"
        assert "was made for lda" in failure.message

    def test_a_level_that_it_has_not_is_refused(self, standing_in):
        ((level, failure),) = standing_in(leaves()).compute(moved(), {"hf": False})
        assert (level, failure.kind) == ("hf", "bad-input")

    def test_nothing_is_left_behind(self, standing_in, tmp_path):
        (tmp_path / "scratch").mkdir()
        found(standing_in(leaves(), scratch=str(tmp_path / "scratch")), moved())
        assert not list((tmp_path / "scratch").iterdir())
