"""A campaign out of a database, into an archive. What is finished is in it; failures and queued work are not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign.archive import layout
from campaign.archive.contents import Contents, contents, input_names
from campaign.archive.crate import Facts, metadata
from campaign.archive.layout import ArchiveError, Head
from campaign.archive.pen import Pen, pieces, sealed, without_passwords
from campaign.planning.born import as_asked
from campaign.planning.work import Work
from campaign.records.campaigns import standing
from campaign.report.page import FOLDER
from campaign.report.write import INDEX, is_current
from campaign.results.campaign import Campaign
from campaign.results.files import file_stem
from campaign.results.render import csv_text
from campaign.results.tables import TABLES
from flows.keys import job_uuid
from flows.records import Blob
from launchers import transfer

_NOT_OF_A_CAMPAIGN = ("failures",)  # of the queue, with paths of the machine
_FOLDERS = {"train": "models", "phonons": "phonons", "hessian": "hessian"}


@dataclass(frozen=True)
class Written:
    """What an archive holds: of `asked` jobs the `done` ones, `records`, its bytes, and what its user should know."""

    path: Path
    done: int
    asked: int
    records: int
    size: int
    remarks: tuple[str, ...]


def write_archive(campaign: Campaign, path: Path, report: Path | None = None) -> Written:
    """Write all that is finished of `campaign`, and its page in `report` if that is there and of what it is now.

    Raises:
        ArchiveError: it would hold a password, or the database has lost a file of it, or has it damaged.
    """
    found, about = contents(campaign.farm, campaign.spec), standing(campaign.farm, campaign.name)
    page = report is not None and is_current(campaign, report)
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = Facts(campaign.name, _description(campaign, found), "")
    with sealed(path) as pen:
        _write_question(pen, campaign, about["yaml"])
        _write_inputs(pen, campaign)
        _write_records(pen, campaign, found, facts)
        for name in (one for one in TABLES if one not in _NOT_OF_A_CAMPAIGN):
            pen.text(f"tables/{name}.csv", csv_text(campaign.table(name)), TABLES[name].about)
        if page and report is not None:
            _write_report(pen, report)
        pen.text(layout.HEAD, _head(campaign, found, about).model_dump_json(indent=1) + "\n")
        facts.published = facts.published or f"{about['submitted_at']:%Y-%m-%d}"
        pen.json(layout.CRATE, metadata(facts, dict(pen.members)))
    remarks = tuple(_remarks(campaign, about["yaml"], page, report))
    return Written(path, len(found.finished), len(found.plan.work), len(found.keys), path.stat().st_size, remarks)


def _write_question(pen: Pen, campaign: Campaign, yaml: str) -> None:
    if yaml:
        pen.text(layout.YAML, yaml)
    pen.json(layout.SPEC, as_asked(campaign.spec).model_dump(mode="json"))


def _write_inputs(pen: Pen, campaign: Campaign) -> None:
    for sha256, name in sorted(input_names(campaign.spec).items()):
        content = transfer.open_file(campaign.farm, sha256)
        if content is None:
            raise ArchiveError(f"the database has lost the data file {name} of {campaign.name}: submit the campaign again, export again")
        member = pen.add(layout.input_member(sha256, name), pieces(content), f"a data file of the campaign: {name}")
        if member.sha256 != sha256:
            raise ArchiveError(f"the data file {name} is damaged in the database: its sha256 is {member.sha256}, and {sha256} was kept")


def _write_records(pen: Pen, campaign: Campaign, found: Contents, facts: Facts) -> None:
    """Files of records first, each into a member of its own; then a line for each record."""
    uuids, files = [job_uuid(key) for key in found.keys], {}
    for document in transfer.documents(campaign.farm, uuids):
        _note(facts, document)
        if transfer.reference(document) is not None:
            files[document["uuid"]] = _write_file(pen, campaign, document)

    def lines() -> Iterator[str]:
        for document in transfer.documents(campaign.farm, uuids):
            more = {"file": files[document["uuid"]]} if document["uuid"] in files else {}
            yield transfer.as_line({**document, **more}) + "\n"

    pen.add(layout.RECORDS, (line.encode() for line in without_passwords(layout.RECORDS, lines())))


def _write_file(pen: Pen, campaign: Campaign, document: dict[str, Any]) -> dict[str, Any]:
    """The file of a record as a member; returns what is left to say of it."""
    output = document["output"]
    try:
        blob = transfer.read_blob(campaign.farm, document)
        content = Blob.model_validate(blob).content()
    except (FileNotFoundError, ValueError) as error:
        raise ArchiveError(f"{document.get('name')} (key {output['key']}) cannot be archived: {error}") from error
    member = _member(campaign.plan.work.get(output["key"]), output["key"], "npz" if output.get("force_constants") else "model")
    if member in pen.members:
        member = f"{output['key']}-{member.rpartition('/')[2]}"
    pen.add(member, [content], document.get("name") or "")
    return {"member": member, "blob": {name: value for name, value in blob.items() if name != "base64"}}


def _member(work: Work | None, key: str, kind: str) -> str:
    if work is None:  # nobody asks for it any more
        return f"earlier/{key}"
    folder = _FOLDERS.get(work.stage, work.stage)
    return f"{folder}/{file_stem(work)}.{kind if folder == 'models' else 'phonopy.yaml'}"


def _write_report(pen: Pen, report: Path) -> None:
    for path in [report / INDEX, *sorted((report / FOLDER).glob("*"))]:
        with path.open("rb") as content:
            pen.add(f"report/{path.relative_to(report).as_posix()}", pieces(content), "the page of the campaign, and its figures")


def _note(facts: Facts, document: dict[str, Any]) -> None:
    """The versions that a record names, and its date, if it is the latest."""
    output = document["output"]
    for name, version in (output.get("versions") or {}).items():
        facts.packages.setdefault(name, set()).add(version)
    for name, _, version in (one.partition(" ") for one in (output.get("engine_version") or "").split(", ") if one):
        facts.packages.setdefault(name, set()).add(version)
    facts.published = max(facts.published, str(document.get("completed_at", ""))[:10])


def _head(campaign: Campaign, found: Contents, about: dict[str, Any]) -> Head:
    from campaign import __version__

    return Head(
        latticefarm=__version__,
        campaign=campaign.name,
        submitted_at=about["submitted_at"],
        held=tuple(about["held"]),
        chunks=found.chunks,
        done=len(found.finished),
        asked=len(found.plan.work),
    )


def _description(campaign: Campaign, found: Contents) -> str:
    levels = sorted({level for cells in campaign.spec.systems.values() for level in cells.levels})
    return (
        f"Lattice dynamics of {', '.join(campaign.spec.systems)}: labels at {', '.join(levels)}, the models "
        f"{', '.join(campaign.spec.models)}, and what was computed with them. {len(found.finished)} of {len(found.plan.work)} "
        "jobs are done. `latticefarm import` puts it into a database, and computes nothing."
    )


def _remarks(campaign: Campaign, yaml: str, page: bool, report: Path | None) -> Iterator[str]:
    name = campaign.name
    if not page and report is not None:
        why = "is not of what there is now" if (report / INDEX).is_file() else "is not there"
        yield f"without figures and page: {report} {why}; latticefarm report {name}, then export again"
    if not yaml:
        yield "without the YAML: an earlier version submitted it, and did not keep it; submit it again to have it kept"
    paths = sorted(set(re.findall(r"(?<![\w.:/-])(?:/home|/root|/Users|~)/[^\s\"',}\]]+", yaml)))
    if paths:
        yield f"its YAML names paths of this machine, which are in the archive as they are written: {', '.join(paths)}"
