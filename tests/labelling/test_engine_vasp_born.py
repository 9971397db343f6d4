"""Born charges by VASP's linear response: what it is given, what is read, and what is refused, by a program that stands in at its edge."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from jobflow import run_locally
from potcars import lay, potcar
from stand_in_for_vasp import CHARGES, DIELECTRIC
from test_engine_vasp import World, settings, world

from flows.keys import digest
from flows.labelling.engines.protocol import BORN, Computed
from flows.labelling.engines.task import BornTask
from flows.labelling.engines.vasp import output
from flows.labelling.engines.vasp.settings import VaspSettings
from flows.labelling.jobs import born
from flows.records import BornCharges, Failure, Structure

__all__ = ["world"]


def lithium_hydride() -> Atoms:
    """Hydrogen first: VASP is told of it in this order too, and a file of charges has atoms in VASP's."""
    return bulk("HLi", "rocksalt", a=4.08)


def engine_of(world: World, wrong: str = "", **more: object) -> VaspSettings:
    for symbol, valence in (("Li", 1), ("H", 1)):
        lay(world.home, "PBE_54", symbol, potcar(symbol, valence=valence))
    return world.engine(wrong, **more).model_copy(update={"potentials": {"Li": "Li", "H": "H"}})


def found(engine: VaspSettings, atoms: Atoms) -> Computed | Failure:
    ((level, result),) = engine.compute(atoms, {BORN: False})
    assert level == BORN
    return result


def test_charges_belong_to_their_atoms_in_any_order(world):
    for order in ([0, 1], [1, 0]):
        atoms = lithium_hydride()[order]
        result = found(engine_of(world), atoms)
        assert isinstance(result, Computed)
        assert result.born_charges == pytest.approx(np.array([CHARGES[one] * np.eye(3) for one in atoms.symbols]))
        assert result.dielectric == pytest.approx(DIELECTRIC * np.eye(3))
        assert result.versions == {"vasp": "6.4.2"}


def test_it_is_one_run_of_linear_response_that_bands_are_not_spread_over(world):
    assert isinstance(found(engine_of(world, parallel={"NCORE": 4, "KPAR": 2}), lithium_hydride()), Computed)
    (run,) = world.runs()
    assert run["tags"]["LEPSILON"] == "True"
    assert run["tags"]["KPAR"] == "2"
    assert not {"NCORE", "NPAR"} & run["tags"].keys()


def test_labels_are_told_nothing_of_it(world):
    engine = engine_of(world)
    assert "LEPSILON" not in str(engine.input_files(lithium_hydride(), ["dft"]))
    assert "LEPSILON" in engine.input_files(lithium_hydride(), [BORN])["born/INCAR"]
    keys = [digest("one", 1, **engine.identity_of(level, False)) for level in ("dft", "hf", BORN)]
    assert len(set(keys)) == 3
    other = engine_of(world, functional="PBEsol")
    assert other.identity_of(BORN, False) != engine.identity_of(BORN, False)


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        ("no-response", "garbage", "no Born charges"), ("unconverged", "unconverged", "100"), ("cut", "garbage", "vasprun.xml"),
        ("unknown", "crashed", ""),
    ],
)  # fmt: skip
def test_each_is_one_failure_with_its_reason(world, wrong, kind, says):
    result = found(engine_of(world, wrong), lithium_hydride())
    assert isinstance(result, Failure)
    assert (result.kind, result.level) == (kind, BORN)
    assert says in result.message


def test_partly_filled_bands_have_no_such_term(world, monkeypatch):
    read = output.read

    def metal(*given):
        from dataclasses import replace

        return replace(read(*given), entropy_eV=-0.02)

    monkeypatch.setattr(output, "read", metal)
    result = found(engine_of(world), lithium_hydride())
    assert isinstance(result, Failure)
    assert result.kind == "no-gap"


def test_exact_exchange_is_refused_beforehand():
    ((key, why),) = settings(functional="HSE06").troubles(lithium_hydride(), {BORN: False})
    assert key == "functional"
    assert "linear response" in why
    assert settings(functional="HSE06").troubles(lithium_hydride(), {"dft": True}) == ()


def test_the_job_stores_charges_that_sum_to_zero(world, store):
    task = BornTask(key=digest("one", 1), system="lih", engine=engine_of(world), primitive=Structure.from_atoms(lithium_hydride()))
    job = born(task)
    done = run_locally(job, store=store, ensure_success=True)
    record = BornCharges.model_validate(done[job.uuid][1].output)
    assert np.sum(record.born_charges, axis=0) == pytest.approx(0, abs=1e-9)
    assert record.missed_e == pytest.approx(CHARGES["Li"] + CHARGES["H"])
