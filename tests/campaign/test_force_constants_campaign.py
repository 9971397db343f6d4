"""Differences by force constants beside those of MACE, in a campaign from its YAML to tables, exports and the page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from lattice_toys import Toy, supercell_of, toy

from campaign.planning.knowledge import Knowledge
from campaign.planning.plan import plan
from campaign.spec import load_spec

YAML = """\
campaign: lattice
systems:
  salt:
    structure: {prototype: rocksalt, symbols: [Li, H], a: 4.08}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2], big: [2, 2, 2]}
    levels:
      dft: {data: dft.xyz, forces: true, functional: LDA}
      hf: {data: hf.xyz}
models: [dft_ef, hf-dft, hf-dft_fc]
training: {seeds: [1, 2], sizes: {full: full, half: half}}
mace: {preset: small, hidden_irreps: 2x0e + 2x1o, max_epochs: 2, r_max: 3.0, difference: {max_epochs: 2}}
phonons: {mesh: [2, 2, 2], points_per_segment: 5}
"""


@pytest.fixture(scope="module")
def crystal() -> Toy:
    return toy("rocksalt", 24, shuffled=True)


@pytest.fixture
def folder(tmp_path: Path, crystal: Toy, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for level, energies, forces in (("dft", crystal.base_eV, crystal.base_forces), ("hf", crystal.upper_eV, None)):
        images = []
        for number, atoms in enumerate(crystal.frames):
            image = atoms.copy()
            known = {} if forces is None else {"forces": forces[number]}
            image.calc = SinglePointCalculator(image, energy=float(energies[number]), **known)
            images.append(image)
        write(tmp_path / f"{level}.xyz", images, format="extxyz")
    (tmp_path / "lattice.yaml").write_text(YAML)
    return tmp_path


def planned(folder: Path, *overrides: str):
    from campaign.records import labels

    loaded = load_spec(folder / "lattice.yaml", overrides)
    read = labels.read_all(loaded.resolved, labels.from_disk(loaded.files))
    structures = {name: {one.structure_key: one.structure for one in found.values()} for name, (_, found) in read.items()}
    return plan(loaded.resolved, Knowledge({name: one for name, (one, _) in read.items()}, structures=structures))


def test_what_is_asked_for(folder: Path) -> None:
    """One fit for all seeds of its base, a sum for each; other keys stay as they are without it."""
    with_fits, without = planned(folder), planned(folder, "models=[dft_ef, hf-dft]")
    fits = [work for work in with_fits.of_stage("train") if work.model == "hf-dft_fc"]
    assert [(work.seed, work.size) for work in fits] == [(None, "full"), (None, "half")]
    assert len(fits[0].task.train) == 24
    assert (len(fits[1].task.train), len(fits[1].task.test)) == (12, 12)
    sums = [work for work in with_fits.of_stage("sum") if work.model == "delta_hf_fc"]
    assert [(work.seed, work.size) for work in sums] == [(1, "full"), (2, "full"), (1, "half"), (2, "half")]
    assert set(without.work) < set(with_fits.work)
    other = planned(folder, "force_constants.cutoffs_A=[2.5]")
    assert {work.key for work in other.of_stage("train") if work.model != "hf-dft_fc"} < set(with_fits.work)
    assert not {work.key for work in other.of_stage("train") if work.model == "hf-dft_fc"} & set(with_fits.work)


@pytest.mark.slow
def test_from_the_yaml_to_the_page(folder: Path, crystal: Toy, latticefarm, farm) -> None:  # noqa: ARG001 - a database
    one_seed = ("--set", "training.seeds=[1]")
    done = latticefarm("run", "lattice.yaml", *one_seed)
    assert done.code == 0, done.out
    rows = {(row["model"], row["size"]): row for row in json.loads(latticefarm("results", "lattice", "training", "--json").out)}
    for size in ("full", "half"):
        fit = rows["hf-dft_fc", size]
        assert fit["learned"], fit["verdict"]
        assert fit["valid_energy_meV_atom"] < 0.01 * fit["line_meV_atom"]
    assert rows["hf-dft_fc", "half"]["test_energy_meV_atom"] < 0.05
    points = json.loads(latticefarm("results", "lattice", "points", "--json").out)
    errors = [row["error_cm1"] for row in points if row["model"] == "delta_hf_fc"]
    assert all(error is not None and 0 <= error < 5 for error in errors)
    assert all(row["error_cm1"] is None for row in points if row["model"] != "delta_hf_fc")
    seen = json.loads(latticefarm("results", "lattice", "forecast", "--json").out)
    assert {row["how"] for row in seen} == {"chosen", "random", "fitted"}
    assert next(row for row in seen if row["how"] == "fitted")["modes_cm1"] < 1
    asked = latticefarm("plan", "lattice.yaml", *one_seed, "--set", "systems.salt.levels.hf.until.modes_cm1=2")
    assert "16 would have been enough for 2 cm^-1" in asked.out
    for table in ("learning", "phonons", "labels", "failures"):
        said = latticefarm("results", "lattice", table)
        assert said.code == 0, said.error
    page = (folder / "lattice-report" / "index.html").read_text()
    assert "ΔFC(HF)" in page
    assert "symmetry-adapted force constants" in page
    drawn = json.loads((folder / "lattice-report" / "figures" / "forecast_salt.json").read_text())["panels"][0]
    fits = [row for row in seen if row["how"] == "chosen"]
    assert [(one["count"], one["apart_cm1"], one["left_meV_atom"]) for one in drawn["chosen"]] == [
        (row["count"], row["apart_cm1"], row["left_meV_atom"]) for row in fits
    ]
    assert [(one["count"], one["seed"]) for one in drawn["networks"]] == [(12, 1)]  # the half: the whole has nothing to be held against
    assert drawn["networks"][0]["apart_cm1"] is not None
    assert "HF of salt: 24 labels: all modes within" in page
    again = latticefarm("run", "lattice.yaml", *one_seed, "--no-report")
    assert "nothing to do" in again.out + again.error

    said = latticefarm("export", "lattice", "models", "trained", "--model", "delta_hf_fc", "--size", "full")
    assert "as ASE calculators, each to be run or imported: trained/salt_delta_hf_fc_full_1.py" in said.out
    files = json.loads((folder / "trained" / "index.json").read_text())
    names = [str(folder / "trained" / one["file"]) for one in files if one["model"] == "hf-dft_fc" or one["seed"] == 1]
    assert sorted(Path(name).suffix for name in names) == [".model", ".npz"]

    from campaign.results import connect
    from flows.training.potentials import of_files

    atoms = supercell_of(crystal.primitive, [[2, 0, 0], [0, 2, 0], [0, 0, 2]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stored = connect("lattice").potential("salt", "delta_hf_fc", 1, "full").evaluate(atoms)
        base = connect("lattice").potential("salt", "dft_ef", 1, "full").evaluate(atoms)
    loaded = of_files(names).evaluate(atoms)
    assert np.abs(loaded.forces - stored.forces).max() < 1e-9
    ran = subprocess.run([sys.executable, folder / "trained" / "salt_delta_hf_fc_full_1.py"], cwd="/", env=_no_database(), capture_output=True, text=True, check=True)
    cell = connect("lattice").spec.systems["salt"].training.atoms()
    assert float(ran.stdout.splitlines()[-1].split()[1]) == pytest.approx(of_files(names).evaluate(cell).energy, abs=1e-8)
    truth = crystal.truth
    from flows.training.force_constants.supercell import Supercell

    added = Supercell.of(truth, atoms).evaluate(atoms)[1]
    assert np.abs(stored.forces - (1 + truth.slope) * base.forces - added).max() < 0.02 * np.abs(added).max()
    shutil.rmtree(folder / "trained")


def _no_database() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return {name: value for name, value in os.environ.items() if not name.startswith("LATTICEFARM_")} | {"LATTICEFARM_HOME": "/nowhere", "PYTHONPATH": root}


def test_informative_structures_are_labelled_first(folder: Path) -> None:  # noqa: ARG001
    """The labels that a smaller number asks for are those of a larger one."""
    text = YAML.replace("hf: {data: hf.xyz}", "hf: {engine: springs, structures: 8, draw: informative}").replace(
        "models: [dft_ef, hf-dft, hf-dft_fc]", "models: [dft_ef, hf-dft_fc]"
    )
    text += "engines: {springs: {kind: ase, calculator: 'ase.calculators.lj:LennardJones', stands_for: {hf: false}}}\n"
    Path("lattice.yaml").write_text(text)
    asked = {}
    for count in (8, 12):
        made = planned(Path(), f"systems.salt.levels.hf.structures={count}")
        asked[count] = set(made.requests["salt"].labels["hf"])
    assert len(asked[8]) == 8
    assert asked[8] < asked[12]
    by_chance = planned(Path(), "systems.salt.levels.hf.draw=random").requests["salt"].labels["hf"]
    assert set(by_chance) != asked[8]
