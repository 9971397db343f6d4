"""Old records by today's rule: baselines and verdicts from labels, and of what is made of models from its parts."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import results_world as world
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from campaign.planning.work import Work
from campaign.results import Campaign, Result, open_campaign
from campaign.results.export import export_files
from flows.keys import job_uuid
from flows.records import Baseline, Errors, Label, TrainedModel
from flows.training import potentials
from flows.training.datasets import dataset, label_keys
from flows.training.settings import TrainingTask
from flows.training.verdict import baselines, judge_difference
from launchers.farm import Farm

OFF_THE_LINE_EV = (0.4, -0.3, -0.2, 0.5, -0.4, 0.1, -0.5, 0.3, 0.2, -0.1, 0.4, -0.4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels of `hf` that a straight line in the energy of `dft` does not give."""
    path = tmp_path_factory.mktemp("older")
    world.write_labels(path)
    images = read(path / "hf.xyz", index=":", format="extxyz")
    for atoms, more in zip(images, OFF_THE_LINE_EV, strict=False):
        atoms.calc = SinglePointCalculator(atoms, energy=atoms.get_potential_energy() + more)
    write(path / "hf.xyz", images, format="extxyz")
    return path


def stored(folder: Path, change: Callable[[TrainedModel], TrainedModel]) -> Farm:
    """Everything, the models changed."""
    farm = world.farm()
    made = world.enter(farm, world.load(folder))
    world.everything(farm, made)
    for work in made.of_stage("train"):
        world.store(farm, change(world.trained(farm, work, 0.008)))
    return farm


def older(record: TrainedModel) -> TrainedModel:
    """As the rule was: a line that was fitted to train and valid, of which slope and counts are not known."""
    if "-" not in record.model:
        return record.model_copy(update={"verdict": "valid force RMSE 50 meV/Å is 8% of the RMS force"})
    lines = tuple(Baseline(split=split, constant_meV_atom=1.0, line_meV_atom=0.5) for split in record.errors)
    stored = {"line_slope": None, "learned": False, "verdict": "test RMSE 2 meV/atom, a straight line in E_base 0.5"}
    return record.model_copy(update={"baselines": lines, **stored})


@pytest.fixture(scope="module")
def farm(folder: Path) -> Farm:
    return stored(folder, older)


@pytest.fixture(scope="module")
def campaign(farm: Farm) -> Campaign:
    return open_campaign(farm, "toy")


def differences(campaign: Campaign) -> list[Result]:
    return [one for one in campaign.trainings() if "-" in one.work.model]


def labels_of(farm: Farm, work: Work) -> dict[str, Label]:
    assert isinstance(work.task, TrainingTask)
    found = farm.records(map(job_uuid, label_keys(work.task)))
    return {key: Label.model_validate(found[job_uuid(key)]) for key in label_keys(work.task)}


def test_an_older_record_is_judged_as_its_dataset_would_be(farm: Farm, campaign: Campaign) -> None:
    assert len(differences(campaign)) == 6
    for one in differences(campaign):
        assert isinstance(one.work.task, TrainingTask)
        direct = baselines(dataset(one.work.task, labels_of(farm, one.work)))
        verdict = judge_difference(one.record.errors, direct, 12.0)
        assert [line.split for line in one.record.baselines] == [line.split for line in direct]
        for found, expected in zip(one.record.baselines, direct, strict=True):
            assert found.model_dump() == pytest.approx(expected.model_dump())
        assert (one.record.learned, one.record.verdict) == (verdict.learned, verdict.reason)
    assert all(one.record.learned for one in differences(campaign))  # 2 meV/atom, of a spread of some 40
    slopes = campaign.table("training").set_index(["model", "size", "seed"])["line_slope"]
    assert slopes["hf-dft", "full", 1] == pytest.approx(differences(campaign)[0].record.line_slope)
    assert slopes.isna()["delta_hf", "full", 1]


def test_a_verdict_on_a_level_says_what_it_rests_on(campaign: Campaign) -> None:
    verdicts = {one.work.size: one.record.verdict for one in campaign.trainings() if one.work.model == "dft_ef"}
    said = "valid force RMSE 50 meV/Å is 8% of the RMS force (only {}, by which the epoch was chosen too)"
    assert verdicts == {size: said.format(count) for size, count in (("full", "2 structures"), ("half", "1 structure"), ("few", "1 structure"))}


def opened(folder: Path, change: Callable[[TrainedModel], TrainedModel]) -> list[TrainedModel]:
    """The trainings as results show them."""
    return [one.record for one in open_campaign(stored(folder, change), "toy").trainings()]


def rested(record: TrainedModel) -> TrainedModel:
    """As the rule was, of a frame at rest that validates: an RMSE of nothing beside forces of nothing."""
    errors = {split: one.model_copy(update={"force_meV_A": 1259.0 if split == "train" else 0.0}) for split, one in record.errors.items()}
    said = {"learned": True, "verdict": "valid force RMSE 0 meV/Å is 0% of the RMS force (only 1 structure, by which the epoch was chosen too)"}
    return record.model_copy(update={"errors": errors, **said})


def test_an_old_verdict_by_frames_at_rest_is_taken_back(folder: Path, tmp_path: Path) -> None:
    images = read(folder / "dft.xyz", index=":", format="extxyz")
    for atoms in images[1:]:
        atoms.calc = SinglePointCalculator(atoms, energy=atoms.get_potential_energy(), forces=0 * atoms.positions)
    write(tmp_path / "dft.xyz", images, format="extxyz")
    (tmp_path / "hf.xyz").write_text((folder / "hf.xyz").read_text())
    found = opened(tmp_path, lambda one: rested(one) if one.model == "dft_ef" else one)
    levels = [one for one in found if one.model == "dft_ef" and one.size == "full"]  # the one that moves trains
    assert len(levels) == 2
    assert not any(one.learned for one in levels)
    assert all("cannot be judged: RMS force of" in one.verdict or "train force RMSE 1259" in one.verdict for one in levels)


def test_an_old_verdict_by_no_forces_is_made_by_energies(folder: Path) -> None:
    """2 meV/atom by the records, and the energies of the toy crystal vary by more; then 10 eV/atom."""

    def forceless(record: TrainedModel, energy_meV_atom: float = 2.0) -> TrainedModel:
        errors = {split: Errors(count=one.count, energy_meV_atom=energy_meV_atom) for split, one in record.errors.items()}
        return record.model_copy(update={"errors": errors, "learned": True, "verdict": "no force labels to judge by"})

    def spread(one: TrainedModel) -> bool:
        return one.errors["test" if "test" in one.errors else "valid"].count > 1

    flat = lambda level: level.model_copy(update={"forces_eV_A": None})  # noqa: E731
    for off, learned in ((2.0, True), (1e4, False)):
        farm = stored(folder, lambda one, off=off: forceless(one, off) if one.model == "dft_ef" else one)
        for document in farm.outputs.find({"output.level": "dft"}):
            without = flat(Label.model_validate(document["output"])).model_dump(mode="json")
            farm.outputs.update_one({"uuid": document["uuid"]}, {"$set": {"output": without}})
        levels = [one.record for one in open_campaign(farm, "toy").trainings() if one.record.model == "dft_ef"]
        assert any(map(spread, levels))
        for one in levels:
            assert one.learned is (learned and spread(one)), one.verdict
            assert "a constant" in one.verdict if spread(one) else "cannot be judged" in one.verdict


def test_an_old_difference_judged_by_one_energy_is_not_learned(folder: Path) -> None:
    def single(record: TrainedModel) -> TrainedModel:
        one = {split: Errors(count=1, energy_meV_atom=0.1) for split in record.errors}
        return record.model_copy(update={"errors": one})

    lost = [one for one in opened(folder, single) if "-" in one.model]
    assert lost
    assert all(not one.learned and one.verdict.startswith("cannot be judged: a single energy was held out") for one in lost)


def test_tables_and_files_have_the_verdict_of_the_parts(campaign: Campaign, tmp_path: Path) -> None:
    """What was stored as not learned, of size `few` the sums and phonons too, has learned by today's rule."""
    for name in ("training", "learning", "phonons", "points"):
        assert campaign.table(name)["learned"].all(), name
    parts = {one.work.key: f"{one.work.model}: {one.record.verdict}" for one in campaign.trainings()}
    for one in (*campaign.sums(), *campaign.phonons()):
        assert one.record.verdict == "; ".join(parts[key] for key in one.work.needs)
        assert len(one.work.needs) == (2 if one.work.model == "delta_hf" else 1)
    few = {"system": "carbon", "model": "delta_hf", "seed": 1, "size": "few"}
    for what, count in (("models", 2), ("phonons", 1)):
        written = export_files(campaign, what, tmp_path, few)
        assert [one["learned"] for one in written] == [True] * count


def test_a_calculator_warns_by_the_rule_of_today(folder: Path, campaign: Campaign, monkeypatch) -> None:
    from ase.calculators.lj import LennardJones

    monkeypatch.setattr(potentials, "potential", lambda *_, **__: potentials.Sum([potentials.Foreign(LennardJones())]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        campaign.potential("carbon", "delta_hf", 1, "half")
    no_force = {"rms_delta_force_meV_A": 0.5, "learned": True, "verdict": "fine"}
    flat = open_campaign(stored(folder, lambda record: older(record).model_copy(update=no_force)), "toy")
    with pytest.warns(UserWarning, match=r"hf-dft has not learned .* is near zero \(below 1\)"):
        flat.potential("carbon", "delta_hf", 1, "half")
    assert not any(one.record.learned for one in (*differences(flat), *flat.sums()))


def test_without_its_labels_a_record_keeps_its_verdict(folder: Path) -> None:
    farm = stored(folder, older)
    work = open_campaign(farm, "toy").find("train", "carbon", "hf-dft", 1, "few")
    assert isinstance(work.task, TrainingTask)
    farm.outputs.delete_one({"uuid": job_uuid(work.task.test[0][0])})
    lost = open_campaign(farm, "toy")
    for one in differences(lost):
        assert (one.record.learned, one.record.verdict) == (False, "test RMSE 2 meV/atom, a straight line in E_base 0.5")
        assert one.record.line_slope is None
    assert lost.lines() == {}
    assert not any(one.record.learned for one in lost.sums())
