"""Born charges by `ph.x`: real AlAs against runs by hand; inputs, keys and failures, by programs that stand in."""

from __future__ import annotations

import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.units import Bohr
from pydantic import ValidationError
from test_engine_espresso import HEADER, LEVELS, leaves

from flows.labelling.computed import computed_label_key
from flows.labelling.engines.espresso.response import INPUT, OUTPUT
from flows.labelling.engines.espresso.run import INPUT as PW_INPUT
from flows.labelling.engines.espresso.settings import EspressoSettings
from flows.labelling.engines.guarded import Guarded
from flows.labelling.engines.protocol import BORN, Computed
from flows.phonons.nac_espresso import read_born_ph
from flows.records import Failure

PSEUDO = Path("/usr/share/espresso/pseudo")
OUTPUTS = Path(__file__).parents[1] / "phonons" / "outputs"
VALENCE = {"Al": 3, "As": 5}
real = pytest.mark.skipif(
    any(shutil.which(one) is None for one in ("pw.x", "ph.x")) or not (PSEUDO / "As.pz-bhs.UPF").exists(),
    reason="apt-get install -y --no-install-recommends quantum-espresso quantum-espresso-data",
)


def alas() -> Atoms:
    return bulk("AlAs", "zincblende", a=10.6 * Bohr)


def settings(folder: Path, **more: object) -> EspressoSettings:
    """With heads of pseudopotentials alone."""
    for symbol, valence in VALENCE.items():
        (folder / f"{symbol}.UPF").write_text(HEADER.format(element=symbol, kind="NC", valence=valence))
    pseudos = {symbol: str(folder / f"{symbol}.UPF") for symbol in VALENCE}
    asked = {"pseudopotentials": pseudos, "functional": "LDA", "ecutwfc_Ry": 12, "kpoints": [2, 2, 2]}
    return EspressoSettings.model_validate({**asked, **more})


def found(engine: EspressoSettings) -> Computed | Failure:
    ((level, result),) = engine.compute(alas(), {BORN: False})
    assert level == BORN
    return result


@real
@pytest.mark.slow
class TestReal:
    @pytest.fixture
    def engine(self) -> EspressoSettings:
        pseudos = {"Al": str(PSEUDO / "Al.pz-vbc.UPF"), "As": str(PSEUDO / "As.pz-bhs.UPF")}
        asked = {"pseudopotentials": pseudos, "functional": "LDA", "ecutwfc_Ry": 10, "kpoints": [4, 4, 4], "kpoints_shift": [1, 1, 1]}
        return EspressoSettings.model_validate({**asked, "namelists": {"inputph": {"tr2_ph": 1e-18}}, "conv_thr_Ry": 1e-12})

    def by_hand(self, folder: Path, ibrav: str, cell: str) -> str:
        pw = f"""&control
 calculation='scf', outdir='.', prefix='alas', pseudo_dir='{PSEUDO}/'
/
&system
 {ibrav}, nat=2, ntyp=2, ecutwfc=10.0
/
&electrons
 conv_thr=1e-12
/
ATOMIC_SPECIES
 Al 26.98 Al.pz-vbc.UPF
 As 74.92 As.pz-bhs.UPF
K_POINTS automatic
 4 4 4 1 1 1
{cell}
"""
        ph = "AlAs\n&inputph\n outdir='.', prefix='alas', tr2_ph=1e-18, epsil=.true., trans=.false.\n/\n0 0 0\n"
        said = ""
        for program, text in (("pw.x", pw), ("ph.x", ph)):
            (folder / f"{program}.in").write_text(text)
            said = subprocess.run([program, "-in", f"{program}.in"], cwd=folder, capture_output=True, text=True, check=True).stdout
        return said

    def test_alas_has_the_charges_of_a_run_by_hand(self, engine, tmp_path):
        """Charges to all five printed digits, the tensor to seven of eleven: what `ph.x` itself repeats with other mixing."""
        half = 5.3 * Bohr
        rows = [(0, half, half), (half, 0, half), (half, half, 0)]
        cell = "CELL_PARAMETERS angstrom\n" + "\n".join(" ".join(f"{x:.14f}" for x in row) for row in rows)
        cell += "\nATOMIC_POSITIONS crystal\n Al 0 0 0\n As 0.25 0.25 0.25\n"
        charges, tensor = read_born_ph(self.by_hand(tmp_path, "ibrav=0, nbnd=8", cell), alas(), "by hand")
        with Guarded(engine) as guarded:
            ours = guarded.compute(alas(), {BORN: False})[BORN]
        assert isinstance(ours, Computed), ours
        np.testing.assert_allclose(ours.born_charges, charges, atol=1.01e-5)
        np.testing.assert_allclose(ours.dielectric, tensor, atol=1e-6)
        assert ours.diagnostics["gap_eV"] > 1
        assert ours.versions["ph.x"][0].isdigit()

    def test_as_many_empty_bands_and_other_vectors_are_the_same_crystal(self, engine, tmp_path):
        cell = "ATOMIC_POSITIONS alat\n Al 0 0 0\n As 0.25 0.25 0.25\n"
        charges, tensor = read_born_ph(self.by_hand(tmp_path, "ibrav=2, celldm(1)=10.6", cell), alas(), "by hand")
        ours = found(engine)
        assert isinstance(ours, Computed), ours
        np.testing.assert_allclose(ours.born_charges, charges, atol=1e-3)
        np.testing.assert_allclose(ours.dielectric, tensor, atol=1e-3)
        assert np.abs(np.sum(ours.born_charges, axis=0)).max() < 0.1  # of a mesh so coarse

    def test_what_does_not_converge_says_so(self, engine):
        failure = found(engine.model_copy(update={"namelists": {"inputph": {"niter_ph": 2}}}))
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.level) == ("unconverged", BORN)
        assert "niter_ph" in failure.advice

    def test_what_it_refuses_is_said_in_its_own_words(self, engine):
        failure = found(engine.model_copy(update={"namelists": {"inputph": {"asr": True, "nmix_ph": 99}}}))
        assert isinstance(failure, Failure)
        assert failure.kind == "crashed"
        assert "nmix_ph" in failure.message


class TestInputs:
    def test_ph_goes_on_from_a_run_with_symmetry(self, tmp_path):
        engine = settings(tmp_path, namelists={"electrons": {"mixing_beta": 0.4}, "inputph": {"alpha_mix(1)": 0.3}})
        inputs = engine.input_files(alas(), [BORN])
        assert set(inputs) == {PW_INPUT, INPUT, "Al.UPF", "As.UPF"}
        lines = {line.strip() for line in inputs[INPUT].splitlines()}
        assert "&INPUTPH" in lines
        said = {key.strip(): value.strip() for key, _, value in (one.partition("=") for one in lines if "=" in one)}
        expected = {"prefix": "'pwscf'", "outdir": "'.'", "epsil": ".true.", "trans": ".false.", "tr2_ph": "1e-16", "alpha_mix(1)": "0.3"}
        assert said == expected
        assert "nosym            = .false." in inputs[PW_INPUT]
        assert "nbnd             = 8\n" in inputs[PW_INPUT]
        assert "alpha_mix" not in inputs[PW_INPUT]
        label = engine.input_files(alas(), ["dft"])
        assert INPUT not in label
        assert "nosym            = .true." in label[PW_INPUT]

    def test_gamma_has_no_real_orbitals(self, tmp_path):
        assert "K_POINTS automatic\n1 1 1" in settings(tmp_path, kpoints=[1, 1, 1]).input_files(alas(), [BORN])[PW_INPUT]

    def test_keys_have_what_decides_numbers(self, tmp_path):
        before = settings(tmp_path)
        mixing, programs = settings(tmp_path, namelists={"inputph": {"tr2_ph": 1e-12}}), settings(tmp_path, ph_command="mpirun ph.x", command="srun pw.x")
        assert [one.identity_of(BORN, False) == before.identity_of(BORN, False) for one in (mixing, programs)] == [False, True]
        labels = {computed_label_key("structure", "dft", one, True) for one in (before, mixing, programs)}
        assert len(labels) == 1  # a label has nothing to do with ph.x

    @pytest.mark.parametrize(
        ("more", "says"),
        [
            ({"smearing": "gaussian", "degauss_Ry": 0.01}, "smearing: Born charges"),
            ({"command": "bash run-it.sh"}, "ph_command: command = bash run-it.sh names no pw.x"),
            ({"namelists": {"inputph": {"nitre_ph": 9}}}, "namelists: ph.x has no nitre_ph in inputph; did you mean niter_ph"),
        ],
        ids=["smearing", "command", "key"],
    )
    def test_troubles_are_said_beforehand(self, tmp_path, more, says):
        engine = settings(tmp_path, **more)
        assert says in "; ".join(f"{key}: {why}" for key, why in engine.troubles(alas(), {BORN: False}))
        failure = found(engine)
        assert isinstance(failure, Failure)
        assert failure.kind == "bad-input"

    def test_labels_may_have_smearing_and_any_command(self, tmp_path):
        engine = settings(tmp_path, smearing="gaussian", degauss_Ry=0.01, command="bash run-it.sh")
        assert engine.troubles(alas(), {"dft": True}) == ()

    def test_what_makes_charges_of_it_is_not_to_be_changed(self, tmp_path):
        with pytest.raises(ValidationError, match="epsil of inputph follows"):
            settings(tmp_path, namelists={"inputph": {"epsil": False}})


class TestFailures:
    """Shell scripts in place of `pw.x` and `ph.x`."""

    @pytest.fixture
    def standing_in(self, tmp_path) -> Callable[..., EspressoSettings]:
        def made(ph: str | None, pw: str = leaves(), **more: object) -> EspressoSettings:
            folder = tmp_path / "bin"
            folder.mkdir(exist_ok=True)
            for name, script in (("pw.x", pw), ("ph.x", ph)):
                if script is not None:
                    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
                    (folder / name).chmod(stat.S_IRWXU)
            return settings(tmp_path, command=str(folder / "pw.x"), **more)

        return made

    def test_what_ph_prints_is_read(self, standing_in):
        result = found(standing_in(f"test -f {INPUT} && test -f {PW_INPUT} && cat {OUTPUTS / 'ph_alas.out'}"))
        assert isinstance(result, Computed), result
        np.testing.assert_allclose(result.born_charges, [2.14355 * np.eye(3), -2.19366 * np.eye(3)], atol=1e-5)
        np.testing.assert_allclose(result.dielectric, 9.46517051 * np.eye(3), atol=1e-5)
        assert result.versions == {"ph.x": "6.7MaX"}

    @pytest.mark.parametrize(
        ("ph", "kind", "says"),
        [
            (f"cat {OUTPUTS / 'ph_unconverged.out'}; exit 1", "unconverged", "the response to the electric field did not converge"),
            (f"cat {OUTPUTS / 'ph_metal.out'}", "garbage", "ph.x stopped in"),
            ("printf '%%%%\\n task # 0\\n from phq_readin : error # 1\\n no elec. field with metals\\n%%%%\\n' > CRASH; exit 1", "crashed",
             "ph.x stopped: from phq_readin : error # 1; no elec. field with metals"),
            ("kill -9 $$", "killed", "ph.x was ended by SIGKILL"),
            ("echo 'no library' >&2; exit 127", "crashed", "exit code 127: no library"),
            (f"head -n 60 {OUTPUTS / 'ph_alas.out'}", "garbage", f"{OUTPUT} cannot be read, the run is not finished"),
            ("echo all is well", "garbage", OUTPUT),
        ],
        ids=["unconverged", "metal", "crash-file", "killed", "no-library", "cut-off", "silent"],
    )  # fmt: skip
    def test_each_is_one_failure_with_its_reason(self, standing_in, ph, kind, says):
        failure = found(standing_in(ph))
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.level) == (kind, BORN)
        assert says in failure.message
        assert failure.advice

    def test_pw_fails_as_for_a_label(self, standing_in):
        failure = found(standing_in("exit 0", pw="exit 2"))
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.level) == ("unconverged", BORN)

    def test_without_a_gap_ph_is_not_begun(self, standing_in):
        overlap = leaves().replace("<total_energy>", f"{LEVELS}<total_energy>")
        failure = found(standing_in("exit 9", pw=overlap))
        assert isinstance(failure, Failure)
        assert failure.kind == "no-gap"
        assert "leave nac out" in failure.advice

    def test_a_missing_ph_is_named_before_and_when_it_runs(self, standing_in, tmp_path):
        engine = standing_in(None)
        assert engine.lacking({"dft"}) == ()
        ((key, why),) = engine.lacking({BORN})
        assert key == "command"
        assert f"{tmp_path}/bin/ph.x is not on this machine" in why
        failure = found(engine)
        assert isinstance(failure, Failure)
        assert failure.kind == "no-program"

    def test_it_ends_with_its_child(self, standing_in, tmp_path):
        """At its time limit, as one that hangs, with nothing left."""
        engine = standing_in(f"echo $$ > {tmp_path}/pid; exec sleep 600", time_limit_s=8, scratch=str(tmp_path))
        with Guarded(engine) as guarded:
            failure = guarded.compute(alas(), {BORN: False})[BORN]
        assert isinstance(failure, Failure)
        assert failure.kind == "time-limit"
        number = int((tmp_path / "pid").read_text())
        stat_file = Path(f"/proc/{number}/stat")
        assert not stat_file.exists() or stat_file.read_text().rpartition(")")[2].split()[0] == "Z"
