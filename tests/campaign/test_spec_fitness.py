"""What only a slip can mean is an error of the YAML before anything runs; and no number of it is NaN or infinite."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from campaign.planning.knowledge import Knowledge
from campaign.planning.plan import plan
from campaign.spec import SpecError, load_spec
from flows.training import architecture
from flows.training.settings import TrainingSettings

SPEC = """\
campaign: fitness
systems:
  x:
    structure: {prototype: fcc, symbols: [Cu], a: 3.6}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2]}
    levels: {dft: {engine: emt, forces: true}, hf: {engine: other}}
    sampling: {rattles: {count: 12, displacements_A: [0.03]}}
models: [dft_ef, hf-dft]
training: {seeds: [1], sizes: {full: full}}
engines:
  emt: {kind: ase, calculator: "ase.calculators.emt:EMT"}
  other: {kind: ase, calculator: "ase.calculators.emt:EMT", stands_for: {hf: false}}
mace: {preset: small, r_max: 3.0, difference: {max_epochs: 2}}
"""
NEAREST = "Cu and Cu of x, the nearest atoms, are 2.546 Å apart"

UNFIT = {
    "mace.r_max=2.5": f"mace.r_max: within 2.5 Å no atom has a neighbour: {NEAREST}",
    "mace.difference.r_max=0.5": f"mace.difference.r_max: within 0.5 Å no atom has a neighbour: {NEAREST}",
    "systems.x.mace={r_max: 0.3}": f"systems.x.mace.r_max: within 0.3 Å no atom has a neighbour: {NEAREST}",
    "mace.hidden_irreps=8x1o": "mace.hidden_irreps: '8x1o': MACE needs some of 0e",
    "mace.hidden_irreps=0x0e + 8x1o": "mace.hidden_irreps: '0x0e + 8x1o': MACE needs some of 0e, and one or more of each",
    "mace.mlp_irreps=16x1o": "mace.mlp_irreps: '16x1o': the last readout of MACE has scalars alone",
    "mace.max_ell=12": "mace.max_ell: should be 11 or less, got 12",
    "phonons.displacement_A=3": f"phonons.displacement_A: 3 Å displaces no crystal: {NEAREST}",
    "systems.x.sampling.rattles.displacements_A=[0.03, 2]": "systems.x.sampling.rattles.displacements_A[1]: 2 Å displaces no crystal",
    "engines.emt.time_limit_s=0": "engines.emt.time_limit_s: should be greater than 0, got 0",
    "engines.other.time_limit_s=-60": "engines.other.time_limit_s: should be greater than 0, got -60",
    "engines.emt.calculator=ase.calculators.emt": "engines.emt.calculator: ase.calculators:emt is no class",
    "systems.x.structure.a=360": "systems.x.structure: no two atoms of fcc with a = 360 are within 8 Å of each other",
    "systems.x.structure.a=1e300": "systems.x.structure: no two atoms of fcc with a = 1e+300 are within 8 Å of each other",
}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "c.yaml").write_text(SPEC)
    return tmp_path / "c.yaml"


@pytest.mark.parametrize("change", UNFIT)
def test_one_line_with_its_place(written: Path, change: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(written, [change])
    (said,) = str(caught.value).splitlines()
    assert f": {UNFIT[change]}" in said
    assert said.startswith(f"--set {change}: ") or "structure" in change  # it is the cell that is wrong


def test_caesium_needs_more_than_the_default_cutoff(written: Path) -> None:
    """5.24 Å to its neighbours: a crystal, and further than MACE's 5 Å."""
    caesium = "systems.x.structure={prototype: bcc, symbols: [Cs], a: 6.05}"
    written.write_text(written.read_text().replace("ase.calculators.emt:EMT", "ase.calculators.lj:LennardJones"))  # of any element
    assert load_spec(written, [caesium, "mace.r_max=8"]).resolved.systems["x"].primitive.symbols == ("Cs",)
    with pytest.raises(SpecError, match=r"within 5 Å no atom has a neighbour: Cs and Cs of x"):
        load_spec(written, [caesium, "mace={preset: small}"])


def test_what_mace_is_refused_for_it_cannot_make(written: Path) -> None:
    """What is refused, MACE fails at when labels are paid for; of what is let through it makes a network."""
    asked = load_spec(written).resolved.training_settings("x", "dft_ef")
    for changes in ({"hidden_irreps": "8x1o"}, {"hidden_irreps": "0x0e + 8x1o"}, {"mlp_irreps": "16x1o"}, {"max_ell": 12}):
        with pytest.raises(Exception):  # noqa: B017, PT011  # MACE's, e3nn's and Python's own
            network(asked.model_copy(update=changes))
    assert network(asked) is not None
    assert network(asked.model_copy(update={"hidden_irreps": "4x0e + 2x1o", "max_ell": 3})) is not None


def network(settings: TrainingSettings) -> Any:
    from mace import modules

    return modules.ScaleShiftMACE(
        **architecture._shape(settings), num_elements=1, atomic_numbers=[29], atomic_energies=np.zeros((1, 1)), avg_num_neighbors=12.0,
        atomic_inter_scale=1.0, atomic_inter_shift=0.0, heads=["Default"],
    )


def test_a_set_that_leaves_nothing_to_train_is_a_gap(written: Path) -> None:
    spec = load_spec(written, ["training.valid_fraction=0.99", "training.sizes={full: full, few: 2}"]).resolved
    labels = ("full: valid_fraction 0.99 of 12 structures leaves none", "few: valid_fraction 0.99 of 2 structures leaves none")
    why = [gap.why for gap in plan(spec, Knowledge()).gaps]
    assert all(any(one.startswith(words) for one in why) for words in labels)


EVERY = """\
campaign: numbers
systems:
  x:
    structure: {prototype: rocksalt, symbols: [Mg, O], a: 4.2}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2], big: [2, 2, 2]}
    levels: {dft: {engine: lj, forces: true, phonons: true, structures: 0.5}, hf: {engine: pyscf}}
    nac: {born_charges: {Mg: 2.0, O: -2.0}, dielectric: 3.0, sum_rule_e: 0.1}
    sampling:
      rattles: {count: 20, displacements_A: [0.02, 0.05], seed: 1}
      sweep: {level: dft, temperatures_K: [100, 200], steps: 40, timestep_fs: 1.0, friction_per_fs: 0.01, every: 5, discard: 10,
              seed: 1, max_temperature_ratio: 5.0}
    frozen_phonon: {displacements_A: [0.04, 0.08]}
    sizes: {full: full, some: 10}
engines:
  lj: {kind: ase, calculator: "ase.calculators.lj:LennardJones", arguments: {sigma: 2.0, nested: [{depth: 1.0}]}, time_limit_s: 100}
  pyscf: {pseudo: gth-pbe, cutoff_dft_Ha: 100, cutoff_Ha: 98, scf_tolerance_Ha: 1.0e-10, cc_tolerance_Ha: 1.0e-9,
          cc_amplitude_tolerance: 1.0e-7, max_scf_cycles: 100, max_cc_cycles: 100, min_gap_eV: 0.1, max_t1: 0.1,
          max_force_sum_eV_A: 0.05, max_memory_GB: 8, time_limit_s: 100}
models: [dft_ef, hf-dft]
labelling: {tolerance: 0.1, pilots: 1, structures_per_job: 3, job_minutes: 5}
training: {seeds: [1], sizes: {full: full}, split_seed: 1, valid_fraction: 0.1}
mace: {r_max: 3.0, max_ell: 2, correlation: 2, num_interactions: 2, num_radial_basis: 8, num_cutoff_basis: 5, radial_mlp: [16],
       max_epochs: 1, batch_size: 5, valid_batch_size: 5, learning_rate: 0.01, gamma: 0.9, weight_decay: 1.0e-7, ema_decay: 0.99,
       max_grad_norm: 10, energy_weight: 10, forces_weight: 100}
phonons: {displacement_A: 0.01, mesh: [4, 4, 4], dos_pitch_cm1: 2, points_per_segment: 11, imaginary_threshold_cm1: -1.0}
matching: {position_tolerance_A: 0.001, cell_tolerance_A: 0.001, duplicate_tolerance_A: 0.0001}
dynamics: {models: [dft_ef], seeds: [1], temperature_K: 300, timestep_fs: 0.5, equilibration_steps: 400, friction_per_fs: 0.01,
           steps: 30000, starts: 1, start_seed: 1, sample_every: 1, positions_every: 100, max_temperature_ratio: 5,
           max_drift_kT: 0.5, vibrations: {resolution_cm1: 10, max_cm1: 2000, pitch_cm1: 2}}
"""


def numbers(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all numbers of a document."""
    if isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from numbers(value, (*path, key))
    elif isinstance(part, int | float) and not isinstance(part, bool):
        yield path


def with_number(path: tuple[Any, ...], value: float) -> str:
    document = yaml.safe_load(EVERY)
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return yaml.safe_dump(document, sort_keys=False)


PLACES = list(numbers(yaml.safe_load(EVERY)))


def test_all_of_it_is_fit_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(EVERY)
    assert json.dumps(load_spec(tmp_path / "c.yaml").resolved.model_dump(mode="json"), allow_nan=False)
    assert len(PLACES) > 80


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")], ids=str)
def test_no_number_is_nan_or_infinite(tmp_path: Path, value: float) -> None:
    """Each number of the document in turn: one line that names its place, or a key around it."""
    for path in PLACES:
        (tmp_path / "c.yaml").write_text(with_number(path, value))
        with pytest.raises(SpecError) as caught:
            load_spec(tmp_path / "c.yaml")
        said = str(caught.value).splitlines()
        assert len(said) == 1, said
        assert str(path[0]) in said[0], (path, said)
        assert any(word in said[0] for word in (str(value), "finite", "nan", "inf")), (path, said)
