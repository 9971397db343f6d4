"""A farm: the queue (a FireWorks LaunchPad) and the store of records (a jobflow JobStore), in one database."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from fireworks import LaunchPad
    from gridfs import GridFS
    from jobflow import JobStore
    from pymongo.collection import Collection

    from launchers.database.ladder import Database

DUPLICATE_KEY, UNAUTHORIZED = 11000, 13
BATCH = 2000  # keys in one `$in`: far below the 16 MB of a command


class FileChanged(Exception):
    """A data file was written while a campaign that names it was being submitted."""


@dataclass(frozen=True)
class Farm:
    """What every part that touches the queue or the records is handed.

    `token` marks the claims of this process.
    """

    launchpad: LaunchPad = field(repr=False)  # its text holds the URI, with its password
    store: JobStore = field(repr=False)
    token: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def open(cls, database: Database) -> Farm:
        """The farm in `database`, its indexes made, jobflow's configured store set to it.

        A user who may only read finds the indexes that others have made.
        """
        import jobflow
        from pymongo.errors import OperationFailure

        store = database.job_store()
        store.connect()
        jobflow.SETTINGS.JOB_STORE = store
        farm = cls(database.launchpad(), store)
        try:
            farm.prepare()
        except OperationFailure as error:
            if error.code != UNAUTHORIZED or farm._may_write():
                raise
        return farm

    def _may_write(self) -> bool:
        """Whether MongoDB says that this user may add to the database."""
        said = self.launchpad.db.command("connectionStatus", showPrivileges=True)
        privileges = said["authInfo"].get("authenticatedUserPrivileges", ())
        own = (one for one in privileges if one["resource"].get("db") in ("", self.launchpad.name))
        return any("insert" in one["actions"] for one in own)

    @classmethod
    def of_worker(cls, launchpad: LaunchPad) -> Farm:
        """The farm that a running rocket works for: its LaunchPad and jobflow's configured store."""
        from jobflow import SETTINGS

        store = SETTINGS.JOB_STORE
        store.connect()
        return cls(launchpad, store)

    @property
    def work(self) -> Collection:
        """The claims: one document for each key that was ever asked for."""
        return self.launchpad.db["work"]

    @property
    def allocations(self) -> Collection:
        """What was asked of schedulers, each under its name (`launchers.machines.allocations`)."""
        return self.launchpad.db["allocations"]

    @property
    def campaigns(self) -> Collection:
        """The resolved spec of each campaign, under its name."""
        return self.launchpad.db["campaigns"]

    @property
    def leases(self) -> Collection:
        """What one process at a time does, and until when it is believed to be alive."""
        return self.launchpad.db["leases"]

    @property
    def plans(self) -> Collection:
        """What each campaign asks for, one document for each piece of work."""
        return self.launchpad.db["plans"]

    @property
    def paces(self) -> Collection:
        """What jobs have taken, by their kind."""
        return self.launchpad.db["paces"]

    @property
    def heartbeats(self) -> Collection:
        """Which slots there are, what each has in hand, and when it was last heard of."""
        return self.launchpad.db["heartbeats"]

    @property
    def bulletins(self) -> Collection:
        """How far running jobs are, as they tell it themselves."""
        return self.launchpad.db["bulletins"]

    @property
    def classes(self) -> Collection:
        """What the classes of sites give, of which `launch` was told (`launchers.machines.capacities`)."""
        return self.launchpad.db["classes"]

    @property
    def identity(self) -> str:
        """By what this database is known again, whatever URI leads to it."""
        leases = self.leases
        leases.update_one({"_id": "identity"}, {"$setOnInsert": {"is": uuid4().hex}}, upsert=True)
        found: Any = leases.find_one({"_id": "identity"})
        return found["is"]

    @property
    def files(self) -> GridFS:
        """The data files of the campaigns, each under its sha256."""
        from gridfs import GridFS

        return GridFS(self.launchpad.db, collection="inputs")

    def keep_file(self, sha256: str, path: Path) -> None:
        """Keep a data file, so that any node can read it. Twice the same is harmless: it is found by content.

        Raises:
            FileChanged: it does not hold any more what has this sha256.
        """
        if not self.files.exists({"filename": sha256}):
            with path.open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != sha256:
                    raise FileChanged(f"{path} has changed since it was read a moment ago: when nobody writes it any more, submit again")
                content.seek(0)
                self.files.put(content, filename=sha256, metadata={"name": path.name})

    def read_file(self, sha256: str) -> bytes:
        """The content of a kept file.

        Raises:
            gridfs.errors.NoFile: there is none of that sha256.
        """
        return self.files.get_last_version(sha256).read()

    def copy_file(self, sha256: str, path: Path) -> None:
        """Make `path` a copy of a kept file, unless it is one: whole, or not at all.

        Raises:
            FileNotFoundError: there is none of that sha256.
            ValueError: what the database has is damaged.
            OSError: it cannot be written.
        """
        from gridfs.errors import NoFile

        if path.is_file() and _sha256(path) == sha256:
            return
        try:
            kept = self.files.get_last_version(sha256)
        except NoFile:
            raise FileNotFoundError(errno.ENOENT, "the database has no such file of a campaign", sha256) from None
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = mkstemp(prefix=".unfinished-", dir=path.parent)
        unfinished = Path(name)
        try:
            with os.fdopen(number, "wb") as copy:
                shutil.copyfileobj(kept, copy)
                copy.flush()
                os.fsync(copy.fileno())
            if (found := _sha256(unfinished)) != sha256:
                raise ValueError(f"a file of a campaign is damaged in the database: its sha256 is {found}, and {sha256} was kept")
            unfinished.chmod(0o444)  # a calculator that wrote into it would change it for others
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    @property
    def outputs(self) -> Collection:
        """The records, as jobflow stores them."""
        return self.store.docs_store._collection

    def prepare(self) -> None:
        """Make the indexes that the rules of the house rest on. Doing it again changes nothing."""
        self.launchpad.tuneup()
        self.launchpad.workflows.create_index(
            "metadata.key", unique=True, partialFilterExpression={"metadata.key": {"$exists": True}}
        )
        self.launchpad.workflows.create_index("state")
        self.launchpad.workflows.create_index("metadata.system")  # for people, in the browser
        # every worker asks again and again what is locked, and after each job for its last launch
        self.launchpad.workflows.create_index("locked", partialFilterExpression={"locked": {"$exists": True}})
        self.launchpad.launches.create_index([("fworker.name", 1), ("launch_id", -1)])
        self.launchpad.launches.create_index([("fworker.name", 1), ("state", 1)])
        self.work.create_index("parts", unique=True, partialFilterExpression={"parts": {"$exists": True}})
        for name in ("campaign", "key", "needs"):
            self.plans.create_index(name)
        self.plans.create_index([("campaign", 1), ("system", 1)])
        self.allocations.create_index([("scheduler", 1), ("site", 1), ("state", 1)])
        for name in ("beat", "host", "node"):
            self.heartbeats.create_index(name)
        self.outputs.create_index([("uuid", 1), ("index", 1)], unique=True)
        # for people: records of a kind, of a system, of a model; labels of a level
        self.outputs.create_index([("output.@class", 1), ("output.system", 1), ("output.model", 1)])
        self.outputs.create_index([("name", 1), ("output.level", 1)])
        # who begins to work on GPUs asks for the largest, and few records have one
        on_gpus = "metadata.made_on.device_memory_GB"
        self.outputs.create_index(on_gpus, partialFilterExpression={on_gpus: {"$exists": True}})
        store: Any = self.store
        store.additional_stores["blobs"].ensure_index("blob_uuid")
        self.launchpad.db["checkpoints.files"].create_index("metadata.key")
        self.bulletins.create_index("key", unique=True)
        if self.launchpad.fw_id_assigner.find_one() is None:
            self.launchpad.fw_id_assigner.update_one(
                {"_id": 0}, {"$setOnInsert": {"next_fw_id": 1, "next_launch_id": 1}}, upsert=True
            )

    @staticmethod
    def put(collection: Collection, documents: Sequence[dict[str, Any]]) -> None:
        """Each of `documents` in place of the one with its `_id`, or beside the others: at no moment is one missing."""
        from pymongo import ReplaceOne

        if documents:
            collection.bulk_write([ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in documents], ordered=False)

    @staticmethod
    def put_new(collection: Collection, documents: Sequence[dict[str, Any]]) -> None:
        """Insert those of `documents` that no unique index refuses."""
        from pymongo.errors import BulkWriteError

        try:
            collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            if any(one["code"] != DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise

    def delivered(self, uuids: Iterable[str]) -> set[str]:
        """Those of `uuids` whose record is stored."""
        return {document["uuid"] for document in self.find(self.outputs, "uuid", uuids, {"uuid": 1, "_id": 0})}

    def records(self, uuids: Iterable[str], *, blobs: bool = False) -> dict[str, dict[str, Any]]:
        """The stored outputs of `uuids`, as plain dictionaries. Without `blobs`, a blob is a reference."""
        found: dict[str, dict[str, Any]] = {}
        for batch in batches(uuids):
            for document in self.store.query({"uuid": {"$in": batch}}, load=blobs):
                found[document["uuid"]] = document["output"]
        return found

    def parts_of_records(self, uuids: Iterable[str], names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The same with the fields `names` alone, as far as a record has them: the database sends nothing else."""
        fields = {"_id": 0, "uuid": 1, **{f"output.{name}": 1 for name in names}}
        return {one["uuid"]: one.get("output", {}) for one in self.find(self.outputs, "uuid", uuids, fields)}

    def store_records(self, outputs: dict[str, dict[str, Any]], name: str) -> None:
        """Store records that no job delivers (imported labels), each once, in jobflow's own form.

        They are plain: jobflow's `update` would walk through each number of each twice to make sure of it.
        """
        from datetime import UTC, datetime

        from jobflow.core.schemas import JobStoreDocument

        now = datetime.now(UTC).isoformat()
        for batch in batches(set(outputs) - self.delivered(outputs)):
            documents = [
                JobStoreDocument(
                    uuid=uuid, index=1, output=outputs[uuid], completed_at=now, metadata={}, hosts=[], name=name
                ).model_dump()
                for uuid in batch
            ]
            self.put_new(self.outputs, documents)

    def unmarked(self, uuids: Iterable[str]) -> set[str]:
        """Those of `uuids` whose record is stored and not marked as faulty."""
        stored = self.find(self.outputs, "uuid", uuids, {"uuid": 1, "output.faulty": 1, "_id": 0})
        return {document["uuid"] for document in stored if not document["output"].get("faulty")}

    def mark(self, reasons: Mapping[str, str]) -> None:
        """Write into the stored records of these uuids what is wrong with them."""
        for reason in dict.fromkeys(reasons.values()):
            for batch in batches(uuid for uuid, why in reasons.items() if why == reason):
                self.outputs.update_many({"uuid": {"$in": batch}}, {"$set": {"output.faulty": reason}})

    def take(self, reasons: Mapping[str, str]) -> None:
        """Write into the stored records of these uuids what they were taken for; the first time counts."""
        for taken_for in dict.fromkeys(reasons.values()):
            for batch in batches(uuid for uuid, one in reasons.items() if one == taken_for):
                untaken = {"uuid": {"$in": batch}, "output.taken_for": {"$in": [None, ""]}}
                self.outputs.update_many(untaken, {"$set": {"output.taken_for": taken_for}})

    @staticmethod
    def find(
        collection: Collection, name: str, values: Iterable[Any], projection: dict[str, int]
    ) -> Iterator[dict[str, Any]]:
        """The documents whose field `name` is one of `values`, however many these are."""
        for batch in batches(values):
            yield from collection.find({name: {"$in": batch}}, projection)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    """`values` without repetitions, in lists that fit into one query."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), BATCH):
        yield distinct[start : start + BATCH]


def server_time(farm: Farm) -> datetime:
    """The time of the database."""
    found: datetime = farm.launchpad.db.command("hello")["localTime"]
    return found.replace(tzinfo=UTC)
