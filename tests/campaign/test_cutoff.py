"""A cutoff of MACE within which atoms do not see each other is refused: its phonons would be zero, without a word."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, graphene

from flows.phonons.crystal import neighbours

BOND = 3.56 * 3**0.5 / 4
SECOND = 3.56 / 2**0.5


@pytest.mark.usefixtures("toy_folder", "no_database")
@pytest.mark.parametrize("key", ["mace.r_max", "mace.difference.r_max", "systems.carbon.mace.r_max", "systems.carbon.mace.forces.r_max"])
def test_below_the_nearest_distance_it_is_an_error_where_it_was_written(latticefarm, key: str) -> None:
    for command in ("plan", "submit", "run"):
        complaint = latticefarm(command, "toy.yaml", "--set", f"{key}=1.5").complaint
        apart = f"C and C of carbon, the nearest atoms, are {BOND:.3f} Å apart"
        assert complaint.startswith(f"--set {key}=1.5: {key}: within 1.5 Å no atom has a neighbour: {apart}")
        assert f"take more than {SECOND:.2f} Å (the default is 5)" in complaint


@pytest.mark.usefixtures("toy_folder", "no_database")
def test_between_the_first_shells_it_is_a_note(latticefarm) -> None:
    said = latticefarm("plan", "toy.yaml", "--set", "mace.r_max=2")
    assert said.code == 0
    text = " ".join(said.out.split())
    assert text.count("2 Å holds the nearest neighbours alone of some atoms of carbon") == 1
    assert "r_max" not in latticefarm("plan", "toy.yaml", "--set", f"mace.r_max={SECOND + 0.1}").out


@pytest.mark.usefixtures("toy_folder", "no_database")
def test_what_wins_is_judged(latticefarm) -> None:
    assert latticefarm("plan", "toy.yaml", "--set", "mace.r_max=1", "--set", "systems.carbon.mace.r_max=4").code == 0
    # no model of this kind is asked for
    assert latticefarm("plan", "toy.yaml", "--set", "mace.energy_only.r_max=1").code == 0


def graphite(spacing: float) -> Atoms:
    atoms = graphene(a=2.46, vacuum=spacing / 2)
    atoms.pbc = True
    return atoms


# analytically: the longest step that it takes to walk everywhere, and the second shell
CRYSTALS = {
    "diamond": (bulk("C", "diamond", a=3.56), BOND, SECOND),
    "rocksalt": (bulk("LiH", "rocksalt", a=4.0), 2.0, 4.0 / 2**0.5),
    "bcc": (bulk("Fe", "bcc", a=2.8), 2.8 * 3**0.5 / 2, 2.8),
    "graphite": (graphite(3.35), 3.35, 2.46),
    # a chain of pairs along z, 1 apart in a pair, 2 between them, and chains 3 apart
    "chains": (Atoms("H2", [[0, 0, 0], [0, 0, 1]], cell=[3, 3, 3], pbc=True), 3.0, 2.0),
}


@pytest.mark.parametrize(("atoms", "connected", "second"), CRYSTALS.values(), ids=CRYSTALS)
def test_how_far_a_model_has_to_see(atoms: Atoms, connected: float, second: float) -> None:
    found = neighbours(atoms)
    np.testing.assert_allclose([found.connected_A, found.second_A], [connected, second], atol=1e-6)


def test_parts_that_do_not_see_each_other_are_refused(latticefarm, tmp_path, monkeypatch) -> None:
    import yaml
    from ase.io import write

    monkeypatch.chdir(tmp_path)
    write("graphite.cif", graphite(3.35))
    system = {
        "structure": {"file": "graphite.cif"},
        "cells": {"training": [2, 2, 1]},
        "levels": {"dft": {"engine": "lj", "forces": True}},
        "sampling": {"rattles": {"count": 4, "displacements_A": [0.01]}},
    }
    asked = {
        "campaign": "layers", "systems": {"graphite": system}, "models": ["dft_ef"],
        "engines": {"lj": {"kind": "ase", "calculator": "ase.calculators.lj:LennardJones"}},
        "training": {"sizes": ["full"]},
    }
    (tmp_path / "layers.yaml").write_text(yaml.safe_dump(asked))
    said = latticefarm("plan", "layers.yaml", "--set", "mace.r_max=3")
    assert "graphite falls into parts that do not see each other, and move freely: these are 3.350 Å apart" in said.complaint
    assert latticefarm("plan", "layers.yaml", "--set", "mace.r_max=3.4").code == 0
