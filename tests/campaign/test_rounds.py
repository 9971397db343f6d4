"""Rounds of a level with a target: what is planned follows from what is known, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.planning.plan import plan
from campaign.planning.rounds import FIRST, enough
from campaign.spec import ResolvedSpec, SpecError, UntilSpec, load_spec
from flows.failure import CalculationFailed
from flows.forecast.settings import ForecastTask
from flows.records import Forecast, LearningPoint, Reach

YAML = """\
campaign: rounds
systems:
  diamond:
    structure: {prototype: diamond, symbols: [C], a: 3.56}
    cells: {training: [1, 1, 1]}
    levels:
      dft: {engine: pyscf, forces: true, functional: PBE}
      hf: {engine: pyscf, structures: full, draw: informative, until: {modes_cm1: 2}}
    sampling: {rattles: {displacements_A: [0.02, 0.04], count: 50}}
models: [dft_ef, hf-dft_fc]
training: {seeds: [1], sizes: [full]}
engines: {pyscf: {}}
"""
POOL = 50


@pytest.fixture
def spec_of(tmp_path: Path):
    def make(text: str = YAML, *overrides: str) -> ResolvedSpec:
        (tmp_path / "rounds.yaml").write_text(text)
        return load_spec(tmp_path / "rounds.yaml", overrides).resolved

    return make


def record(task: ForecastTask, error_cm1: float) -> Forecast:
    """What a forecast says where the error is `error_cm1` for one label, and falls with their square root."""
    count = len(task.labelled)

    def reach(some: int) -> Reach:
        return Reach(count=some, modes_cm1=error_cm1 / some**0.5)

    return Forecast(
        key=task.key,
        system=task.system,
        model=task.model,
        pool=len(task.pool),
        labelled=count,
        least=5,
        noise_meV_atom=0.1,
        assumed=count == 0,
        reached=reach(count) if count else None,
        ahead=tuple(reach(some) for some in range(count + 1, len(task.pool) + 1)),
    )


def labelled(spec: ResolvedSpec, known: Knowledge) -> list[str]:
    return list(label_requests(spec, "diamond", known).labels["hf"].values())


def step(spec: ResolvedSpec, known: Knowledge, error_cm1: float) -> Knowledge:
    """All labels that are asked for come, then the forecasts that wait for them."""
    asked = label_requests(spec, "diamond", known)
    known = replace(known, seconds={**known.seconds, **dict.fromkeys(asked.places, 1.0)})
    tasks = [work.task for work in plan(spec, known).of_stage("forecast")]
    return replace(known, forecasts={**known.forecasts, **{task.key: record(task, error_cm1) for task in tasks}})


def finished(spec: ResolvedSpec, error_cm1: float, known: Knowledge | None = None) -> tuple[list[int], list[str], Knowledge]:
    """How many labels each round had, all of them in their order, and what is known then."""
    known, counts = known or Knowledge(), []
    while True:
        keys = labelled(spec, known)
        if counts and counts[-1] == len(keys):
            return counts, keys, known
        counts.append(len(keys))
        known = step(spec, known, error_cm1)


def test_it_begins_with_pilots_and_ends_at_its_target(spec_of) -> None:
    counts, _, known = finished(spec_of(), error_cm1=10.0)
    assert counts[0] == FIRST
    assert counts == [12, 24, 27]  # 25 labels are enough; at least an eighth more are taken
    last = plan(spec_of(), known).of_stage("forecast")[-1]
    assert len(last.task.labelled) == 27


def test_a_target_that_is_reached_asks_for_no_more(spec_of) -> None:
    assert finished(spec_of(), error_cm1=5.0)[0] == [12]


def test_the_pool_ends_it(spec_of) -> None:
    assert finished(spec_of(), error_cm1=100.0)[0] == [12, 24, 48, POOL]


def test_the_largest_number_ends_it(spec_of) -> None:
    text = YAML.replace("structures: full, draw", "structures: 20, draw")
    assert finished(spec_of(text), error_cm1=100.0)[0] == [12, 20]


def test_a_raised_target_only_adds(spec_of) -> None:
    _, few, known = finished(spec_of(), error_cm1=10.0)
    finer = spec_of(YAML.replace("modes_cm1: 2", "modes_cm1: 1.5"))
    _, more, _ = finished(finer, 10.0, known)
    assert more[: len(few)] == few
    assert len(more) > len(few)


def test_what_is_there_is_used_whoever_asked_for_it(spec_of) -> None:
    """A lowered target leaves no label aside, and asks for none."""
    _, many, known = finished(spec_of(), error_cm1=10.0)
    coarser = spec_of(YAML.replace("modes_cm1: 2", "modes_cm1: 3"))
    counts, again, _ = finished(coarser, 10.0, known)
    assert counts[-1] == len(many)
    assert again == many


def test_it_is_the_same_wherever_it_is_stopped(spec_of) -> None:
    """Labels come in any order, and somebody plans again after each."""
    spec = spec_of()
    _, undisturbed, _ = finished(spec, error_cm1=10.0)
    known, seen = Knowledge(), []
    for _ in range(200):
        asked = label_requests(spec, "diamond", known)
        open_ = [key for key in asked.places if key not in known.seconds]
        seen = labelled(spec, known)
        assert seen == undisturbed[: len(seen)]
        if open_:
            known = replace(known, seconds={**known.seconds, **dict.fromkeys(open_[::-2] or open_, 1.0)})
            continue
        tasks = [work.task for work in plan(spec, known).of_stage("forecast") if work.key not in known.forecasts]
        if not tasks:
            break
        known = replace(known, forecasts={**known.forecasts, tasks[-1].key: record(tasks[-1], 10.0)})
    assert seen == undisturbed


def test_models_wait_for_the_last_round(spec_of) -> None:
    spec = spec_of()
    known = step(spec, Knowledge(), 10.0)
    for what in (Knowledge(), known):
        planned = plan(spec, what)
        pending = label_requests(spec, "diamond", what).rounds["hf"].awaited
        (fit,) = (work for work in planned.of_stage("train") if work.model == "hf-dft_fc")
        assert pending in fit.needs
        (base,) = (work for work in planned.of_stage("train") if work.model == "dft_ef")
        assert pending not in base.needs
    _, _, known = finished(spec, 10.0)
    (fit,) = (work for work in plan(spec, known).of_stage("train") if work.model == "hf-dft_fc")
    assert fit.needs == ()


def test_a_label_that_fails_is_not_waited_for(spec_of) -> None:
    spec = spec_of()
    asked = label_requests(spec, "diamond", Knowledge())
    failed = asked.labels["hf"][next(iter(asked.labels["hf"]))]
    failure = CalculationFailed.of("label", "unconverged", "no", "try").failure
    known = Knowledge(seconds={key: 1.0 for key in asked.places if key != failed}, failed={failed: failure})
    tasks = [work.task for work in plan(spec, known).of_stage("forecast")]
    assert len(tasks[-1].labelled) == FIRST - 1
    assert plan(spec, known).of_stage("forecast")[-1].needs == ()


def test_a_forecast_is_made_before_any_label_and_its_key_stays(spec_of) -> None:
    spec = spec_of()
    first = plan(spec, Knowledge()).of_stage("forecast")
    assert [len(work.task.labelled) for work in first] == [0, FIRST]
    assert len(first[0].task.pool) == POOL
    _, _, known = finished(spec, 10.0)
    assert plan(spec, known).of_stage("forecast")[0].key == first[0].key
    without = spec_of(YAML.replace(", until: {modes_cm1: 2}", ""))
    other = plan(without, Knowledge()).of_stage("forecast")
    assert [len(work.task.labelled) for work in other] == [0, POOL]
    assert other[0].key == first[0].key


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("draw: informative, until", "draw: random, until", "draw: informative"),
        ("models: [dft_ef, hf-dft_fc]", "models: [dft_ef, hf-dft]", "hf-dft_fc"),
        ("until: {modes_cm1: 2}", "until: {modes_cm1: 0}", "greater than 0"),
        ("until: {modes_cm1: 2}", "until: {modes_cm: 2}", "modes_cm1"),
    ],
    ids=["draw", "model", "zero", "name"],
)
def test_targets_that_cannot_be(spec_of, old: str, new: str, words: str) -> None:
    with pytest.raises(SpecError) as refused:
        spec_of(YAML.replace(old, new))
    assert words in str(refused.value)


def test_how_many_would_have_been_enough() -> None:
    """The first number from which on every larger one is below the target too."""
    points = [(10, 3.0), (16, 1.8), (26, 2.4), (41, 1.9), (66, 1.2)]
    behind = tuple(LearningPoint(count=n, draw="chosen", modes_cm1=error, apart_cm1=0.0) for n, error in points)
    chance = LearningPoint(count=5, draw="random", modes_cm1=0.1, apart_cm1=9.0)
    about = {"key": "k", "system": "s", "model": "m", "pool": 100, "labelled": 100, "least": 5, "noise_meV_atom": 0.1, "assumed": False}
    found = Forecast(**about, behind=(chance, *behind), reached=Reach(count=100, modes_cm1=1.0))
    assert enough(found, UntilSpec(modes_cm1=2)) == 41
    assert enough(found, UntilSpec(modes_cm1=1.1)) == 100
    assert enough(found, UntilSpec(modes_cm1=0.5)) is None
