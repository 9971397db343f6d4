"""Sealed envelopes: a jobflow flow, its key, and how FireWorks is to see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fireworks import FiretaskBase, Firework, FWAction, Workflow, explicit_serialize

from launchers.queue.resources import DEVICE, Needs
from launchers.queue.retries import RETRY
from launchers.queue.walltime import Expectation

if TYPE_CHECKING:
    from jobflow import Flow, Job

FIRST = 1_000_000  # more than any piece of work has others that wait for it


@dataclass(frozen=True)
class Envelope:
    """One piece of work on its way to the queue.

    `seal` builds the flow; the job that delivers is its last and has the uuid `uuid`. `metadata` (flat: system,
    stage, model, seed, size) is what the web UI filters on. `then`, an import path `module:function`, is called
    with the farm and the key when the work is delivered; where the work has `parts`, also when it failed: some may be there.
    `parts` are the keys of the records that the job stores one by one: no two envelopes may share one.
    Of two that could be run, the one of higher `priority` is taken; `expects` is what the job may take; slots for its
    `device` (`gpu`, `cpu`) take it, where there are both, if they have what it `needs`. After a failure of its calculation it is
    run again up to `retry` times.
    `first`, an import path too, is called with the farm and `enclosed` where the job is about to run: kept files that it
    reads, each by its sha256 and the place where it is looked for.
    """

    key: str
    uuid: str
    name: str
    category: str
    metadata: dict[str, Any]
    seal: Callable[[], Flow | Job]
    then: str | None = None
    parts: tuple[str, ...] = ()
    first: str | None = None
    enclosed: tuple[tuple[str, str], ...] = ()
    priority: int = 0
    device: str | None = None
    expects: Expectation | None = None
    needs: Needs | None = None
    retry: int = 0

    def workflow(self) -> Workflow:
        """The FireWorks workflow. No store travels with it: a store's password would lie in the queue."""
        from jobflow.managers.fireworks import flow_to_workflow

        flow = self.seal()
        spec = {"_category": self.category, "_priority": self.priority, **(self.expects.as_spec() if self.expects else {})}
        spec |= {DEVICE: self.device} if self.device else {}
        spec |= self.needs.as_spec() if self.needs else {}
        spec |= {RETRY: self.retry} if self.retry else {}
        flow.update_config({"manager_config": spec}, attributes="manager_config", dynamic=False)
        workflow = flow_to_workflow(
            flow,
            store=None,  # type: ignore[arg-type]  # jobflow's own default
            allow_external_references=True,
            name=self.name,
            metadata={"key": self.key, "follow_up": self.then is not None, **self.metadata},
        )
        if self.first is not None and self.enclosed:
            _begin_with(CallTask(call=self.first, given=[list(one) for one in self.enclosed]), workflow)
        if self.then is not None:
            workflow.append_wf(self._follow_up(self.then), workflow.leaf_fw_ids)
        return workflow

    def _follow_up(self, call: str) -> Workflow:
        # first in the queue: what it releases should not wait behind what was there before
        spec = {"_add_launchpad_and_fw_id": True, "_category": self.category, "_priority": FIRST}
        if self.parts:
            spec["_allow_fizzled_parents"] = True
        return Workflow.from_firework(Firework([CallTask(call=call, given=self.key)], spec=spec, name="advance"))


def _begin_with(task: FiretaskBase, workflow: Workflow) -> None:
    """Before each job: it may run on any machine."""
    for firework in workflow.fws:
        firework.tasks = [task, *firework.tasks]
        firework.spec |= {"_add_launchpad_and_fw_id": True, "_tasks": [one.to_dict() for one in firework.tasks]}


@explicit_serialize
class CallTask(FiretaskBase):
    """Calls `module:function` with the farm of the rocket that runs it, and with what is `given`.

    The `advance` of queues of before is given nothing; now it is the key of the work that it follows.
    """

    required_params = ("call",)
    optional_params = ("given",)

    def run_task(self, fw_spec: dict[str, Any]) -> FWAction:  # noqa: ARG002 - FireWorks' signature
        from launchers.farm import Farm

        given = [self["given"]] if "given" in self else []
        load(self["call"])(Farm.of_worker(self.launchpad), *given)
        return FWAction()


def load(path: str) -> Callable[..., Any]:
    """The function that an import path `module:function` names."""
    from importlib import import_module

    module, _, function = path.partition(":")
    return getattr(import_module(module), function)
