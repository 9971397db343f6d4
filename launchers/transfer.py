"""Records, the files in them and data files as they are stored: out of a database, and into another.

Each has one form in text, and is written under an `_id` made of what it is: a transfer that was killed is done again
over what it left.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any

from launchers.farm import Farm, batches

if TYPE_CHECKING:
    from bson import ObjectId

_OF_THE_QUEUE = "fw_id"  # the number of a job in the queue that it was in: it means nothing in another
_MARKS = ("faulty", "taken_for")  # what is written into records later, and by each database for itself


def documents(farm: Farm, uuids: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The stored documents of `uuids`, in the order of these, as they are in every database."""
    for batch in batches(sorted(set(uuids))):
        yield from sorted(map(_everywhere, farm.outputs.find({"uuid": {"$in": batch}}, {"_id": 0})), key=lambda one: one["uuid"])


def as_line(document: dict[str, Any], *, sort_keys: bool = False) -> str:
    """A document as one line of JSON that gives back each number to the last digit, each date, and the order of its fields
    (that of points in tables)."""
    from bson.json_util import RELAXED_JSON_OPTIONS, dumps

    return dumps(document, json_options=RELAXED_JSON_OPTIONS, sort_keys=sort_keys, separators=(",", ":"))


def of_line(line: str | bytes) -> dict[str, Any]:
    """The document of a line.

    Raises:
        ValueError: it is none.
    """
    from bson.json_util import RELAXED_JSON_OPTIONS, loads

    found = loads(line, json_options=RELAXED_JSON_OPTIONS)
    if not isinstance(found, dict):
        raise ValueError("no document")
    return found


def reference(document: dict[str, Any]) -> dict[str, Any] | None:
    """Where the file of a record lies (`blob_uuid`, `store`), if it has one."""
    output = document.get("output")
    found = output.get("blob") if isinstance(output, dict) else None
    return found if isinstance(found, dict) and "blob_uuid" in found else None


def read_blob(farm: Farm, document: dict[str, Any]) -> dict[str, Any]:
    """The file of a record, as the fields of a `Blob`.

    Raises:
        FileNotFoundError: the database has lost it.
    """
    where = reference(document)
    assert where is not None
    store: Any = farm.store
    found = store.additional_stores[where["store"]].query_one({"blob_uuid": where["blob_uuid"]})
    if found is None:
        raise FileNotFoundError("the database has lost its file")
    return found["data"]


def blobs(farm: Farm, uuids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The files of those of `uuids` whose records have one, as the fields of a `Blob`; of the records nothing else is read."""
    found, where = {}, {}
    for one in farm.find(farm.outputs, "uuid", uuids, {"_id": 0, "uuid": 1, "output.blob": 1}):
        if place := reference(one):
            where[place["blob_uuid"]] = one["uuid"]
        elif blob := one.get("output", {}).get("blob"):
            found[one["uuid"]] = blob
    store: Any = farm.store
    for batch in batches(sorted(where)):
        for stored in store.additional_stores["blobs"].query({"blob_uuid": {"$in": batch}}):
            found[where[stored["blob_uuid"]]] = stored["data"]
    return found


def put_blob(farm: Farm, document: dict[str, Any], about: dict[str, Any], content: bytes) -> None:
    """Store the file of a record as jobflow does; `about` are the fields of the `Blob` but for its bytes."""
    where = reference(document)
    assert where is not None
    data = {**about, "base64": base64.b64encode(content).decode("ascii")}
    metadata = {"job_uuid": document["uuid"], "job_index": document["index"], "blob_uuid": where["blob_uuid"]}
    held = {name: value for name, value in where.items() if name != "store"}
    stored = json.dumps({**held, "data": data, **metadata}).encode()
    store: Any = farm.store
    files = store.additional_stores[where["store"]]._collection
    number = _number(where["blob_uuid"])
    files.delete(number)  # the chunks of one that was killed
    files.put(stored, _id=number, metadata=metadata)


def put_file(farm: Farm, sha256: str, name: str, content: IO[bytes]) -> None:
    """Keep a data file, unless it is kept already."""
    if not farm.files.exists({"filename": sha256}):
        number = _number(sha256)
        farm.files.delete(number)
        farm.files.put(content, _id=number, filename=sha256, metadata={"name": name})


def open_file(farm: Farm, sha256: str) -> IO[bytes] | None:
    """A kept file, to be read piece by piece; None: there is none of that sha256."""
    from gridfs.errors import NoFile

    try:
        return farm.files.get_last_version(sha256)
    except NoFile:
        return None


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two documents hold the same record; where its file lies, and what was marked since, does not count."""
    return as_line(_said(one), sort_keys=True) == as_line(_said(other), sort_keys=True)


def stored(farm: Farm, uuids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The stored documents of those of `uuids` that are there."""
    return {one["uuid"]: one for one in documents(farm, uuids)}


def _everywhere(document: dict[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in document.get("metadata", {}).items() if name != _OF_THE_QUEUE}
    return {**document, "metadata": metadata}


def _said(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document["output"].items() if name not in ("blob", *_MARKS)}


def _number(of: str) -> ObjectId:
    from bson import ObjectId

    return ObjectId(hashlib.sha256(of.encode()).digest()[:12])
