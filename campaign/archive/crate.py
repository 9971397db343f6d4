"""The description of an archive as an RO-Crate 1.1: what each file in it is, for people and programs that know neither us
nor our database (https://w3id.org/ro/crate/1.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from campaign.archive import layout
from campaign.archive.citations import citations

_CONTEXT = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://schema.org/sha256"}]
_PROFILE = "https://w3id.org/ro/crate/1.1"
_NO_LICENCE = "#no-licence-stated"
_FORMATS = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".yaml": "application/yaml",
    ".csv": "text/csv",
    ".html": "text/html",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".xyz": "chemical/x-xyz",
}
_ABOUT = {
    layout.HEAD: "which campaign, of when, by which version; the shares of its labels",
    layout.SPEC: "what the campaign asks for, resolved: structures, every default, data files by sha256",
    layout.YAML: "the campaign as its user wrote it",
    layout.RECORDS: "all records, one a line: labels with what they have cost, models, sums, phonons, MD, each under its key",
}


class Member(NamedTuple):
    """A file of the archive: sha256 of its bytes, how many, and what it is."""

    sha256: str
    size: int
    about: str = ""


@dataclass
class Facts:
    """What is said of the whole: `published` is an ISO date, `packages` the versions that records name."""

    campaign: str
    description: str
    published: str
    packages: dict[str, set[str]] = field(default_factory=dict)


def metadata(facts: Facts, members: Mapping[str, Member]) -> dict[str, Any]:
    """The content of `ro-crate-metadata.json`."""
    cited, software = citations(facts.packages), list(_software(facts.packages))
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{facts.campaign}: a campaign of latticefarm",
        "description": facts.description,
        "datePublished": facts.published,
        "license": {"@id": _NO_LICENCE},
        "hasPart": [{"@id": name} for name in sorted(members)],
        "citation": [{"@id": one.identifier} for one in cited],
        "mentions": [{"@id": one["@id"]} for one in software],
    }
    licence = {
        "@id": _NO_LICENCE,
        "@type": "CreativeWork",
        "name": "no licence is stated",
        "description": "Ask those who made the campaign before you pass it on.",
    }
    descriptor = {"@id": layout.CRATE, "@type": "CreativeWork", "conformsTo": {"@id": _PROFILE}, "about": {"@id": "./"}}
    works = [{"@id": one.identifier, "@type": "ScholarlyArticle", "name": one.text} for one in cited]
    return {"@context": _CONTEXT, "@graph": [descriptor, root, licence, *software, *works, *_files(members)]}


def _software(packages: Mapping[str, set[str]]) -> Iterator[dict[str, Any]]:
    for name, versions in sorted(packages.items()):
        for version in sorted(versions):
            identifier = f"#{name}-{version}".replace(" ", "-")
            yield {"@id": identifier, "@type": "SoftwareApplication", "name": name, "version": version}


def _files(members: Mapping[str, Member]) -> Iterator[dict[str, Any]]:
    for name, one in sorted(members.items()):
        found = {"@id": name, "@type": "File", "name": name.rpartition("/")[2], "contentSize": str(one.size), "sha256": one.sha256}
        kind = _FORMATS.get(f".{name.rpartition('.')[2]}", "application/octet-stream")
        yield found | {"encodingFormat": kind, "description": one.about or _ABOUT.get(name, "")}
