"""What an engine cannot do is an error of the YAML, with its line: nobody waits hours for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from campaign.spec import SpecError, load_spec

SPEC = """\
campaign: engines
systems:
  x:
    structure: {prototype: diamond, symbols: [C], a: 3.56}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2]}
    levels:
      dft: {engine: pyscf, forces: true, functional: PBE}
      hf: {engine: pyscf}
    sampling: {rattles: {count: 3, displacements_A: [0.03]}}
engines: {pyscf: {basis: gth-szv}}
models: [dft_ef, hf-dft]
training: {seeds: [1], sizes: {full: full}}
"""
MGO = "{prototype: rocksalt, symbols: [Mg, O], a: 4.2}"
DIAMOND = "{prototype: diamond, symbols: [C], a: 3.56}"

WRONG = {
    "a functional without a pseudopotential": (
        ("functional: PBE", "functional: SCAN"),
        "c.yaml:7: systems.x.levels.dft.functional: no pseudopotential is known for the functional 'scan': name one in pseudo_dft,",
    ),
    "a functional without forces": (
        ("{basis: gth-szv}", "{basis: gth-szv, pseudo_dft: gth-pbe}", "functional: PBE", "functional: SCAN"),
        "c.yaml:7: systems.x.levels.dft.functional: scan is neither an LDA nor a GGA",
    ),
    "the same, of the engine": (
        ("{basis: gth-szv}", "{functional: SCAN, pseudo_dft: gth-pbe}", ", functional: PBE", ""),
        "c.yaml:10: engines.pyscf.functional: scan is neither an LDA nor a GGA",
    ),
    "a mistyped basis": (("gth-szv", "gth-svz"), "c.yaml:10: engines.pyscf.basis: PySCF has no gth-svz for C; did you mean gth-szv?"),
    "a missing pseudopotential": ((DIAMOND, MGO), "c.yaml:10: engines.pyscf.pseudo: PySCF has no pseudopotential gth-hf for Mg, which hf would need"),
    "an engine of the system": (
        ("    sampling:", "    engines: {pyscf: {basis: gth-svz}}\n    sampling:"),
        "c.yaml:9: systems.x.engines.pyscf.basis: PySCF has no gth-svz for C",
    ),
    "a calculator that there is not": (
        ("{pyscf: {basis: gth-szv}}", "{pyscf: {kind: ase, calculator: ase.calculators.emt.EMTT, stands_for: {dft: true, hf: false}}}"),
        "c.yaml:10: engines.pyscf.calculator: no calculator ase.calculators.emt:EMTT",
    ),
    "too little memory": (("gth-szv}", "gth-szv, max_memory_GB: 0.31}"), "c.yaml:10: engines.pyscf.max_memory_GB: "),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_one_line_with_its_place(changes: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = SPEC
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    Path("c.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        load_spec("c.yaml")
    (said,) = str(caught.value).splitlines()
    assert said.startswith(message)


def test_two_systems_complain_of_one_engine_once(tmp_path: Path) -> None:
    first, rest = SPEC.replace("gth-szv", "gth-svz").split("  x:\n")
    system = rest[: rest.index("engines:")]
    (tmp_path / "c.yaml").write_text(f"{first}  x:\n{system}  y:\n{rest}")
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "c.yaml")
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_fit_is_planned(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(SPEC)
    assert load_spec(tmp_path / "c.yaml").resolved.systems["x"].engines["pyscf"].kind == "pyscf"


def test_pyscf_is_not_imported_for_campaigns_that_do_not_name_it(tmp_path: Path) -> None:
    engine = "{pyscf: {kind: ase, calculator: ase.calculators.emt.EMT, stands_for: {dft: true, hf: false}}}"
    (tmp_path / "c.yaml").write_text(SPEC.replace("{pyscf: {basis: gth-szv}}", engine))
    code = f"import sys; from campaign.spec import load_spec; load_spec({str(tmp_path / 'c.yaml')!r}); sys.exit('pyscf' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
