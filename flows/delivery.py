"""How a job delivers a record: once. And how it reads the records of others.

Every job of ours is made with `delivers`: it sees the job store, keeps fields called `blob` in the `blobs`
store, and where its record exists already it returns that record instead of computing it again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import wraps
from multiprocessing import active_children
from typing import Any, TypeVar

import psutil

from flows import device_memory
from flows.keys import job_uuid
from flows.records import Record

R = TypeVar("R", bound=Record)

MADE_ON = "made_on"
PROCESSOR_S = "processor_s"
DEVICE_MEMORY_GB = "device_memory_GB"
WHERE = {"slot": "LATTICEFARM_SLOT", "allocation": "LATTICEFARM_ALLOCATION", "device": "LATTICEFARM_DEVICE"}


def delivers(record: type[R]) -> Callable[[Callable[..., R]], Callable[..., Any]]:
    """Make a function that returns a `record` into a jobflow job that delivers it once."""
    from jobflow import JobConfig, job

    def decorate(function: Callable[..., R]) -> Callable[..., Any]:
        @wraps(function)
        def once(*args: Any, **kwargs: Any) -> R:
            stored = _stored_document()
            if stored is not None:
                _say_where(stored["metadata"].get(MADE_ON, {}))
                return record.model_validate(stored["output"])
            before = _processor_s()
            device_memory.count_anew()
            made = function(*args, **kwargs)
            _say_where(_here() | {PROCESSOR_S: round(_processor_s() - before, 3)} | _of_device())
            return made

        return job(once, config=JobConfig(expose_store=True), blobs="blob")

    return decorate


def read_records(record: type[R], keys: Iterable[str], *, blobs: bool = False) -> dict[str, R]:
    """The records of `keys` from the store of the running job, by key, in one query.

    Raises:
        KeyError: a record is missing; the message names how many, and the first.
    """
    wanted = {job_uuid(key): key for key in keys}
    if not wanted:
        return {}
    found = {
        wanted[document["uuid"]]: record.model_validate(document["output"])
        for document in _store().query({"uuid": {"$in": list(wanted)}}, load=blobs)
    }
    missing = [key for key in wanted.values() if key not in found]
    if missing:
        raise KeyError(f"{len(missing)} of {len(wanted)} records are not in the job store, the first: {missing[0]}")
    return found


def stored_keys(keys: Iterable[str]) -> set[str]:
    """Those of `keys` whose record is in the store of the running job."""
    wanted = {job_uuid(key): key for key in keys}
    found = _store().query({"uuid": {"$in": list(wanted)}}, properties=["uuid"])
    return {wanted[document["uuid"]] for document in found}


def store_record(key: str, record: Record, name: str) -> None:
    """Store a record that no job delivers, as jobflow would; twice the same changes nothing."""
    from jobflow.core.schemas import JobStoreDocument

    document = JobStoreDocument(
        uuid=job_uuid(key),
        index=1,
        output=record.model_dump(mode="json"),
        completed_at=datetime.now(UTC).isoformat(),
        metadata={MADE_ON: _here()},
        hosts=[],
        name=name,
    )
    _store().update([document.model_dump()], key=["uuid", "index"])


def _store() -> Any:
    from jobflow import CURRENT_JOB

    return CURRENT_JOB.store


def _stored_document() -> dict[str, Any] | None:
    from jobflow import CURRENT_JOB

    found: dict[str, Any] | None = _store().query_one({"uuid": CURRENT_JOB.job.uuid, "index": CURRENT_JOB.job.index}, load=True)
    return found


def _processor_s() -> float:
    """Of this process with all of its threads, of its children that have ended, and of those that live, as warm engines do."""
    spent = sum(os.times()[:4])
    # to look for them takes longer the more processes the machine has, and most jobs have none
    for child in psutil.Process().children(recursive=True) if active_children() else ():
        with suppress(psutil.Error):
            spent += sum(child.cpu_times()[:4])
    return spent


def _of_device() -> dict[str, float]:
    peak_GB = device_memory.peak_GB()
    return {} if peak_GB is None else {DEVICE_MEMORY_GB: peak_GB}


def _say_where(made_on: dict[str, Any]) -> None:
    """jobflow stores the metadata of a job beside its output."""
    from jobflow import CURRENT_JOB

    if made_on:
        CURRENT_JOB.job.metadata[MADE_ON] = made_on


def _here() -> dict[str, Any]:
    """The host, and of a worker of ours its slot, its device and its allocation, where it has them."""
    named = {name: os.environ.get(variable, "") for name, variable in WHERE.items()}
    return {"host": socket.gethostname(), **{name: value for name, value in named.items() if value}}
