"""Cc4s' input and output, and what VASP hands it: published outputs to their last digits, and files that are damaged."""

from __future__ import annotations

import re
import struct
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ase.units import Hartree

from flows.labelling.engines.cc4s.cc4s_input import cc4s_input, cc4s_steps
from flows.labelling.engines.cc4s.cc4s_output import read_correlation
from flows.labelling.engines.cc4s.outcar import read_outcar
from flows.labelling.engines.cc4s.settings import Cc4sSettings
from flows.labelling.engines.cc4s.steps import FNO, MP2, Sizes, all_steps, incar
from flows.labelling.engines.cc4s.totals import parts_eV
from flows.labelling.engines.cc4s.wavefiles import tensor_lengths, wavecar_bands

PUBLISHED = yaml.safe_load((Path(__file__).parent / "outputs" / "cc4s_published.yaml").read_text())


def settings(**more: Any) -> Cc4sSettings:
    return Cc4sSettings.model_validate({"encut_eV": 400, "encutgw_eV": 300, "hf_kpoints": [3, 3, 3], **more})


@pytest.fixture
def published(tmp_path: Path):
    """Reads a published output, changed by a function."""

    def read(name: str, change=lambda _: None):
        document = deepcopy(PUBLISHED[name]["document"])
        change(document)
        path = tmp_path / "cc4s.out.yaml"
        path.write_text(yaml.safe_dump(document))
        return read_correlation(path)

    return read


class TestPublishedOutputs:
    def test_the_total_of_the_manual_to_its_last_digit(self, published):
        found = published("rbn-tutorial")
        parts = parts_eV(settings(), "ccsd(t)", PUBLISHED["rbn-tutorial"]["hf_eV"], found)
        assert f"{sum(parts.values()):.6f}" == PUBLISHED["rbn-tutorial"]["ccsd(t)"]
        # as its table has them
        assert [f"{parts[one]:.6f}" for one in ("hf", "ccsd", "(t)", "finite_size")] == ["-116.426066", "-25.445625", "-0.822531", "-1.115287"]
        assert f"{parts['basis_set_mp2'] + parts['basis_set_ppl']:.6f}" == "-5.299802"

    @pytest.mark.parametrize(
        ("name", "level", "more", "expected"),
        [
            ("rbn-gamma", "mp2", {}, -24.3605043096399 - 6.5011876290189505),
            ("rbn-gamma", "mp2", {"mp2_basis_set_correction": False}, -24.3605043096399),
            ("rbn-gamma", "ccsd", {}, -25.445627726271351 - 5.2998022247169567 - 1.1152877229338642),
            ("rbn-gamma", "ccsd", {"finite_size_correction": False}, -25.445627726271351 - 5.2998022247169567),
            ("rbn-gamma", "ccsd", {"basis_set_correction": False}, -25.445627726271351 - 1.1152877229338642),
            ("rbn-gamma", "ccsd(t)", {}, -25.445627726271351 - 5.2998022247169567 - 1.1152877229338642 - 0.82253065011063076),
            ("rbn-shifted", "ccsd(t)", {}, -24.826002928655051 - 5.4985322836375934 - 0.9054029764325513 - 0.84283581873943847),
        ],
    )
    def test_values_of_vasp_stay_in_its_eV(self, published, name, level, more, expected):
        assert sum(parts_eV(settings(**more), level, 0.0, published(name)).values()) == pytest.approx(expected, abs=1e-12)

    def test_others_are_in_hartree(self, published):
        parts = parts_eV(settings(finite_size_correction=False), "ccsd(t)", 0.0, published("water-fno"))
        expected = -0.28130342836593875 - 0.016542395813125374 - 0.0087270673465142494
        assert sum(parts.values()) / Hartree == pytest.approx(expected, abs=1e-15)

    def test_of_several_methods_ccsd_counts_and_either_triples(self, published):
        found = published("ueg")
        assert found.ccsd_eV / Hartree == pytest.approx(-0.39269658954585018, abs=1e-15)
        assert found.triples_eV / Hartree == pytest.approx(-0.0063019625641725016, abs=1e-16)

    def test_versions_and_times_of_both_layouts(self, published):
        older, later = published("rbn-gamma"), published("rbn-shifted")
        assert (older.version, later.version) == ("heads/develop-0-gae7d6b7", "heads/feature/atrip-complex-0-g2abdd9b-dirty")
        assert (older.seconds["CoupledCluster"], later.seconds["CoupledCluster"]) == (19.984664736, 59.330299330)

    def test_steps_may_be_a_list(self, published):
        def listed(document):
            document["steps"] = [document["steps"][one] for one in sorted(document["steps"])]

        assert published("rbn-gamma", listed) == published("rbn-gamma")

    def test_another_correction_under_the_name_of_triples_is_refused(self, published):
        with pytest.raises(ValueError, match=r"was asked for \(cT\), which is not \(T\)"):
            published("ct")


class TestDamagedOutputs:
    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda d: d["steps"].pop(8), "no CoupledCluster that ended"),
            (lambda d: d.pop("steps"), "no steps"),
            (lambda d: d["steps"][8]["out"].pop("convergenceReached"), "does not say whether it converged"),
            (lambda d: d["steps"][8]["out"]["energy"].pop("unit"), "CoupledCluster has no energy.unit"),
            (lambda d: d["steps"][8]["out"]["energy"].update(correlation="nan"), "energy.correlation = nan"),
            (lambda d: d["steps"][8]["out"]["energy"].update(correlation="*****"), "which is no number"),
            (lambda d: d["steps"][13]["out"]["energy"].update(correction=-5.2), "correction of BasisSetCorrection is -5.2"),
            (lambda d: d["steps"][8]["out"]["energy"].update(correlation=-25.4), "uncorrectedCorrelation of BasisSetCorrection"),
        ],
    )
    def test_each_is_refused_with_its_reason(self, published, change, says):
        with pytest.raises(ValueError, match=re.escape(says)):
            published("rbn-gamma", change)

    def test_unconverged_is_told(self, published):
        assert published("rbn-gamma").converged
        assert not published("rbn-gamma", lambda d: d["steps"][8]["out"].update(convergenceReached=0)).converged

    def test_steps_that_had_not_ended_are_missing(self, published):
        found = published("rbn-gamma", lambda d: [d["steps"].pop(one) for one in (13, 14)])
        assert (found.triples_eV, found.basis_set_mp2_eV) == (None, None)
        with pytest.raises(ValueError, match="no BasisSetCorrection that ended"):
            parts_eV(settings(), "ccsd", 0.0, found)

    @pytest.mark.parametrize("text", ["", "steps: {8: {name: CoupledCluster, out: {energy: {corr", "- 1\n", "\0"])
    def test_what_is_cut_off_or_no_yaml_is_refused(self, tmp_path, text):
        path = tmp_path / "cc4s.out.yaml"
        path.write_text(text)
        with pytest.raises(ValueError, match=r"cc4s\.out\.yaml"):
            read_correlation(path)
        path.unlink()
        with pytest.raises(ValueError, match=r"there is no cc4s\.out\.yaml"):
            read_correlation(path)


class TestInput:
    """As Cc4s' parser takes it: plain words of letters and digits are names of objects, numbers without a point are integers."""

    @pytest.mark.parametrize("level", ["mp2", "ccsd", "ccsd(t)"])
    @pytest.mark.parametrize("more", [{}, {"basis_set_correction": False}, {"finite_size_correction": False}])
    def test_every_object_is_there_before_it_is_used(self, level, more):
        known: set[str] = set()
        for step in yaml.safe_load(cc4s_input(settings(**more), level)):
            assert step.keys() == {"name", "in", "out"}
            objects = {value for key, value in step["in"].items() if isinstance(value, str) and key not in ("fileName", "method")}
            assert objects <= known, step["name"]
            known |= set(step["out"].values())

    def test_what_sums_over_bands_has_no_groups_of_ranks(self):
        """As the manual has it: `NCORE` in all steps but MP2 and natural orbitals. `KPAR` it wants there."""
        asked = settings(parallel={"NCORE": 8, "KPAR": 2})
        for step in all_steps(asked, "ccsd(t)"):
            tags = incar(asked, step.name, None if step.converges else Sizes.of(asked, 1811, 16))
            assert ("NCORE" in tags) == (step.name not in (MP2, FNO))
            assert tags["KPAR"] == 2

    def test_the_steps_are_those_of_the_manual(self):
        names = [step["name"] for step in cc4s_steps(settings(), "ccsd(t)")]
        setting_out = ["Read", "Read", "DefineHolesAndParticles", "SliceOperator", "VertexCoulombIntegrals", "CoupledCluster"]
        assert names == [*setting_out, *["Read"] * 3, "BasisSetCorrection", *["Read"] * 3, "FiniteSizeCorrection", "PerturbativeTriples"]
        assert cc4s_steps(settings(), "ccsd(t)", reference=True)[-1]["name"] == "PerturbativeTriplesReference"

    def test_what_is_not_asked_for_is_not_computed(self):
        bare = settings(basis_set_correction=False, finite_size_correction=False)
        assert len(cc4s_steps(bare, "ccsd")) == 6
        (cycles,) = (step["in"]["maxIterations"] for step in cc4s_steps(bare, "mp2") if step["name"] == "CoupledCluster")
        assert cycles == 1
        mixed = settings(basis_set_correction=False, mp2_basis_set_correction=True)
        assert "BasisSetCorrection" in [step["name"] for step in cc4s_steps(mixed, "ccsd")]

    def test_real_numbers_have_a_point_and_nothing_is_a_reference(self):
        text = cc4s_input(settings(cc_tolerance_eV=1e-7), "ccsd(t)")
        assert "energyConvergence: 1.0e-07" in text
        assert "&" not in text
        assert "*" not in text


def wavecar(path: Path, bands: int, records: int | None = None) -> Path:
    """One k-point, one spin, records of 64 bytes; so many of them, or as many as belong there."""
    whole = 3 + bands if records is None else records
    content = struct.pack("3d", 64, 1, 45200).ljust(64, b"\0") + struct.pack("2d", 1, bands).ljust(64, b"\0")
    path.write_bytes(content.ljust(64 * whole, b"\0"))
    return path


class TestWhatVaspLeaves:
    def test_a_wavecar_is_whole_or_not(self, tmp_path):
        path = tmp_path / "WAVECAR"
        assert wavecar_bands(wavecar(path, 7)) == 7
        for damaged, says in ((wavecar(path, 7, 9), "ends too early"), (path, "is no WAVECAR")):
            with pytest.raises(ValueError, match=says):
                wavecar_bands(damaged)
            path.write_bytes(b"\0" * 40)
        path.write_bytes(b"short")
        with pytest.raises(ValueError, match="is no WAVECAR"):
            wavecar_bands(path)
        with pytest.raises(ValueError, match="there is no WAVECAR"):
            wavecar_bands(tmp_path / "no" / "WAVECAR")

    def test_a_tensor_is_whole_or_not(self, tmp_path):
        head = {"version": 100, "type": "Tensor", "scalarType": "Complex64", "dimensions": [{"length": 3, "type": "State"}] * 2}
        (tmp_path / "T.yaml").write_text(yaml.safe_dump({**head, "elements": {"type": "IeeeBinaryFile"}, "unit": 0.19}))
        (tmp_path / "T.elements").write_bytes(b"\0" * 144)
        assert tensor_lengths(tmp_path, "T") == (3, 3)
        (tmp_path / "T.elements").write_bytes(b"\0" * 143)
        with pytest.raises(ValueError, match=r"T\.elements has 143 bytes, and 3 x 3 numbers belong"):
            tensor_lengths(tmp_path, "T")
        (tmp_path / "T.yaml").write_text("version: 100\n")
        with pytest.raises(ValueError, match=r"T\.yaml describes no tensor"):
            tensor_lengths(tmp_path, "T")

    def test_an_outcar_says_sizes_energy_and_its_end(self, tmp_path):
        path = tmp_path / "OUTCAR"
        lines = [
            " vasp.6.3.1 04May22 (build Jun 20 2022 10:00:00) gamma-only",
            "   NELECT =      32.0000    total number of electrons",
            " maximum and minimum number of plane-waves per node :       906      906",
            " maximum number of plane-waves:       906",
            "  free energy    TOTEN  =      -110.12345678 eV",
            "  free  energy   TOTEN  =      -116.42606612 eV",
            "  energy  without entropy=     -116.42606612  energy(sigma->0) =     -116.42606612",
            "------------------------ aborting loop because EDIFF is reached ----------------------------------------",
            " General timing and accounting informations for this job:",
        ]
        path.write_text("\n".join(lines))
        found = read_outcar(path)
        assert (found.energy_eV, found.occupied, found.all_bands, found.converged, found.finished) == (-116.42606612, 16, 1811, True, True)
        path.write_text("\n".join(lines).replace("gamma-only", "complex"))
        assert read_outcar(path).all_bands == 906
        path.write_text("\n".join(lines[:-2]))
        assert (read_outcar(path).converged, read_outcar(path).finished) == (False, False)
        path.write_text("\n".join(lines[:4]))
        with pytest.raises(ValueError, match="OUTCAR does not say the free energy TOTEN"):
            read_outcar(path)
        path.write_text("pw.x\n")
        with pytest.raises(ValueError, match="none of VASP"):
            read_outcar(path)
