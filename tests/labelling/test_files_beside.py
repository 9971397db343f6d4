"""Labels that are told by two files together: XDATCAR and OSZICAR, cc4s.out.yaml and its Hartree-Fock."""

from __future__ import annotations

import hashlib
import lzma
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from program_outputs import hartree_fock, oszicar, outcar, vasprun, xdatcar

from flows.labelling.gathering import Gathering
from flows.labelling.label_set import label_set_key
from flows.labelling.published.formats import FORMATS, format_of
from flows.labelling.published.oszicar import energies
from flows.labelling.published.reading import read_published
from flows.labelling.settings import Expectations, FileBeside, MatchingSettings, PublishedFile

PUBLISHED = yaml.safe_load((Path(__file__).parent / "outputs" / "cc4s_published.yaml").read_text())
HF_EV = -116.426066


def frames_of(count: int, a: float = 3.6) -> list:
    found = []
    for seed in range(count):
        atoms = bulk("CuAu", "rocksalt", a=a, cubic=True)
        atoms = atoms[np.argsort(atoms.numbers)]
        atoms.rattle(0.05, seed=seed)
        atoms.calc = EMT()
        atoms.calc = SinglePointCalculator(atoms, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
        found.append(atoms)
    return found


def published(content: str, beside: dict[str, str | bytes], **about):
    texts = {role: one if isinstance(one, bytes) else one.encode() for role, one in beside.items()}
    known = {role: FileBeside(name=role.upper(), sha256=hashlib.sha256(one).hexdigest()) for role, one in texts.items()}
    data = content.encode()
    file = PublishedFile(
        **{"name": "file", "sha256": hashlib.sha256(data).hexdigest(), "level": "dft", "format": format_of(data), "beside": known} | about
    )
    return read_published(file, data, Expectations(), texts)


class TestXdatcar:
    @pytest.fixture
    def frames(self) -> list:
        return frames_of(4)

    def energies(self, frames) -> list[float]:
        return [one.get_potential_energy() for one in frames]

    def test_structures_are_those_of_ase_and_pymatgen_and_energies_free(self, frames, tmp_path) -> None:
        from pymatgen.io.vasp.outputs import Oszicar, Xdatcar

        text, beside = xdatcar(frames), oszicar(self.energies(frames), [5, 6, 7, 8], smearing=0.25)
        for name, one in (("XDATCAR", text), ("OSZICAR", beside)):
            (tmp_path / name).write_text(one)
        kept, aside = published(text, {"oszicar": lzma.compress(beside.encode())})
        assert not aside
        theirs, mine = read(tmp_path / "XDATCAR", index=":", format="vasp-xdatcar"), Xdatcar(tmp_path / "XDATCAR").structures
        lines = [one for one in Oszicar(tmp_path / "OSZICAR").ionic_steps if "F" in one]
        for frame, atoms, structure, line in zip(kept, theirs, mine, lines, strict=True):
            np.testing.assert_allclose(frame.positions, atoms.positions, atol=1e-9)
            np.testing.assert_allclose(frame.positions, structure.cart_coords, atol=1e-9)
            assert frame.symbols == tuple(atoms.symbols)
            assert frame.energy_eV == pytest.approx(line["F"], abs=1e-12)
            assert frame.energy_eV == pytest.approx(line["E"] - line["EK"], abs=1e-6)
            assert frame.beside["e_0_energy"] == pytest.approx(0.25, abs=1e-6)
            assert frame.forces is None
        at_zero, _ = published(text, {"oszicar": beside}, energy_key="e_0_energy")
        assert at_zero[0].energy_eV == pytest.approx(lines[0]["E0"])

    def test_cycles_are_those_of_pymatgen(self, frames, tmp_path) -> None:
        from pymatgen.io.vasp.outputs import Oszicar

        text = oszicar(self.energies(frames), [5, 60, 1, 8], md=False)
        (tmp_path / "OSZICAR").write_text(text)
        assert [one.cycles for one in energies(text)] == [len(one) for one in Oszicar(tmp_path / "OSZICAR").electronic_steps]

    @pytest.mark.parametrize(
        ("cycles", "incar", "lost"),
        [
            ([5, 60, 6, 7], None, {1: "all 60 cycles"}),  # the default of VASP
            ([5, 60, 6, 80], None, {3: "all 80 cycles"}),
            ([5, 60, 6, 40], "ALGO = Normal ; nelm = 40\n# NELM = 5", {1: "all 40 cycles", 3: "all 40 cycles"}),
            ([5, 60, 6, 40], "NELM=200", {}),
            ([5, 0, 6, 40], None, {1: "no electronic step"}),
        ],
    )
    def test_steps_whose_electrons_did_not_converge(self, frames, cycles, incar, lost) -> None:
        beside = {"oszicar": oszicar(self.energies(frames), cycles)} | ({} if incar is None else {"incar": incar})
        kept, aside = published(xdatcar(frames), beside)
        assert len(kept) == len(frames) - len(lost)
        assert {one.frame for one in aside} == set(lost)
        assert all(lost[one.frame] in one.reason for one in aside)

    def test_every_tenth_configuration_has_the_energy_of_its_step(self, frames) -> None:
        found = list(np.linspace(-10.0, -14.0, 41))
        kept, aside = published(xdatcar(frames, [10, 20, 30, 40]), {"oszicar": oszicar(found, [5] * 41)})
        assert not aside
        assert [one.energy_eV for one in kept] == pytest.approx([found[9], found[19], found[29], found[39]])

    @pytest.mark.parametrize("steps", [8, 9, 40])
    def test_fewer_configurations_that_are_counted_by_one_are_refused(self, frames, steps) -> None:
        """With NBLOCK = 2 and numbers of its own, the second would be that of the fourth step."""
        kept, aside = published(xdatcar(frames), {"oszicar": oszicar([-1.0] * steps, [5] * steps)})
        assert not kept
        (reason,) = [one.reason for one in aside]
        assert f"4 configurations and OSZICAR the energies of {steps} steps" in reason
        assert "give the vasprun.xml or the OUTCAR" in reason

    def test_a_run_that_was_killed_keeps_what_both_have(self, frames) -> None:
        found = self.energies(frames)
        longer, none = published(xdatcar(frames), {"oszicar": oszicar([*found, -1.0, -1.0], [5] * 6)})
        assert ([one.energy_eV for one in longer], none) == (pytest.approx(found, abs=1e-6), [])
        kept, aside = published(xdatcar(frames), {"oszicar": oszicar(found[:3], [5] * 3)})
        assert len(kept) == 3
        assert [(one.frame, one.reason) for one in aside] == [(3, "OSZICAR has no energy of its step: it ends before")]
        text = xdatcar(frames)
        kept, aside = published(text[: text.rindex("0.")], {"oszicar": oszicar(found, [5] * 4)})
        assert [one.index for one in kept] == [0, 1, 2]
        assert "ends there, or is damaged" in aside[0].reason

    def test_runs_one_behind_another(self, frames) -> None:
        found = self.energies(frames)
        both = oszicar(found[:2], [5, 5]) + oszicar(found[2:], [5, 5])
        kept, aside = published(xdatcar(frames, [1, 2, 1, 2]), {"oszicar": both})
        assert ([one.energy_eV for one in kept], aside) == (pytest.approx(found, abs=1e-6), [])
        kept, aside = published(xdatcar(frames, [1, 2, 1, 2]), {"oszicar": oszicar(found, [5] * 4)})
        assert not kept
        assert "a run that was continued" in aside[0].reason

    def test_where_the_cell_moves_it_is_read_anew(self, frames) -> None:
        moved = frames[1]
        moved.set_cell(1.01 * moved.cell, scale_atoms=True)
        text = xdatcar(frames, head_each=True)
        kept, aside = published(text, {"oszicar": oszicar([-1.0, -2.0, -3.0, -4.0], [5] * 4)})
        assert [one.index for one in kept] == [0, 2, 3]
        assert "its cell moved by 0.036 Å" in aside[0].reason
        row = text.split("\n")[10]
        kept, aside = published(text.replace(row + "\n", ""), {"oszicar": oszicar([-1.0, -2.0, -3.0, -4.0], [5] * 4)})
        assert [one.index for one in kept] == [2, 3]  # whose cell is that of the first, which is damaged
        assert "readable positions" in aside[0].reason
        assert "its cell moved by 0.036 Å" in aside[1].reason

    def test_numbers_that_are_none(self, frames) -> None:
        text = oszicar([-11.0, -12.0, -13.0, -14.0], [5] * 4).replace("F= -1.30000000E+01", "F= **************")
        kept, aside = published(xdatcar(frames), {"oszicar": text})
        assert [one.index for one in kept] == [0, 1, 3]
        assert "OSZICAR says F= ************** of step 3" in aside[0].reason

    def test_alone_it_says_what_is_missing(self, frames) -> None:
        kept, aside = published(xdatcar(frames), {})
        assert not kept
        assert "no OSZICAR of the same run lies beside it" in aside[0].reason

    @pytest.mark.parametrize("scale", ["2.5", "-64.0"])
    def test_lengths_are_scaled_as_pymatgen_scales_them(self, frames, tmp_path, scale) -> None:
        from pymatgen.io.vasp.outputs import Xdatcar

        text = xdatcar(frames).replace("\n           1\n", f"\n  {scale}\n", 1)
        (tmp_path / "XDATCAR").write_text(text)
        kept, _ = published(text, {"oszicar": oszicar(self.energies(frames), [5] * 4)})
        for frame, structure in zip(kept, Xdatcar(tmp_path / "XDATCAR").structures, strict=True):
            np.testing.assert_allclose(frame.cell, structure.lattice.matrix, atol=1e-9)
            np.testing.assert_allclose(frame.positions, structure.cart_coords, atol=1e-9)

    def test_vasp_4_has_no_elements(self, frames) -> None:
        lines = xdatcar(frames[:1]).split("\n")
        kept, aside = published("\n".join(lines[:5] + lines[6:]), {"oszicar": oszicar([-1.0], [5])})
        assert not kept
        assert "it needs the elements" in aside[0].reason


class TestCc4s:
    @pytest.fixture
    def frame(self):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
        atoms.rattle(0.03, seed=3)
        atoms.calc = SinglePointCalculator(atoms, energy=HF_EV, forces=np.zeros((4, 3)))
        return atoms

    def document(self, *without: int, name: str = "rbn-tutorial", **ccsd) -> str:
        document = yaml.safe_load(yaml.safe_dump(PUBLISHED[name]["document"]))
        for one in without:
            document["steps"].pop(one)
        if ccsd:
            document["steps"][5]["out"].update(ccsd)
        return yaml.safe_dump(document)

    @pytest.mark.parametrize("write", [lambda one: outcar([one], [True]), lambda one: vasprun([one], [9])])
    def test_the_sum_of_the_manual_with_the_structure_of_hartree_fock(self, frame, write) -> None:
        (found,), aside = published(self.document(), {"hf": hartree_fock(write(frame))}, level="ccsd(t)", energy_key="ccsd(t)")
        assert not aside
        assert f"{found.energy_eV:.6f}" == PUBLISHED["rbn-tutorial"]["ccsd(t)"]
        np.testing.assert_allclose(found.positions, frame.positions, atol=1e-5)
        assert found.parts == ("hf", "ccsd", "(t)", "basis_set_mp2", "basis_set_ppl", "finite_size")

    @pytest.mark.parametrize(
        ("level", "expected"),
        [
            ("hf", HF_EV),
            ("mp2", HF_EV - 24.360504309639897 - 6.5011876290189505),
            ("ccsd", HF_EV - 25.445624886202758 - 5.2998024502064709 - 1.1152868080903175),
        ],
    )
    def test_levels_of_one_file(self, frame, level, expected) -> None:
        beside = {"hf": hartree_fock(vasprun([frame], [9]))}
        ((found,), _) = published(self.document(), beside, level="mine", energy_key=level)
        assert found.energy_eV == pytest.approx(expected, abs=1e-8)
        unconverged = self.document(convergenceReached=0)
        kept, aside = published(unconverged, beside, level=level, energy_key=level)
        assert bool(kept) == (level != "ccsd")
        assert "ccsd" not in level or "it has no ccsd: CCSD did not converge (convergenceReached is 0)" in aside[0].reason

    def test_what_is_missing_or_bad_is_said(self, frame) -> None:
        good = vasprun([frame], [9])
        for beside, said in (
            ({}, "no vasprun.xml or OUTCAR of its Hartree-Fock is there (looked in its own folder, ../0b-mesh-hf, ../2-hf)"),
            ({"hf": good}, "not of Hartree-Fock (LHFCALC = T, AEXX = 1)"),
            ({"hf": hartree_fock(good, aexx=0.25)}, "not of Hartree-Fock"),
            ({"hf": hartree_fock(outcar([frame], [True]), exact="F")}, "not of Hartree-Fock"),
            ({"hf": hartree_fock(vasprun([frame], [60]))}, "all NELM = 60 cycles are used up"),
            ({"hf": hartree_fock(outcar([frame], [False]))}, "the OUTCAR beside it: its electrons did not converge"),
            ({"hf": hartree_fock(vasprun([frame] * 2, [9, 9]))}, "it has 2 steps"),
            ({"hf": hartree_fock(vasprun([frame], [9], smearing=0.01))}, "partly filled: smearing changes the energy by 0.01 eV"),
        ):
            kept, aside = published(self.document(), beside, energy_key="mp2")
            assert not kept
            assert said in aside[0].reason
        beside = {"hf": hartree_fock(good)}
        for text, said in (
            (self.document(5), "cc4s.out.yaml has no CoupledCluster that ended"),
            (self.document(6), "it has no ccsd(t): cc4s.out.yaml has no PerturbativeTriples that ended"),
            (self.document()[:700], "cc4s.out.yaml"),
        ):
            kept, aside = published(text, beside, energy_key="ccsd(t)")
            assert not kept
            assert said in aside[0].reason

    def test_one_without_the_corrections_of_the_others_is_set_aside(self, frame) -> None:
        """A run that was killed before its last correction has an energy, and not that of the others."""
        gathering = Gathering("ccsd(t)", MatchingSettings())
        for seed, without in enumerate(((), (14,), ())):
            frame.rattle(0.01, seed=seed)
            frame.calc = SinglePointCalculator(frame, energy=HF_EV, forces=np.zeros((4, 3)))
            texts = [one.encode() for one in (self.document(*without), hartree_fock(vasprun([frame], [9])))]
            data, hf = (hashlib.sha256(one).hexdigest() for one in texts)
            file = PublishedFile(
                name=f"{seed}/cc4s.out.yaml",
                sha256=data,
                level="ccsd(t)",
                energy_key="ccsd(t)",
                format="cc4s",
                beside={"hf": FileBeside(name="vasprun.xml", sha256=hf)},
            )
            gathering.add(file, {data: texts[0], hf: texts[1]}, Expectations())
        gathering.unify(None)
        assert [one.file for one in gathering.frames["ccsd(t)"]] == ["0/cc4s.out.yaml", "2/cc4s.out.yaml"]
        (aside,) = gathering.aside
        assert aside.file == "1/cc4s.out.yaml"
        assert aside.reason.endswith("of most of this level hf + ccsd + (t) + basis_set_mp2 + basis_set_ppl + finite_size")
        assert "energies are hf + ccsd + (t)" in gathering.warnings["ccsd(t)"][0]


def test_what_lies_beside_is_in_the_key_by_what_it_holds() -> None:
    file = PublishedFile(name="XDATCAR", sha256="a", level="dft", format="xdatcar")
    keys = {
        label_set_key([file.model_copy(update={"beside": beside})], Expectations(), MatchingSettings())
        for beside in ({}, {"oszicar": FileBeside(name="OSZICAR", sha256="b")}, {"oszicar": FileBeside(name="x", sha256="b")})
    }
    assert len(keys) == 2
    assert label_set_key([file], Expectations(), MatchingSettings()) in keys


@pytest.mark.parametrize(
    ("kind", "name", "folder", "first"),
    [
        ("xdatcar", "XDATCAR", None, ["./OSZICAR", "./OSZICAR.gz"]),
        ("xdatcar", "XDATCAR-2.gz", None, ["./OSZICAR-2", "./OSZICAR-2.gz"]),
        ("xdatcar", "run.xdatcar", "../other", ["../other/run.oszicar", "../other/run.oszicar.gz"]),
        ("cc4s", "cc4s.out.yaml", None, ["./vasprun.xml", "./vasprun.xml.gz"]),
        ("cc4s", "cc4s.out.yaml", "../hf", ["../hf/vasprun.xml", "../hf/vasprun.xml.gz"]),
    ],
)
def test_where_it_is_looked_for(kind: str, name: str, folder: str | None, first: list[str]) -> None:
    found = list(FORMATS[kind].companions[0].candidates(name, folder))
    assert found[:2] == first
    assert folder is None or all(one.startswith(f"{folder}/") for one in found)
