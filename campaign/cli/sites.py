"""The file of sites: found, read, and every mistake in it said with its line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from campaign.cli.errors import UsageError
from campaign.planning.stages import categories
from campaign.spec.document import Document, read_document
from campaign.spec.errors import Problem, SpecError, nearest
from campaign.spec.explain import explain
from launchers.database.ladder import home
from launchers.machines.script import ScriptError, given, names, template
from launchers.machines.site import Site, Sites

VARIABLE = "LATTICEFARM_SITES"
NONE = "no file of sites: `latticefarm launch --init` writes one to edit"


def sites_path(named: Path | None = None) -> Path:
    """The file that is named, or that `LATTICEFARM_SITES` names, or `sites.yaml` in `LATTICEFARM_HOME`."""
    return (named or Path(os.environ.get(VARIABLE) or home() / "sites.yaml")).expanduser()


def read_sites(path: Path) -> Sites:
    """The sites in a file.

    Raises:
        UsageError: it is not there.
        SpecError: all that is wrong in it, a line each.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path}: {NONE}") from None
    except UnicodeDecodeError as error:
        raise SpecError([Problem(str(path), "", f"is not UTF-8 text (byte {error.start})")]) from None
    document = read_document(text, str(path), "a file of sites is a mapping: sites, and under it a name for each")
    try:
        sites = Sites.model_validate(document.tree)
    except ValidationError as error:
        raise explain(error, document, Sites) from None
    problems = [problem for name, site in sites.sites.items() for problem in _problems(document, name, site)]
    if problems:
        raise SpecError(problems)
    return sites


def chosen(sites: Sites, name: str | None) -> tuple[str, Site]:
    """The site of that name, or the only one.

    Raises:
        UsageError: there is none of that name, or several and no name.
    """
    if name is None and len(sites.sites) > 1:
        raise UsageError(f"several sites: name one of {', '.join(sites.sites)}")
    name = next(iter(sites.sites)) if name is None else name
    if name not in sites.sites:
        raise UsageError(f"no site {name!r}; {nearest(name, sites.sites)}")
    return name, sites.sites[name]


def _problems(document: Document, name: str, site: Site) -> Iterator[Problem]:
    """What only the template and the stages know to be wrong."""
    loc = ("sites", name)
    try:
        names(template(site))
    except ScriptError as error:
        yield document.problem((*loc, "template"), str(error))
        return
    for kind, one in site.classes.items():
        inside = (*loc, "classes", kind)
        for number, category in enumerate(one.categories):
            if category not in categories():
                yield document.problem((*inside, "categories", number), f"no category {category!r}; {nearest(category, categories())}")
        try:
            given(site, one)
        except ScriptError as error:
            yield document.problem((*inside, "options", error.key), str(error))
