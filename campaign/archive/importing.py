"""An archive into a database: what is there stays, what is missing is added, and nothing is computed.

All of it is checked first, also against what the database has. Then it is written in an order in which a kill leaves
nothing that is believed and not whole: data files, files of records, records, label sets, claims, the campaign.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from campaign.archive import layout
from campaign.archive.layout import ArchiveError
from campaign.archive.reading import Archive
from campaign.records.campaigns import adopt, campaign_names, resolved_spec
from campaign.records.lookup import planned
from campaign.records.plans import keep_plan
from flows.records import Blob
from launchers import transfer
from launchers.farm import Farm
from launchers.queue.claims import claim_finished
from launchers.queue.lease import Lease, sole

LEASE = timedelta(seconds=60)
BATCH = 500  # documents in memory
_SET = "label set"
_LEASE = "import"


@dataclass(frozen=True)
class Imported:
    """What an import did: of `records` in the archive, `added` were not there."""

    campaign: str
    records: int
    added: int
    done: int
    asked: int


def import_archive(farm: Farm, archive: Archive) -> Imported:
    """Put an archive that was checked into the database of `farm`. Doing it again changes nothing.

    Raises:
        ArchiveError: the database has something else under a key, or under the campaign's name, or another import is under
            way; then nothing was written.
    """
    with sole(farm, _LEASE, LEASE) as lease:
        if lease is None:
            raise ArchiveError(f"another import into this database is under way, or was killed within {LEASE.seconds} s: try again then")
        records = _refuse_conflicts(farm, archive, lease)
        _write_inputs(farm, archive, lease)
        # sets last: where one exists, its labels do
        added = _write_records(farm, archive, lease, sets=False) + _write_records(farm, archive, lease, sets=True)
        claim_finished(farm, archive.head.chunks)
        adopt(farm, archive.spec, yaml=archive.yaml, submitted_at=archive.head.submitted_at, held=archive.head.held)
    found = planned(farm, archive.spec)
    keep_plan(farm, found)
    return Imported(archive.spec.campaign, records, added, archive.head.done, archive.head.asked)


def _refuse_conflicts(farm: Farm, archive: Archive, lease: Lease) -> int:
    """How many records the archive has; none of them is another in the database."""
    name, count = archive.spec.campaign, 0
    if name in campaign_names(farm) and resolved_spec(farm, name) != archive.spec:
        raise ArchiveError(
            f"{archive.path}: a campaign {name} that asks for something else is in this database already: import into another "
            "database (LATTICEFARM_MONGO_DATABASE), or submit that one under another name first"
        )
    conflicts: list[str] = []
    for documents in _batches(archive.records()):
        lease.renew()
        count += len(documents)
        stored = transfer.stored(farm, (one["uuid"] for one in documents))
        conflicts += [one["output"]["key"] for one in documents if one["uuid"] in stored and _differ(farm, one, stored[one["uuid"]])]
    if conflicts:
        more = f", and so have {len(conflicts) - 1} more" if conflicts[1:] else ""
        raise ArchiveError(
            f"{archive.path}: the record {conflicts[0]} has another content in this database{more}: nothing was imported; "
            "import into another database (LATTICEFARM_MONGO_DATABASE)"
        )
    return count


def _differ(farm: Farm, mine: dict[str, Any], theirs: dict[str, Any]) -> bool:
    if not transfer.same(mine, theirs) or (transfer.reference(theirs) is None) != ("file" not in mine):
        return True
    return "file" in mine and mine["file"]["blob"]["sha256"] != _sha256(farm, theirs)


def _sha256(farm: Farm, document: dict[str, Any]) -> str:
    """Of the file of a stored record; empty: it is lost, or damaged."""
    try:
        blob = Blob.model_validate(transfer.read_blob(farm, document))
        blob.content()
    except (FileNotFoundError, ValueError):
        return ""
    return blob.sha256


def _write_inputs(farm: Farm, archive: Archive, lease: Lease) -> None:
    for sha256, name in archive.inputs():
        lease.renew()
        with archive.open(layout.input_member(sha256, name)) as content:
            transfer.put_file(farm, sha256, name, content)


def _write_records(farm: Farm, archive: Archive, lease: Lease, *, sets: bool) -> int:
    """Those that the database lacks: of label sets, or of all else. Returns how many these were."""
    added = 0
    chosen = (one for one in archive.records() if (one.get("name") == _SET) is sets)
    for documents in _batches(chosen):
        lease.renew()
        there = farm.delivered(one["uuid"] for one in documents)
        new = [one for one in documents if one["uuid"] not in there]
        for one in new:
            if (file := one.pop("file", None)) is not None:
                lease.renew()
                transfer.put_blob(farm, one, file["blob"], archive.file.read(file["member"]))
        if new:
            farm.put_new(farm.outputs, new)
        added += len(new)
    return added


def _batches(documents: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    left = iter(documents)
    while batch := list(islice(left, BATCH)):
        yield batch
