"""Labels by engines as a stage of a campaign: what is asked, how it is shared out, what fails, what goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.planning.plan import Plan, plan
from campaign.spec import ResolvedSpec, SpecError, load_spec
from campaign.steering.status import State, states
from flows.records import Failure
from flows.training.settings import TrainingTask
from launchers.queue.launchpad import QueuedWork

ASKED = """
campaign: labels
systems:
  copper:
    structure: {prototype: fcc, symbols: [Cu], a: 3.6}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2], big: [2, 2, 2]}
    levels:
      dft: {engine: emt, forces: true}
      hf: {engine: other, structures: 6}
    sampling: {rattles: {count: 20, displacements_A: [0.03, 0.06]}}
engines:
  emt: {kind: ase, calculator: "ase.calculators.emt:EMT"}
  other: {kind: ase, calculator: "ase.calculators.emt:EMT", arguments: {asap_cutoff: true}, stands_for: {hf: false}}
labelling: {tolerance: 0.1, pilots: 3}
models: [dft_ef, hf-dft]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, max_epochs: 2}
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "labels.yaml"
    path.write_text(ASKED)
    return path


@pytest.fixture
def spec(written: Path) -> ResolvedSpec:
    return load_spec(written).resolved


def labels_of(spec: ResolvedSpec, level: str) -> list[str]:
    return list(label_requests(spec, "copper", Knowledge()).labels[level].values())


def there(keys: Iterable[str], seconds: float = 10.0) -> dict[str, float]:
    return dict.fromkeys(keys, seconds)


def chunks(made: Plan, level: str) -> list:
    return [work for work in made.of_stage("label") if work.model.startswith(f"{level} by")]


def claimed(made: Plan) -> dict[str, tuple[str, ...]]:
    """What the database holds when all that could be queued is."""
    now = states(made, set(), {})
    return {key: work.parts for key, work in made.work.items() if work.stage == "label" and now[key] is State.MISSING}


def test_until_a_cost_is_known_pilots_measure_it_and_the_rest_waits(spec):
    made = plan(spec, Knowledge())
    first, *others = chunks(made, "dft")
    now = states(made, set(), {})
    assert [work.count for work in (first, *others)] == [1, 1, 1, 17]
    assert [now[work.key] for work in (first, *others)] == [State.MISSING] * 3 + [State.WAITING]
    assert {now[work.key] for work in made.of_stage("train")} == {State.WAITING}


@pytest.mark.parametrize(("seconds", "size"), [(10.0, 3), (1.0, 17), (600.0, 3), (1200.0, 1), (1e5, 1)])
def test_jobs_are_as_long_as_the_measured_cost_allows(spec, seconds, size):
    """17 structures are left: eight jobs or more, none shorter than half a minute, none longer than half an hour."""
    pilots = claimed(plan(spec, Knowledge()))
    done = there(pilots[chunks(plan(spec, Knowledge()), "dft")[0].key], seconds)
    sizes = [work.count for work in chunks(plan(spec, Knowledge(seconds=done, chunks=pilots)), "dft")]
    assert sizes[3:][0] == size
    assert sum(sizes) == 20


def test_what_is_claimed_stays_together_whatever_the_size_is_now(spec):
    pilots = claimed(plan(spec, Knowledge()))
    done = there(key for keys in pilots.values() for key in keys)
    first = claimed(plan(spec, Knowledge(seconds=done, chunks=pilots)))
    slower = dict.fromkeys(done, 100000.0)
    again = plan(spec, Knowledge(seconds=slower, chunks={**pilots, **first}))
    assert {work.key: set(work.parts) for work in again.of_stage("label")} == {
        key: set(parts) for key, parts in {**pilots, **first}.items()
    }


def test_no_label_is_in_two_jobs_and_none_is_forgotten(spec):
    made = plan(spec, Knowledge())
    parts = [part for work in made.of_stage("label") for part in work.parts]
    assert sorted(parts) == sorted([*labels_of(spec, "dft"), *labels_of(spec, "hf")])


def test_an_expensive_level_takes_its_subset_of_the_same_structures(spec):
    asked = label_requests(spec, "copper", Knowledge())
    assert len(asked.labels["hf"]) == 6
    assert set(asked.labels["hf"]) < set(asked.labels["dft"])


def test_keys_of_models_are_known_before_the_labels_and_stay(spec):
    early = {work.key for work in plan(spec, Knowledge()).work.values() if work.stage in ("train", "sum", "phonons")}
    every = there([*labels_of(spec, "dft"), *labels_of(spec, "hf")])
    late = plan(spec, Knowledge(seconds=every))
    assert early == {work.key for work in late.work.values() if work.stage in ("train", "sum", "phonons")}
    assert all(work.needs == () for work in late.of_stage("train"))


def test_how_labels_are_shared_out_is_in_no_key(spec, written):
    def models(resolved: ResolvedSpec) -> set[str]:
        return {work.key for work in plan(resolved, Knowledge()).work.values() if work.stage != "label"}

    other = load_spec(written, ["labelling={job_minutes: 1, pilots: 1, tolerance: 0.5}", "campaign=other"]).resolved
    assert models(other) == models(spec)
    assert labels_of(other, "dft") == labels_of(spec, "dft")


def test_more_structures_add_only_their_labels(spec, written):
    more = load_spec(written, ["systems.copper.sampling.rattles.count=30"]).resolved
    assert set(labels_of(spec, "dft")) < set(labels_of(more, "dft"))


def failing(keys: Iterable[str]) -> dict[str, Failure]:
    why = Failure(stage="label", kind="unconverged", message="SCF")
    return {key: why.model_copy(update={"label_key": key}) for key in keys}


def test_within_the_tolerance_models_go_on_without_what_failed(spec):
    keys = labels_of(spec, "dft")
    made = plan(spec, Knowledge(seconds=there(keys[2:]), failed=failing(keys[:2])))
    (trained,) = (work for work in made.of_stage("train") if work.model == "dft_ef")
    assert isinstance(trained.task, TrainingTask)
    assert {key for (key,) in (*trained.task.train, *trained.task.valid)} == set(keys[2:])
    assert made.gaps == ()


def test_beyond_the_tolerance_there_is_a_named_gap(spec):
    keys = labels_of(spec, "dft")
    made = plan(spec, Knowledge(seconds=there(keys[3:]), failed=failing(keys[:3])))
    assert [(gap.model, gap.why[:53]) for gap in made.gaps] == [
        (model, "3 of 20 labels of dft failed, more than labelling.tol") for model in ("dft_ef", "hf-dft")
    ]
    assert made.of_stage("train") == []


def test_where_all_pilots_fail_nothing_more_is_spent(spec):
    pilots = claimed(plan(spec, Knowledge()))
    mine = {work.key for work in chunks(plan(spec, Knowledge()), "dft")}
    failed = failing(key for chunk in mine & pilots.keys() for key in pilots[chunk])
    made = plan(spec, Knowledge(failed=failed, chunks=pilots))
    rest = [work for work in chunks(made, "dft") if work.needs]
    assert len(rest) == 1
    assert set(rest[0].needs) <= pilots.keys()
    (stopped,) = made.stopped
    assert (stopped.level, stopped.failed, stopped.tried, stopped.count) == ("dft", 3, 3, 17)
    assert (
        stopped.text("labels")
        == "DFT of copper stopped after its pilots: 3 of 3 failed: SCF; 17 labels are not begun before `latticefarm retry labels`, pilots first"
    )


def test_a_fixed_number_of_structures_in_a_job_comes_after_the_pilots(written):
    fixed = load_spec(written, ["labelling.structures_per_job=5"]).resolved
    early = plan(fixed, Knowledge())
    now = states(early, set(), {})
    assert [(work.count, now[work.key]) for work in chunks(early, "dft")] == [(1, State.MISSING)] * 3 + [(17, State.WAITING)]
    pilots = claimed(early)
    late = plan(fixed, Knowledge(seconds=there(next(iter(pilots.values()))), chunks=pilots))
    assert [work.count for work in chunks(late, "dft")] == [1, 1, 1, 5, 5, 5, 2]


def two_levels(written: Path) -> ResolvedSpec:
    """`dft` of 20 and `hf` of 6 structures by one engine, in the same jobs."""
    document = yaml.safe_load(written.read_text())
    document["engines"] = {"both": {**document["engines"]["other"], "stands_for": {"dft": True, "hf": False}}}
    levels = document["systems"]["copper"]["levels"]
    levels["dft"]["engine"] = levels["hf"]["engine"] = "both"
    written.write_text(yaml.safe_dump(document))
    return load_spec(written).resolved


def test_only_the_level_whose_pilots_failed_is_stopped(written):
    spec = two_levels(written)
    pilots = claimed(plan(spec, Knowledge()))
    hf = set(labels_of(spec, "hf"))
    tried = [key for keys in pilots.values() for key in keys]
    failed = failing(key for key in tried if key in hf)
    assert len(failed) == 3
    made = plan(spec, Knowledge(seconds=there(key for key in tried if key not in hf), failed=failed, chunks=pilots))
    now = states(made, {key for key in pilots if hf.isdisjoint(pilots[key])}, {key: fizzled(key) for key in pilots})
    left = {work.key: work for work in made.of_stage("label") if work.key not in pilots}
    assert {(work.model, now[key]) for key, work in left.items()} == {("hf by both", State.BLOCKED), ("dft by both", State.MISSING)}
    every = {*labels_of(spec, "dft"), *hf}
    assert {key for work in left.values() for key in work.parts} == every - set(tried)
    (stopped,) = made.stopped
    assert (stopped.level, stopped.count) == ("hf", 3)


def fizzled(key: str) -> QueuedWork:
    return QueuedWork(key, 1, "FIZZLED", {})


def test_a_pilot_that_is_on_its_way_is_waited_for(spec):
    """Two have failed, one runs: nothing is stopped, nothing more is begun."""
    pilots = claimed(plan(spec, Knowledge()))
    mine = [work.key for work in chunks(plan(spec, Knowledge()), "dft") if work.key in pilots]
    failed = failing(key for chunk in mine[:2] for key in pilots[chunk])
    made = plan(spec, Knowledge(failed=failed, chunks=pilots))
    assert made.stopped == ()
    (rest,) = (work for work in chunks(made, "dft") if work.needs)
    assert rest.needs == (mine[2],)


def test_more_pilots_are_tried_where_more_are_asked_for(spec, written):
    pilots = claimed(plan(spec, Knowledge()))
    mine = [work.key for work in chunks(plan(spec, Knowledge()), "dft") if work.key in pilots]
    failed = failing(key for chunk in mine for key in pilots[chunk])
    more = load_spec(written, ["labelling.pilots=5"]).resolved
    made = plan(more, Knowledge(failed=failed, chunks=pilots))
    assert made.stopped == ()
    assert [(work.count, bool(work.needs)) for work in chunks(made, "dft")] == [(1, False)] * 5 + [(15, True)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("systems.copper.levels.dft.engine=emd", "no engine 'emd' in engines; did you mean emt?"),
        ("systems.copper.levels.dft.engine=other", "other (ase) computes no dft; it has hf"),
        ("systems.copper.levels.hf.forces=true", "other (ase) has no forces at hf; remove it"),
        ("systems.copper.levels.hf.phonons=true", "a level's own phonons need an engine with forces; remove it"),
        ("systems.copper.sampling=null", "has no structures to label; say how to draw them: sampling"),
        ("systems.copper.sampling.rattles.cuont=3", "unknown key; did you mean count?"),
        ("engines.emt.calculater=x", "unknown key; did you mean calculator?"),
        ("engines.emt.kind=vaps", "no engine is of the kind 'vaps'"),
        ("engines.pyscf={basys: gth-szv}", "unknown key; did you mean basis?"),
        ("labelling.tolerance=2", "labelling.tolerance"),
        ("systems.copper.frozen_phonon={displacements_A: [0.04, 0.08]}", "needs a cubic crystal with two atoms"),
        ("systems.copper.sampling.sweep={level: hf}", "'hf' has no engine with forces here"),
        ("systems.copper.sampling.sweep={steps: 500}", "what moves the atoms?"),
        (
            "systems.copper.sampling.sweep={model: {system: gold, model: dft_ef, seed: 1}}",
            "'gold' is no system above this one",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(written, wrong, said):
    with pytest.raises(SpecError) as error:
        load_spec(written, [wrong])
    assert said in str(error.value)
    assert len(error.value.problems) == 1, str(error.value)


def test_two_claims_share_no_label(farm):
    from launchers.queue.claims import holders, insert_new

    def claim(key: str, *parts: str) -> dict:
        return {"_id": key, "parts": list(parts), "token": "t", "claimed_at": datetime.now(UTC)}

    insert_new(farm, [claim("one", "a", "b")])
    insert_new(farm, [claim("two", "b", "c"), claim("three", "d")])
    assert holders(farm, ["a", "b", "c", "d"]) == {"one": ("a", "b"), "three": ("d",)}


class TestRunning:
    """With a real queue, a worker in this process, and EMT."""

    @pytest.fixture
    def asked(self, written: Path, farm) -> ResolvedSpec:
        assert farm is not None
        document = yaml.safe_load(written.read_text())
        copper = document["systems"]["copper"]
        copper["sampling"]["rattles"]["count"] = 6
        copper["levels"] = {"dft": copper["levels"]["dft"] | {"phonons": True}}
        copper["cells"]["phonons"] = [1, 1, 1]
        document |= {"models": ["dft_ef"], "labelling": {"structures_per_job": 4, "pilots": 10}}
        written.write_text(yaml.safe_dump(document))
        return load_spec(written).resolved

    def submit(self, farm, written: Path):
        from campaign.steering.submit import submit

        return submit(farm, load_spec(written), timedelta(0))

    def work(self, farm, tmp_path: Path) -> int:
        from launchers.workers.settings import WorkerSettings
        from launchers.workers.worker import Worker

        settings = WorkerSettings(run_root=tmp_path / "runs", categories=("label",), until_empty=True)
        return Worker(farm, settings).run()

    def test_each_label_is_a_record_with_its_own_numbers(self, farm, asked, written, tmp_path):
        from ase.calculators.emt import EMT

        from campaign.records.lookup import known
        from campaign.steering.submit import planned
        from flows.keys import job_uuid
        from flows.records import Label

        self.submit(farm, written)
        self.work(farm, tmp_path)
        every = label_requests(asked, "copper", known(farm, asked, {}))
        records = farm.records(map(job_uuid, every.places))
        assert len(records) == len(every.places)
        for record in records.values():
            label = Label.model_validate(record)
            atoms = label.structure.atoms()
            atoms.calc = EMT()
            assert label.energy_eV == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        assert all(not work.needs for work in planned(farm, asked).of_stage("train"))

    @pytest.mark.usefixtures("asked")
    def test_submitting_again_adds_nothing(self, farm, written):
        assert self.submit(farm, written).added
        other = replace(farm, token="another process")
        assert self.submit(other, written).added == ()

    @pytest.mark.usefixtures("asked")
    def test_what_another_campaign_has_labelled_is_there(self, farm, written, tmp_path):
        self.submit(farm, written)
        self.work(farm, tmp_path)
        written.write_text(written.read_text().replace("campaign: labels", "campaign: twin"))
        added = self.submit(farm, written)
        assert not [work for work in added.status.of(State.MISSING) if work.stage == "label"]


    def test_what_waited_for_one_pilot_is_shared_out_by_its_cost(self, farm, asked, written, tmp_path):
        """Its record, which releases what waits for it, does not release the job that stands for the rest."""
        del asked
        document = yaml.safe_load(written.read_text())
        document["labelling"] = {"pilots": 1, "structures_per_job": 2}
        del document["systems"]["copper"]["levels"]["dft"]["phonons"]
        written.write_text(yaml.safe_dump(document))
        self.submit(farm, written)
        self.work(farm, tmp_path)
        parts = [len(one["parts"]) for one in farm.work.find({"parts": {"$exists": True}})]
        assert sorted(parts) == [1, 1, 2, 2]

    def test_a_failure_ends_when_the_label_is_there(self, farm, asked, written, tmp_path, monkeypatch):
        """Whichever job has computed it since: here, one that another campaign asked for."""
        from campaign.records.lookup import known
        from campaign.results import open_campaign
        from campaign.steering.status import status_of
        from campaign.steering.submit import planned
        from flows.failure import CalculationFailed

        def fails(task, *_):
            label_keys = {key for item in task.items for key in keys_of[item.structure.key()]}
            parts = [Failure(stage="label", kind="crashed", message="no", label_key=key, level="dft") for key in label_keys]
            raise CalculationFailed(parts[0], parts)

        requests = label_requests(asked, "copper", known(farm, asked, {}))
        keys_of: dict[str, list[str]] = {}
        for key, (structure, _) in requests.places.items():
            keys_of.setdefault(requests.structures[structure].key(), []).append(key)
        monkeypatch.setattr("flows.labelling.jobs.label_chunk", fails)
        self.submit(farm, written)
        self.work(farm, tmp_path)
        toy = open_campaign(farm, "labels")
        assert len(toy.failures()) == len(requests.places)
        assert len(status_of(farm, toy.plan).of(State.FAILED)) == len(requests.places)  # all are pilots

        first, *others = requests.places.items()
        engine = asked.systems["copper"].engines["emt"]
        self.store(farm, [first], requests, engine)
        assert len(open_campaign(farm, "labels").failures()) == len(others)
        self.store(farm, others, requests, engine)
        assert open_campaign(farm, "labels").failures() == []
        now = status_of(farm, planned(farm, asked))
        assert not now.of(State.FAILED)
        assert {work.stage for work in now.of(State.DONE)} == {"label"}
        assert {work.stage for work in now.of(State.MISSING)} == {"train", "phonons"}

    def store(self, farm, places, requests, engine) -> None:
        import numpy as np

        from flows.keys import job_uuid
        from flows.labelling.computed import computed_label
        from flows.labelling.engines.protocol import Computed

        for key, (structure, level) in places:
            atoms = requests.structures[structure]
            label = computed_label(atoms, level, engine, True, Computed(1.0, np.zeros((len(atoms.symbols), 3))))
            assert label.key == key
            farm.store_records({job_uuid(key): label.model_dump(mode="json")}, "label")


class TestSweep:
    """Structures that are known only when an MD has run."""

    SWEEP = (
        "systems.copper.sampling={sweep: {level: dft, temperatures_K: [100, 300], steps: 20, discard: 0, every: 5}}"
    )

    @pytest.fixture
    def asked(self, written: Path) -> ResolvedSpec:
        return load_spec(written, [self.SWEEP]).resolved

    def test_first_the_md_and_nothing_that_needs_its_frames(self, asked):
        made = plan(asked, Knowledge())
        (sweep,) = made.work.values()
        assert (sweep.stage, sweep.model, sweep.title) == ("sample", "dft", "sample dft of copper")
        assert states(made, set(), {}) == {sweep.key: State.MISSING}

    def test_a_model_of_another_system_can_move_the_atoms(self, written):
        document = yaml.safe_load(written.read_text())
        copper = document["systems"].pop("copper")
        mover = {"system": "small", "model": "delta_hf", "seed": 1}
        sweep = {"sweep": {"model": mover, "steps": 200}}
        document["systems"] = {"small": copper, "big": copper | {"sampling": sweep}}
        written.write_text(yaml.safe_dump(document, sort_keys=False))
        made = plan(load_spec(written).resolved, Knowledge())
        (sample,) = made.of_stage("sample")
        (moved,) = (work for work in made.of_stage("phonons") if work.model == "delta_hf")
        assert sample.needs == moved.needs
        assert states(made, set(), {})[sample.key] is State.WAITING

    def test_its_frames_are_labelled_and_what_it_computed_is_not_computed_again(self, farm, written, tmp_path):
        from campaign.records.lookup import known
        from campaign.steering.submit import planned, submit
        from launchers.workers.settings import WorkerSettings
        from launchers.workers.worker import Worker

        loaded = load_spec(written, [self.SWEEP])
        submit(farm, loaded, timedelta(0))
        settings = WorkerSettings(run_root=tmp_path / "runs", categories=("label",), until_empty=True)
        Worker(farm, settings).run()
        made = planned(farm, loaded.resolved)
        found = known(farm, loaded.resolved, {})
        (asked,) = (label_requests(loaded.resolved, name, found) for name in loaded.resolved.systems)
        assert len(asked.drawn) == 8
        assert {drawn.method for drawn in asked.drawn.values()} == {"sweep"}
        assert asked.missing(found, ("dft", "hf")) == set()
        assert {work.model for work in made.of_stage("label")} == {"hf by other"}
        assert all(not work.needs for work in made.of_stage("train"))
