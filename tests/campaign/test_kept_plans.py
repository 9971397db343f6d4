"""A plan that is kept: what a record releases, who asks for what, and what nobody asks for any more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import toy_campaign
from pymongo.errors import AutoReconnect

from campaign.planning.plan import Plan
from campaign.records.campaigns import hold, unended_specs
from campaign.records.plans import asking, kept_plan, waiting_for
from campaign.spec import load_spec
from campaign.steering.status import State, status_of
from campaign.steering.submit import advance, planned, reconcile, submit
from flows.keys import job_uuid
from launchers.farm import Farm
from launchers.queue.launchpad import queued

BOTH = "models=[dft_ef,hf-dft]"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return toy_campaign.write_campaign(tmp_path)


def deliver(farm: Farm, *keys: str) -> None:
    """Records in place of those of jobs."""
    farm.store_records({job_uuid(key): {"key": key, "wall_time_s": 1.0} for key in keys}, "toy")


def light(plan: Plan) -> list[object]:
    return [replace(work, task=None, guessed_s=None) for work in plan.work.values()]  # type: ignore[arg-type]


class TestKept:
    def test_it_is_the_plan_without_tasks(self, farm, written):
        made = submit(farm, load_spec(written)).status.plan
        kept = kept_plan(farm, "toy")
        assert light(kept) == light(made)
        assert kept.gaps == made.gaps
        assert kept.dependents == made.dependents

    def test_without_its_layout_it_is_read_from_its_documents(self, farm, written, monkeypatch):
        """Of an earlier version, or of too much work; the next submission makes it where it can be had."""
        spec = load_spec(written)
        made = submit(farm, spec).status.plan
        packed = kept_plan(farm, "toy")
        farm.campaigns.update_one({"_id": "toy"}, {"$unset": {"plan.layout": ""}})
        assert kept_plan(farm, "toy") == packed
        assert list(kept_plan(farm, "toy").work) == list(made.work) == list(packed.work)
        submit(farm, spec)
        assert farm.campaigns.find_one({"_id": "toy"})["plan"]["layout"]
        monkeypatch.setattr("campaign.records.plans.MOST_PACKED", 10)
        submit(farm, load_spec(written, ["training.seeds=[1,2,3]"]))
        assert farm.campaigns.find_one({"_id": "toy"})["plan"]["layout"] is None
        assert len(kept_plan(farm, "toy").work) > len(packed.work)

    def test_what_waits_is_kept_with_its_task(self, farm, written):
        made = submit(farm, load_spec(written)).status.plan
        waiting = [(key, replace(work, guessed_s=None)) for key in made.work for _, work, _ in waiting_for(farm, key)]
        assert sorted(waiting, key=str) == sorted(((need, work) for work in made.work.values() for need in work.needs), key=str)

    def test_one_that_other_code_made_is_not_used(self, farm, written, monkeypatch):
        submit(farm, load_spec(written))
        monkeypatch.setitem(__import__("flows.faults", fromlist=["FAULTS"]).FAULTS, "label by toy, hf", ())
        assert kept_plan(farm, "toy") is None

    def test_a_writer_that_is_killed_leaves_none_that_is_believed(self, farm, written, monkeypatch):
        submit(farm, load_spec(written))

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Farm, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            submit(farm, load_spec(written, ["training.seeds=[1,2,3]"]))
        assert kept_plan(farm, "toy") is None
        monkeypatch.undo()
        made = submit(farm, load_spec(written, ["training.seeds=[1,2,3]"])).status.plan
        assert light(kept_plan(farm, "toy")) == light(made)


class TestRelease:
    def test_a_record_releases_what_a_whole_reconciliation_would(self, farm, written):
        spec = load_spec(written)
        made = submit(farm, spec).status.plan
        for train in made.of_stage("train"):
            deliver(farm, train.key)
            missing = {work.key for work in status_of(farm, planned(farm, spec.resolved)).of(State.MISSING)}
            assert missing.isdisjoint(queued(farm, made.work))
            advance(farm, train.key)
            assert missing <= queued(farm, made.work).keys()
            assert reconcile(farm, spec.resolved).added == ()

    def test_not_before_all_that_it_needs_is_there(self, farm, written):
        made = submit(farm, load_spec(written)).status.plan
        one = next(iter(made.of_stage("sum")))
        deliver(farm, one.needs[1])
        advance(farm, one.needs[1])
        assert one.key not in queued(farm, made.work)

    def test_nor_what_is_held(self, farm, written):
        made = submit(farm, load_spec(written)).status.plan
        hold(farm, "toy", {"stage": "phonons"})
        trained = [work.key for work in made.of_stage("train")]
        deliver(farm, *trained)
        for key in trained:
            advance(farm, key)
        assert {made.work[key].stage for key in queued(farm, made.work)} == {"train", "sum"}

    def test_a_second_campaign_that_waits_for_it_goes_on_too(self, farm, written):
        first = submit(farm, load_spec(written, ["models=[dft_ef]"])).status.plan
        other = submit(farm, load_spec(written, ["campaign=other", BOTH])).status.plan
        for work in other.of_stage("train"):
            deliver(farm, work.key)
            advance(farm, work.key)
        assert {work.key for work in other.of_stage("sum")} <= queued(farm, other.work).keys()
        assert asking(farm, first.work) == {key: {"toy", "other"} for key in first.work}

    def test_what_is_released_is_asked_for_by_both(self, farm, written):
        from launchers.queue.askers import ASKERS

        submit(farm, load_spec(written, ["models=[dft_ef]"]))
        other = submit(farm, load_spec(written, ["campaign=other", BOTH])).status.plan
        for work in other.of_stage("train"):
            deliver(farm, work.key)
            advance(farm, work.key)
        for work in other.of_stage("phonons"):
            if (one := queued(farm, [work.key]).get(work.key)) is not None:
                spec = farm.launchpad.fireworks.find_one({"fw_id": one.fw_id})["spec"]
                assert sorted(spec[ASKERS]) == (["other", "toy"] if work.model == "dft_ef" else ["other"])
        assert queued(farm, [work.key for work in other.of_stage("phonons") if work.model == "dft_ef"])

    def test_one_that_has_ended_costs_nothing(self, farm, written):
        spec = load_spec(written, ["models=[dft_ef]"])
        made = submit(farm, spec).status.plan
        assert [one.campaign for one in unended_specs(farm)] == ["toy"]
        deliver(farm, *made.work)
        advance(farm)
        assert list(unended_specs(farm)) == []
        submit(farm, load_spec(written, ["models=[dft_ef]", "training.seeds=[1,2,3]"]))
        assert [one.campaign for one in unended_specs(farm)] == ["toy"]

    def test_the_safety_net_rests(self, farm, written, monkeypatch):
        submit(farm, load_spec(written))
        monkeypatch.setattr("campaign.steering.submit.REST", 1e4)
        assert advance(farm)
        assert not advance(farm)

    def test_a_queue_of_before_names_no_key(self, farm, written):
        """Its `advance` is that of all campaigns."""
        made = submit(farm, load_spec(written)).status.plan
        farm.plans.drop()
        deliver(farm, *(work.key for work in made.of_stage("train")))
        advance(farm)
        assert {work.key for work in made.of_stage("sum")} <= queued(farm, made.work).keys()


class TestLeftovers:
    def test_what_nobody_asks_for_any_more_leaves_the_queue(self, farm, written):
        before = submit(farm, load_spec(written)).status.plan
        done = submit(farm, load_spec(written, ["training.seeds=[1]"]))
        dropped = {key for key, work in before.work.items() if work.seed == 2 and work.stage == "train"}
        assert set(done.taken_out) == dropped
        assert queued(farm, before.work).keys().isdisjoint(dropped)
        assert submit(farm, load_spec(written)).added, "and comes back when it is asked for again"
        assert dropped <= queued(farm, before.work).keys()

    def test_what_another_campaign_asks_for_stays(self, farm, written):
        submit(farm, load_spec(written, ["campaign=other"]))
        submit(farm, load_spec(written))
        assert submit(farm, load_spec(written, ["training.seeds=[1]"])).taken_out == ()

    def test_also_where_its_plan_was_never_kept(self, farm, written):
        submit(farm, load_spec(written, ["campaign=other"]))
        submit(farm, load_spec(written))
        farm.campaigns.update_one({"_id": "other"}, {"$unset": {"plan": 1}})
        farm.plans.delete_many({"campaign": "other"})
        assert submit(farm, load_spec(written, ["training.seeds=[1]"])).taken_out == ()

    def test_what_runs_stays(self, farm, written):
        before = submit(farm, load_spec(written)).status.plan
        running = next(work.key for work in before.of_stage("train") if work.seed == 2)
        farm.launchpad.workflows.update_one({"metadata.key": running}, {"$set": {"state": "RUNNING"}})
        done = submit(farm, load_spec(written, ["training.seeds=[1]"]))
        assert done.taken_out
        assert running not in done.taken_out

    def test_a_submission_that_was_cut_off_is_finished_by_the_next(self, farm, written, monkeypatch):
        submit(farm, load_spec(written))

        def away(*_: object) -> None:
            raise AutoReconnect

        monkeypatch.setattr("campaign.steering.submit.take_out", away)
        monkeypatch.setattr("campaign.steering.submit.patiently", lambda once: once())
        with pytest.raises(AutoReconnect):
            submit(farm, load_spec(written, ["training.seeds=[1]"]))
        monkeypatch.undo()
        assert submit(farm, load_spec(written, ["training.seeds=[1]"])).taken_out

    def test_the_user_is_told(self, farm, written, monkeypatch, latticefarm):
        monkeypatch.setattr("campaign.cli.connect.open_farm", lambda **_: farm)
        assert "taken out" not in latticefarm("submit", written).out
        said = latticefarm("submit", written, "--set", "training.seeds=[1]")
        assert "4 that nobody asks for any more taken out of the queue" in " ".join(said.out.split())
