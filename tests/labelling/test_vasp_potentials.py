"""POTCARs: where they are looked for, by what they are known, and which are refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from potcars import lay, potcar
from pydantic import ValidationError

from flows.failure import CalculationFailed
from flows.labelling.engines.vasp.potentials import HOME, Potential, fetch, find, misfits, read

CARBON = Potential(family="PBE_54", symbol="C")


def refused(*asked: object) -> CalculationFailed:
    with pytest.raises(CalculationFailed) as caught:
        fetch(*asked)  # type: ignore[arg-type]
    return caught.value


def test_all_layouts_hold_the_same_potential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    text = potcar("C")
    lay(tmp_path / "pymatgen", "PBE_54", "C", text)
    for place in ("folders/POT_GGA_PAW_PBE_54/C/POTCAR", "family/C/POTCAR", "files/POTCAR.C"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(text)
    found = [find(CARBON, str(tmp_path / folder)) for folder in ("pymatgen", "folders", "family", "files")]
    monkeypatch.setenv(HOME, str(tmp_path / "pymatgen"))
    found.append(find(CARBON))
    assert all(one is not None for one in found)
    assert {one.sha256 for one in found if one} == {hashlib.sha256(text.encode()).hexdigest()}
    assert (found[0].element, found[0].functional, found[0].valence, found[0].enmax_eV) == ("C", "pbe", 4, 400)


def test_what_a_potential_is_called_is_its_identity_until_its_content_is_known():
    assert CARBON.identity() == {"family": "PBE_54", "symbol": "C"}
    known = CARBON.model_copy(update={"sha256": "0" * 64})
    assert known.identity() == {"sha256": "0" * 64}
    assert known.text() == "C of PBE_54 (sha256 000000000000)"
    for wrong in ({"symbol": "../C"}, {"sha256": "12"}, {"family": ""}):
        with pytest.raises(ValidationError):
            Potential.model_validate({"family": "PBE_54", "symbol": "C", **wrong})


def test_one_that_fits_is_fetched(tmp_path: Path):
    lay(tmp_path, "LDA_54", "Li_sv", potcar("Li", "Li_sv", "lda", 3, 499.034))
    asked = Potential(family="LDA_54", symbol="Li_sv")
    found = fetch(asked, "Li", "lda", str(tmp_path))
    assert (found.title, found.valence, found.enmax_eV) == ("PAW_LDA Li_sv 01Jan2000", 3, 499.034)
    assert fetch(asked.model_copy(update={"sha256": found.sha256}), "Li", "lda", str(tmp_path)) == found


def test_one_that_is_not_there_is_named_with_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(HOME, raising=False)
    failure = refused(CARBON, "C", "pbe").failure
    assert failure.kind == "no-pseudopotential"
    assert f"{HOME} is not set" in failure.message
    failure = refused(CARBON, "C", "pbe", str(tmp_path)).failure
    assert "no POTCAR C of PBE_54 in " in failure.message
    assert failure.advice


def test_others_are_refused_with_their_reason(tmp_path: Path):
    lay(tmp_path, "PBE_54", "C", potcar("C", functional="lda"))
    lay(tmp_path, "PBE_54", "N", potcar("C"))
    lay(tmp_path, "PBE_54", "Si", potcar("Si"))
    lay(tmp_path, "PBE_54", "Ge", potcar("Ge") + potcar("C"))
    lay(tmp_path, "PBE_54", "H", "all sorts of things")
    (tmp_path / "POT_GGA_PAW_PBE_54" / "POTCAR.Li.gz").write_text("not packed")
    asked = {one: CARBON.model_copy(update={"symbol": one}) for one in ("N", "Si", "Ge", "H", "Li")}
    asked["Si"] = asked["Si"].model_copy(update={"sha256": "0" * 64})
    failures = {one: refused(asked.get(one, CARBON), one, "pbe", str(tmp_path)).failure for one in ("C", *asked)}
    assert {failure.kind for failure in failures.values()} == {"wrong-pseudopotential"}
    assert "was made for lda, and pbe is asked for" in failures["C"].message
    assert "is of C (PAW_PBE C 01Jan2000), not of N" in failures["N"].message
    assert "labels are asked for with Si of PBE_54 (sha256 000000000000)" in failures["Si"].message
    assert "it has 2 TITEL" in failures["Ge"].message
    assert "is no POTCAR of one element" in failures["H"].message
    assert "Not a gzipped file" in failures["Li"].message


def test_several_reasons_are_all_said(tmp_path: Path):
    path = lay(tmp_path, "PBE_54", "C", potcar("N", functional="lda"))
    wrong = list(misfits(CARBON.model_copy(update={"sha256": "1" * 64}), read(path), "C", "pbe"))
    assert len(wrong) == 3
