"""What labels or moves atoms must know their elements: else it is an error of the YAML, not of a job hours later."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ase import Atoms
from ase.data import chemical_symbols

from flows.labelling.engines.ase.elements import known_elements

pytestmark = pytest.mark.usefixtures("no_database")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    monkeypatch.chdir(tmp_path)
    return {
        "campaign": "elements",
        "systems": {
            "x": {
                "structure": {"prototype": "rocksalt", "symbols": ["Li", "H"], "a": 4.0},
                "cells": {"training": [1, 1, 1], "phonons": [2, 2, 2]},
                "levels": {"dft": {"engine": "force-field", "forces": True}},
                "sampling": {"rattles": {"count": 4, "displacements_A": [0.01]}},
            }
        },
        "engines": {"force-field": {"kind": "ase", "calculator": "ase.calculators.emt:EMT"}},
        "models": ["dft_ef"],
        "training": {"seeds": [1], "sizes": ["full"]},
    }


def write(asked: dict) -> str:
    Path("elements.yaml").write_text(yaml.safe_dump(asked, sort_keys=False))
    return "elements.yaml"


def test_a_calculator_that_does_not_know_one(latticefarm, asked: dict) -> None:
    for command in ("plan", "submit", "run"):
        complaint = latticefarm(command, write(asked)).complaint
        assert complaint.startswith("elements.yaml:")
        assert "engines.force-field.calculator: ase.calculators.emt:EMT does not know Li; it knows Ag, Al, Au" in complaint


@pytest.mark.parametrize("calculator", ["ase.calculators.lj:LennardJones", "somewhere.else:Calculator"])
def test_one_that_cannot_tell_is_not_refused(latticefarm, asked: dict, calculator: str) -> None:
    asked["engines"]["force-field"]["calculator"] = calculator
    assert latticefarm("plan", write(asked)).code == 0


def test_a_potential_in_a_file(latticefarm, asked: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """EAM says which elements its file has, wherever the command runs; where it is not on this machine, nobody knows yet."""
    rows = " ".join(["0.0"] * 10) + "\n"
    text = "a potential of nickel\n\n\n1 Ni\n10 0.1 10 0.1 0.9\n28 58.7 3.52 fcc\n" + rows * 3
    Path("ni.eam.alloy").write_text(text)
    engine = {"kind": "ase", "calculator": "ase.calculators.eam:EAM", "arguments": {"potential": "ni.eam.alloy"}}
    asked["engines"]["force-field"] = engine
    path = Path(write(asked)).absolute()
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert "EAM does not know H, Li; it knows Ni" in latticefarm("plan", path).complaint
    engine |= {"arguments": {"potential": "/on/the/cluster/ni.eam.alloy"}, "files": {"potential": "path"}}
    assert latticefarm("plan", write(asked)).code == 0


def test_what_is_said_of_emt_is_what_it_does() -> None:
    from ase.calculators.emt import EMT

    known = known_elements("ase.calculators.emt:EMT", {})
    for symbol in chemical_symbols[1:84]:
        atoms = Atoms(symbol, cell=[5, 5, 5], pbc=True, calculator=EMT())
        if symbol in known:
            atoms.get_potential_energy()
        else:
            with pytest.raises(NotImplementedError):
                atoms.get_potential_energy()


def test_a_model_that_was_trained_without_one(latticefarm, asked: dict) -> None:
    asked["engines"]["force-field"]["calculator"] = "ase.calculators.lj:LennardJones"
    small = {**asked["systems"]["x"], "structure": {"prototype": "fcc", "symbols": ["H"], "a": 3.0}}
    sweep = {"model": {"system": "small", "model": "dft_ef", "seed": 1}}
    large = {**asked["systems"]["x"], "sampling": {"sweep": sweep}}
    asked["systems"] = {"small": small, "x": large}
    complaint = latticefarm("plan", write(asked)).complaint
    assert "systems.x.sampling.sweep.model.system: models of small do not know Li: they were trained without" in complaint
