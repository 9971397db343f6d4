from __future__ import annotations

import numpy as np
import pytest
from training_toys import task_of

from flows.records import Baseline, Errors, SummedModel, TrainedModelFacts
from flows.training.datasets import dataset
from flows.training.verdict import (
    LevelLabels,
    StraightLine,
    Verdict,
    baselines,
    frequency_factor,
    judge_by_labels,
    judge_difference,
    judge_level,
    straight_line,
)


def test_the_baselines_are_those_of_least_squares(labels):
    data = dataset(task_of("hf-dft", "hf", "dft"), labels)
    x, y = (
        np.array([value(frame) / 4 for frame in data.frames()])
        for value in (lambda f: f.base_energy_eV, lambda f: f.energy_eV)
    )
    train = len(data.train)
    slope, intercept = np.polyfit(x[:train], y[:train], 1)
    rest = 1e3 * np.sqrt(np.mean((y[16:] - slope * x[16:] - intercept) ** 2))

    assert 2 < train < 16
    assert straight_line(data).slope == pytest.approx(slope)
    found = {baseline.split: baseline for baseline in baselines(data)}
    assert set(found) == {"train", "valid", "test"}
    assert found["test"].line_meV_atom == pytest.approx(rest)
    assert found["test"].constant_meV_atom == pytest.approx(
        1e3 * np.sqrt(np.mean((y[16:] - y[:train].mean()) ** 2))
    )


def test_a_base_that_does_not_vary_leaves_a_constant(labels):
    same = {
        key: label.model_copy(update={"energy_eV": -1.0}) for key, label in labels.items() if "dft" in key
    }
    found = baselines(dataset(task_of("hf-dft", "hf", "dft"), labels | same))

    assert all(b.line_meV_atom == b.constant_meV_atom for b in found)


@pytest.mark.parametrize(
    ("rmse", "force", "learned", "reason"),
    [
        (0.2, 40.0, True, "test RMSE 0.2 meV/atom, a straight line in E_base 0.5 (only 9 structures)"),
        (0.5, 40.0, False, "a straight line"),
        (0.6, 40.0, False, "a straight line"),
        (0.2, 0.9, False, "near zero"),
    ],
)
def test_a_difference_has_to_beat_the_line_and_to_add_forces(rmse, force, learned, reason):
    errors = {"valid": Errors(count=4, energy_meV_atom=9.0), "test": Errors(count=9, energy_meV_atom=rmse)}
    lines = [
        Baseline(split="valid", constant_meV_atom=4.0, line_meV_atom=9.5),
        Baseline(split="test", constant_meV_atom=4.0, line_meV_atom=0.5),
    ]
    verdict = judge_difference(errors, lines, force)

    assert verdict.learned is learned
    assert reason in verdict.reason


def test_without_a_test_set_validation_judges():
    errors = {"train": Errors(count=9, energy_meV_atom=0.1), "valid": Errors(count=9, energy_meV_atom=0.6)}
    lines = [Baseline(split="valid", constant_meV_atom=4.0, line_meV_atom=0.5)]

    verdict = judge_difference(errors, lines, 40.0)
    assert not verdict.learned
    assert verdict.reason.endswith("(only 9 structures, by which the epoch was chosen too)")


def test_a_difference_that_is_a_straight_line_is_no_better_than_one():
    """ΔE = 3 + 0.2 E exactly, and an outlier among what validates, which does not turn the line."""
    base = np.linspace(-10, -9, 12)
    line = StraightLine.through(base, 3 + 0.2 * base)
    assert line.slope == pytest.approx(0.2)
    assert line.baseline("test", base + 5, 3 + 0.2 * (base + 5)).line_meV_atom == pytest.approx(0, abs=1e-9)
    assert line.baseline("valid", base[:1], base[:1]).line_meV_atom > 1000


def test_a_line_multiplies_frequencies_by_a_root():
    """Against the phonons of a potential times 1 + slope."""
    assert frequency_factor(0.21) == pytest.approx(1.1)
    assert frequency_factor(-1.0) is None
    assert frequency_factor(None) is None


def test_a_model_of_energies_is_unfit_where_its_forces_are(labels):
    data = dataset(task_of("dft_e", "dft"), labels)
    size = 1e3 * float(np.sqrt(np.mean(np.square([frame.forces_eV_A for frame in data.test]))))

    def judged(share: float) -> Verdict:
        return judge_level(data, {"test": Errors(count=4, energy_meV_atom=1.0, force_meV_A=share * size)})

    assert judged(0.1).learned
    assert not judged(0.9).learned
    assert "is 90% of the RMS force" in judged(0.9).reason


def level(energies=(0.0, 0.1, 0.3), force=0.0, with_forces=0) -> LevelLabels:
    return LevelLabels(np.array(energies), force, with_forces)


def errors_of(energy=1.0, force=None, count=3, **others) -> dict[str, Errors]:
    """The same on all splits, but for those that are named."""
    made = {split: Errors(count=count, energy_meV_atom=energy, force_meV_A=force) for split in ("train", "valid")}
    return made | others


# labels and errors of splits, and the verdict
LEVELS = {
    "one frame at rest": (
        {"train": level(force=1500, with_forces=9), "valid": level((0.0,), 0, 1)},
        errors_of(force=100.0, valid=Errors(count=1, energy_meV_atom=1, force_meV_A=0.0)),
        "cannot be judged: RMS force of only 1 structure, by which the epoch was chosen too: 0 meV/Å, of those that train 1.5e+03",
    ),
    "one frame at rest, and nothing fits": (
        {"train": level(force=1500, with_forces=9), "valid": level((0.0,), 0, 1)},
        errors_of(force=1259.0, valid=Errors(count=1, energy_meV_atom=1, force_meV_A=0.0)),
        "train force RMSE 1259 meV/Å is 84% of the RMS force (only 9 structures); RMS force of only 1 structure",
    ),
    "frames that are nearly at rest": (
        {"train": level(force=1500, with_forces=9), "valid": level(force=20, with_forces=3)},
        errors_of(force=1.0),
        "cannot be judged: RMS force of only 3 structures",
    ),
    "all at rest": (
        {"train": level(with_forces=9), "valid": level(with_forces=3)},
        errors_of(force=0.0),
        "cannot be judged: RMS force of only 3 structures",
    ),
    "no error of forces": (
        {"train": level(force=1500, with_forces=9), "valid": level(force=1500, with_forces=3)},
        errors_of(),
        "cannot be judged: no error of forces is known of valid",
    ),
    "no forces, and one energy": (
        {"train": level(), "valid": level((0.1,))},
        errors_of(count=1),
        "cannot be judged: a single energy was held out",
    ),
    "no forces, and no spread": (
        {"train": level(), "valid": level((0.1, 0.1, 0.1))},
        errors_of(),
        "cannot be judged: no force labels to judge by, and the energies of valid are all the same",
    ),
    "no forces, and no better than a constant": (
        {"train": level(), "valid": level()},
        # the spread of 0, 0.1 and 0.3 eV is sqrt(7/3) / 30 * 1e3 * sqrt(2) meV
        errors_of(energy=125.0),
        "valid RMSE 125 meV/atom, a constant 125 (only 3 structures",
    ),
    "nan": ({"train": level(force=9, with_forces=9), "valid": level(force=9, with_forces=3)}, errors_of(force=np.nan), "is nan%"),
}


@pytest.mark.parametrize(("labels", "errors", "reason"), LEVELS.values(), ids=LEVELS)
def test_what_cannot_be_judged_has_not_learned(labels, errors, reason):
    verdict = judge_by_labels(labels, errors)
    assert not verdict.learned
    assert reason in verdict.reason


def test_structures_at_rest_that_test_leave_it_to_those_that_validate():
    labels = {"train": level(force=1500, with_forces=9), "valid": level(force=1400, with_forces=3), "test": level(with_forces=2)}
    verdict = judge_by_labels(labels, errors_of(force=70.0, test=Errors(count=2, energy_meV_atom=1, force_meV_A=0)))
    assert verdict.learned
    assert verdict.reason == "valid force RMSE 70 meV/Å is 5% of the RMS force (only 3 structures, by which the epoch was chosen too)"


def test_a_level_without_forces_has_to_beat_a_constant(labels):
    data = dataset(task_of("hf_e", "hf"), labels)
    energies = {split: np.array([frame.energy_eV / 4 for frame in frames]) for split, frames in data.splits().items()}
    constant = 1e3 * float(np.sqrt(np.mean((energies["test"] - energies["train"].mean()) ** 2)))
    for share, learned in ((0.9, True), (1.1, False)):
        verdict = judge_level(data, {"test": Errors(count=4, energy_meV_atom=share * constant)})
        assert verdict.learned is learned
        assert f"a constant {constant:.3g} (only 4 structures; no force labels to judge by)" in verdict.reason


def test_a_difference_is_not_judged_by_one_energy():
    errors = {"valid": Errors(count=1, energy_meV_atom=0.1)}
    verdict = judge_difference(errors, [Baseline(split="valid", constant_meV_atom=4.0, line_meV_atom=0.5)], 40.0)
    assert not verdict.learned
    assert verdict.reason.startswith("cannot be judged: a single energy was held out (only 1 structure")


def test_a_model_that_nobody_judged_has_not_learned():
    about = dict.fromkeys(("key", "system", "model", "size"), "") | {"seed": 1, "errors": {}}
    counts = dict.fromkeys(("train_count", "valid_count", "test_count", "atoms"), 1)
    assert not TrainedModelFacts(**about, **counts).learned
    assert not SummedModel(**about, base_key="", difference_key="").learned


def test_a_constant_difference_is_not_learned(trained):
    model = trained(task_of("flat-dft", "flat", "dft", max_epochs=3))

    assert not model.learned
    assert "near zero" in model.verdict
    assert model.errors["test"].energy_meV_atom < 0.01


def test_a_known_difference_is_learned_better_than_the_line(trained):
    model = trained(task_of("hf-dft", "hf", "dft", max_epochs=60, gamma=0.97, batch_size=2))
    line = {baseline.split: baseline.line_meV_atom for baseline in model.baselines}["test"]

    assert model.learned, model.verdict
    assert model.errors["test"].energy_meV_atom < 0.8 * line
    assert model.rms_delta_force_meV_A > 10
