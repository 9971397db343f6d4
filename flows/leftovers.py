"""Checkpoints and bulletins that nobody needs any more: their record is stored, or nobody asks for it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from flows import bulletins
from flows.checkpoints import directory_of, keys_with_checkpoints
from flows.depot import keys_in, sweep
from flows.keys import job_uuid

if TYPE_CHECKING:
    from jobflow import JobStore


def sweep_delivered(store: JobStore | None = None) -> None:
    """Remove the checkpoints and bulletins of work whose record is in `store`, that of the running job where none is given.

    Here and in the database. Before its record is stored, a kill would cost the work.
    """
    if store is None:
        from jobflow import CURRENT_JOB

        store = CURRENT_JOB.store
    here = keys_with_checkpoints()
    keys = {job_uuid(key): key for key in {*here, *keys_in(store), *bulletins.keys_in(store)}}
    found = store.query({"uuid": {"$in": list(keys)}}, properties=["uuid"]) if keys else ()
    delivered = {keys[document["uuid"]] for document in found}
    for key in delivered.intersection(here):
        shutil.rmtree(directory_of(key), ignore_errors=True)
    sweep(store, delivered)
    bulletins.sweep(store, delivered)
