"""`plan` says why a model is trained again: what was it, what is it now."""

from __future__ import annotations

import pytest

from campaign.planning.retraining import EarlierTraining, retrainings
from campaign.planning.work import Coordinates, Work
from campaign.spec import load_spec
from campaign.steering.submit import advance, submit
from flows.training.settings import TrainingSettings, TrainingTask
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker


def asked(seed: int = 1, structures: int = 3, **settings) -> Work:
    labels = tuple((f"label-{number}",) for number in range(structures))
    task = TrainingTask(
        key="new", system="c", model="dft_ef", seed=seed, size="full",
        settings=TrainingSettings(**settings), train=labels, valid=labels[:1],
    )
    return Work("new", "train", "c", "dft_ef", seed, "full", (), task)


def done(seed: int = 1, train_count: int = 3, model: str = "dft_ef", **settings) -> EarlierTraining:
    place = Coordinates("c", model, seed, "full")
    return EarlierTraining("old", place, TrainingSettings(**settings).model_dump(mode="json"), train_count)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (done(max_epochs=20), "trained before with max_epochs 20, now 40"),
        (done(max_epochs=20, r_max=4.0), "trained before with r_max 4.0, max_epochs 20, now 5.0, 40"),
        (done(max_epochs=40, train_count=5), "trained before on 5 structures, now on 3"),
        (done(max_epochs=40), "trained before on other labels or structures"),
    ],
)
def test_what_changed_is_said(before: EarlierTraining, said: str) -> None:
    assert list(retrainings([asked(max_epochs=40)], [before])) == [
        f"ML(DFT_EF) of c, full: {said} (seed 1); the old model is kept"
    ]


def test_seeds_are_named_together_and_the_nearest_model_counts() -> None:
    works = [asked(seed, max_epochs=40) for seed in (1, 2)]
    before = [done(seed, max_epochs=epochs, r_max=r) for seed in (1, 2) for epochs, r in ((20, 4.0), (30, 5.0))]
    (said,) = retrainings(works, before)
    assert said == "ML(DFT_EF) of c, full: trained before with max_epochs 30, now 40 (seed 1, 2); the old models are kept"


def test_what_was_never_trained_has_no_reason() -> None:
    assert list(retrainings([asked(seed=1)], [done(seed=2), done(seed=1, model="hf_ef")])) == []


def test_through_the_command_line(toy_folder, farm, latticefarm, tmp_path) -> None:
    few = ["models=[dft_ef]", "training.sizes={few: 8}", "training.seeds=[1]"]
    submit(farm, load_spec(toy_folder / "toy.yaml", few))
    Worker(farm, WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=1.0, then=advance)).run()
    options = [word for one in [*few, "mace.max_epochs=3"] for word in ("--set", one)]
    said = latticefarm("plan", toy_folder / "toy.yaml", *options)
    assert "again: ML(DFT_EF) of carbon, few: trained before with max_epochs 2, now 3 (seed 1); the old model is kept" in (
        " ".join(said.out.split())
    )
    assert "again:" not in latticefarm("plan", toy_folder / "toy.yaml", *options[:-2]).out
